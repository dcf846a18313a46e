using System.Buffers.Binary;
using System.Text;
using FastPool.Core.Pools;
using FastPool.Core.Settings;
using FastPool.Protocol;
using Microsoft.Extensions.Logging;

namespace FastPool.Core.Sessions;

/// <summary>
/// Asks a server for the secret of a user that no file knows, on behalf of one login. To the pool it is a client like any
/// other; the login that waits for it is never linked to the server, so nothing of what its client sends can get there.
/// </summary>
public sealed class AuthQuery(SessionContext context, ClientSession requester, Pool pool, string text, string user)
    : PoolClient(context.Loop, requester.ConnectUs)
{
    private const int NullLength = -1;

    private bool _isResetting;

    public ClientSession Requester { get; } = requester;

    public Pool AuthPool { get; } = pool;

    /// <summary>The name in the last row; null: there was none.</summary>
    public string? FoundUser { get; private set; }

    /// <summary>The secret in the last row; null: no password will do.</summary>
    public string? FoundSecret { get; private set; }

    /// <summary>Parse, Bind, Describe, Execute, Sync: the name is a parameter, so that nothing in it is SQL.</summary>
    /// <param name="server">The server. Its variables are first brought to its own defaults: no client's search_path decides what
    /// the query means.</param>
    public void WriteTo(MessageBuffer output, ServerSession server)
    {
        if (AuthPool.Welcome is WelcomeParameters defaults
            && SetBatch.Build(context.Tracked, defaults.Tracked, server.Parameters,
                AuthPool.Database.Entry.ConnectQuery, server.UndoBefore(null)) is { } batch)
        {
            server.ForgetKept();
            server.TakeLabels(defaults.Tracked);
            _isResetting = true;
            output.Write(new Query { Text = Encoding.Latin1.GetBytes(batch) });
        }
        var name = Encoding.Latin1.GetBytes(user);
        output.Write(new Parse { Query = Encoding.Latin1.GetBytes(text), ParameterTypes = [0, 0] });
        var arguments = new byte[2 + 2 + 4 + name.Length + 2]; // No formats, one parameter, no result formats.
        BinaryPrimitives.WriteInt16BigEndian(arguments.AsSpan(2), 1);
        BinaryPrimitives.WriteInt32BigEndian(arguments.AsSpan(4), name.Length);
        name.CopyTo(arguments.AsSpan(8));
        output.Write(new Bind { Arguments = arguments });
        output.Write(new Describe { Kind = (byte)'P' });
        output.Write(new Execute());
        output.Write(PreparedMessages.Sync);
    }

    /// <summary>ReadyForQuery has come.</summary>
    /// <returns>False: it only says that the variables are as they should be.</returns>
    public bool IsAnswered()
    {
        var wasResetting = _isResetting;
        _isResetting = false;
        return !wasResetting;
    }

    /// <summary>Takes a message of the answer, whole.</summary>
    /// <returns>Null, or why the server is to be closed.</returns>
    public string? Take(byte type, ReadOnlySpan<byte> body)
    {
        if (_isResetting && type is (BackendMessage.RowDescription or BackendMessage.DataRow)) return null; // Of set_config.
        switch (type)
        {
            case BackendMessage.RowDescription:
                if (!RowDescription.TryRead(body, out var description)) return "bad packet";
                return description.ColumnCount == 2 ? null : $"expected 2 columns from auth_query, not {description.ColumnCount}";
            case BackendMessage.DataRow: return TakeRow(body);
            case BackendMessage.ErrorResponse:
                var error = ServerError.Read(body);
                context.Log.ServerError("S: error in auth_query", error.Severity, error.Message);
                return "error response from auth_query";
            case BackendMessage.NoticeResponse:
            case BackendMessage.CommandComplete:
            case BackendMessage.ParseComplete:
            case BackendMessage.BindComplete:
                return null;
            default: return "unexpected response from auth_query";
        }
    }

    private string? TakeRow(ReadOnlySpan<byte> body)
    {
        if (!DataRow.TryRead(body, out var row)) return "bad packet";
        if (row.ColumnCount != 2) return $"expected 2 columns from auth_query, not {row.ColumnCount}";
        var columns = row.Columns;
        if (!TryTakeColumn(ref columns, out var name) || !TryTakeColumn(ref columns, out var secret)) return "bad packet";
        if (name is null)
        {
            (FoundUser, FoundSecret) = (null, null); // As if there were no row.
            return null;
        }
        if (name.Length > UserEntry.NameBytesMax) return "unable to allocate new user for auth";
        FoundUser = name;
        FoundSecret = secret is { Length: > Secret.BytesMax } ? secret[..Secret.BytesMax] : secret;
        return null;
    }

    private static bool TryTakeColumn(ref ReadOnlySpan<byte> columns, out string? value)
    {
        value = null;
        if (!BinaryPrimitives.TryReadInt32BigEndian(columns, out var length)) return false;
        columns = columns[4..];
        if (length == NullLength) return true;
        if (length < 0 || length > columns.Length) return false;
        value = Encoding.Latin1.GetString(columns[..length]);
        columns = columns[length..];
        return true;
    }
}
