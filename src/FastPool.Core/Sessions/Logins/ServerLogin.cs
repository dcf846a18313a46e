using System.Text;
using FastPool.Base;
using FastPool.Core.Auth;
using FastPool.Core.Pools;
using FastPool.Core.Settings;
using FastPool.Protocol;
using Microsoft.Extensions.Logging;

namespace FastPool.Core.Sessions;

/// <summary>
/// A server connection from the StartupMessage to its first ReadyForQuery: whole messages in, replies and a step out.
/// Dropped once the server is in.
/// </summary>
public sealed class ServerLogin(ServerSession server, SessionContext context)
{
    private const int CancelKeyMin = 8;

    private readonly List<byte> _untracked = [];
    private ServerProof? _proof;
    private readonly SessionCheck _check = new();
    private bool _isInCheck;
    private byte[] _request = [];
    private bool _isInConnectQuery;
    private int _messages;
    private int _bytes;

    /// <summary>The loop's: to be sent, and cleared, after each step.</summary>
    public MessageBuffer Output => context.LoginOutput;

    /// <summary>Why it failed, once a step said so.</summary>
    public LoginFailure Failure { get; private set; } = new("server conn crashed?", null);

    /// <summary>Set when the handshake is done; null: plain.</summary>
    public TlsPeer? Tls { get; set; }

    /// <summary>A message that is longer ends the login.</summary>
    public uint MessageBytesMax => (uint)(_isInConnectQuery ? Limits.ConnectQueryMessageBytes : Limits.ServerLoginMessageBytes);

    /// <summary>Keys that are to be derived before anything more is taken in: then comes <see cref="OnDerived"/>.</summary>
    public KeyDerivation? Derivation => _proof?.Derivation;

    /// <summary>
    /// A password that is to be asked for before anything more is taken in: then comes <see cref="OnPassword"/>.
    /// </summary>
    public PasswordRequest? Password { get; private set; }

    /// <summary>Something that takes time goes on elsewhere.</summary>
    public bool IsWaiting => Derivation is not null || Password is { IsOver: false };

    /// <summary>The password that was asked for and that the server does not take: it may be another one by now.</summary>
    public PasswordRequest? Refused { get; private set; }

    /// <summary>The password that was of no use, or could not be had; null: none was asked for, or it is not to blame.</summary>
    public PasswordRequest? Useless => Refused ?? (Password is { Problem: not null } ? Password : null);

    /// <summary>The connection is closed: nothing that was begun for it is wanted any more.</summary>
    public void Abandon()
    {
        Derivation?.Abandon();
        Password?.Abandon();
    }

    /// <summary>The password is there, or cannot be had.</summary>
    public Verdict OnPassword()
    {
        if (Password!.Problem is null) return OnAuthentication(_request);
        Failure = new LoginFailure("no password for the server", new Refusal("server login failed: no password"));
        return Verdict.Disconnect;
    }

    /// <summary>The keys are there.</summary>
    public Verdict OnDerived() => _proof!.OnDerived(Output) ? Verdict.Forward : FailProof();

    /// <summary>As far as the server has told.</summary>
    public HostRole Role => _check.Role;

    /// <summary>The session must be so; set by who connects.</summary>
    public TargetSessionAttrs Target { get; set; }

    public WelcomeParameters Welcome => new([.. _untracked], server.Parameters);

    public void Start()
    {
        var entry = server.Pool.Database.Entry;
        var parameters = new List<byte>();
        Append(parameters, "database", entry.DbName);
        Append(parameters, "client_encoding", entry.ClientEncoding);
        Append(parameters, "datestyle", entry.DateStyle);
        Append(parameters, "timezone", entry.TimeZone);
        Append(parameters, "application_name", entry.ApplicationName);
        if (server.OnlyClient is ClientSession client) AppendReplication(parameters, client);
        Append(parameters, "user", server.Pool.ServerUserName);
        parameters.Add(0);
        Output.Write(new StartupMessage { ProtocolVersion = (int)RequestCode.Protocol3, Parameters = parameters.ToArray() });
    }

    /// <summary>A server of its own begins with the client's variables, so that none has to be set later.</summary>
    private void AppendReplication(List<byte> parameters, ClientSession client)
    {
        Append(parameters, "replication", client.Replication == ReplicationKind.Logical ? "database" : "yes");
        for (var i = 0; i < context.Tracked.Count; i++)
        {
            if (client.Parameters[i] != ParameterValues.OwnDefault) Append(parameters, context.Tracked[i], client.Parameters[i]);
        }
        Append(parameters, "options", client.ReplicationOptions);
    }

    private static void Append(List<byte> parameters, string name, string? value)
    {
        if (value is null) return;
        parameters.AddRange(Encoding.Latin1.GetBytes(name));
        parameters.Add(0);
        parameters.AddRange(Encoding.Latin1.GetBytes(value));
        parameters.Add(0);
    }

    /// <returns>Forward: go on; ParametersSet: the login is done; Disconnect: see <see cref="Failure"/>.</returns>
    public Verdict OnMessage(byte type, ReadOnlySpan<byte> body)
    {
        if (!_isInConnectQuery
            && (++_messages > Limits.ServerLoginMessagesMax || (_bytes += body.Length) > Limits.ServerLoginBytes)) return Fail(
            "server login is too long");
        switch (type)
        {
            case BackendMessage.Authentication: return OnAuthentication(body);
            case BackendMessage.ParameterStatus: return OnParameterStatus(body);
            case BackendMessage.BackendKeyData:
                if (_isInConnectQuery) return Verdict.Forward;
                if (body.Length is < CancelKeyMin or > Limits.CancelKeyBytes) return Fail("bad cancel key");
                server.CancelKey = System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(body);
                server.LongCancelKey = body.Length > CancelKeyMin ? body.ToArray() : null;
                return Verdict.Forward;
            case BackendMessage.NoticeResponse: return Verdict.Forward;
            case BackendMessage.ErrorResponse: return OnError(body);
            case BackendMessage.ReadyForQuery: return OnReady();
            default:
                if (_isInConnectQuery) return Verdict.Forward;
                if (_isInCheck) return OnCheckAnswer(type, body);
                context.Log.Failure(server.LogPrefix, $"unknown pkt from server: '{(char)type}'");
                return Fail("unknown pkt from server");
        }
    }

    private Verdict OnParameterStatus(ReadOnlySpan<byte> body)
    {
        if (!ParameterStatus.TryRead(body, out var status)) return Fail("broken ParameterStatus packet");
        if (status.Size > Limits.WelcomeBytes) return Fail("server reports too much");
        _check.OnReport(status.Name, status.Value);
        var index = context.Tracked.IndexOf(status.Name);
        if (index == TrackedParameters.SessionAuthorization) server.TakeRole(context.Interner.Intern(status.Value));
        else if (server.TryTrack(status.Name, status.Value)) return Verdict.Forward;
        if (WelcomeParameters.IsOwn(status.Name)) return Verdict.Forward;
        if (_untracked.Count + status.Size > Limits.WelcomeBytes) return Fail("server reports too much");
        var message = new byte[status.Size];
        status.Write(message);
        _untracked.AddRange(message);
        return Verdict.Forward;
    }

    private Verdict OnReady()
    {
        if (_isInConnectQuery) return Verdict.ParametersSet;
        if (Target != TargetSessionAttrs.Any)
        {
            if (!_isInCheck && !_check.IsKnown) return Ask();
            _isInCheck = false;
            if (!_check.IsKnown && server.Replication != ReplicationKind.Physical) return Fail("server does not tell its role");
            if (_check.ProblemFor(Target) is { } problem)
            {
                Failure = new LoginFailure(problem, null) { IsOfRole = true };
                return Verdict.Disconnect;
            }
        }
        if (server.Pool.Database.Entry.ConnectQuery is not { } query) return Verdict.ParametersSet;
        _isInConnectQuery = true;
        Output.Write(new Query { Text = Encoding.Latin1.GetBytes(query) });
        return Verdict.Forward;
    }

    private Verdict Ask()
    {
        _isInCheck = true;
        var query = server.Replication == ReplicationKind.Physical ? SessionCheck.WalSenderQuery : SessionCheck.Query;
        Output.Write(new Query { Text = Encoding.Latin1.GetBytes(query) });
        return Verdict.Forward;
    }

    private Verdict OnCheckAnswer(byte type, ReadOnlySpan<byte> body)
    {
        if (type is BackendMessage.RowDescription or BackendMessage.CommandComplete) return Verdict.Forward;
        if (type == BackendMessage.DataRow && _check.TryTakeRow(body)) return Verdict.Forward;
        return Fail("server does not tell its role");
    }

    private Verdict OnError(ReadOnlySpan<byte> body)
    {
        var error = ServerError.Read(body);
        if (_isInCheck)
        {
            context.Log.ServerError("S: error while asking for the role", error.Severity, error.Message);
            return Fail("server does not tell its role");
        }
        if (_isInConnectQuery)
        {
            context.Log.ServerError("S: error while executing exec_on_query", error.Severity, error.Message);
            return Verdict.Forward;
        }
        // Class 28: invalid authorization. A token that has run out is not always called an invalid password.
        if (error.SqlState.StartsWith("28", StringComparison.Ordinal)) Refused = Password;
        if (server.OnlyClient is not null)
        {
            context.Log.ServerError("S: login failed", error.Severity, error.Message);
            Failure = new LoginFailure("login failed", new Refusal("login failed")) { Detail = error.Message };
            return Verdict.Disconnect;
        }
        context.Log.ServerLoginFailed(error.Severity, error.Message);
        var isStartingUp = error.SqlState == "57P03";
        Failure =
            new LoginFailure(Ending.Cut(error.Message), isStartingUp ? null
            : new Refusal(error.Message, error.SqlState.Length == 5 ? error.SqlState : "08P01"));
        return Verdict.Disconnect;
    }

    private Verdict OnAuthentication(ReadOnlySpan<byte> body)
    {
        if (Password is null && Source is { } source && AuthenticationRequest.TryRead(body, out var request)
            && request.Kind is AuthenticationCode.CleartextPassword or AuthenticationCode.MD5Password or AuthenticationCode.SASL)
        {
            Password = new PasswordRequest(source);
            _request = body.ToArray();
            return Verdict.Forward;
        }
        _proof ??= new ServerProof(server.Pool.ServerUserName, () => Secret, context.Verifiers, RandomBytes);
        return _proof.TryAnswer(body, Tls?.EndPoint, Output) ? Verdict.Forward : FailProof();
    }

    private Verdict FailProof()
    {
        const string reason = "failed to answer authreq";
        if (_proof!.Problem.Length > 0) context.Log.Failure(server.LogPrefix, _proof.Problem);
        Failure = new LoginFailure(reason, _proof.Told is { } told ? new Refusal(told) : null);
        return Verdict.Disconnect;
    }

    /// <summary>
    /// The place that has the password: the forced user's, else that of the name with which the server is logged in to.
    /// </summary>
    private PasswordSource? Source
    {
        get
        {
            var entry = server.Pool.Database.Entry;
            if (server.Pool.IsForced && !string.IsNullOrEmpty(entry.Password)) return null;
            return (server.Pool.IsForced ? entry.PasswordSource : null)
                ?? context.Registry.Settings.Users.GetValueOrDefault(server.Pool.ServerUserName)?.PasswordSource;
        }
    }

    /// <summary>
    /// The one that was asked for, else the forced user's own, else the one that PAM or LDAP has just found right, else that of
    /// userlist or auth_query under the server-side name.
    /// </summary>
    private Secret Secret
    {
        get
        {
            if (Password is { } asked) return Secret.Of(asked.Password);
            var entry = server.Pool.Database.Entry;
            if (server.Pool.IsForced && !string.IsNullOrEmpty(entry.Password)) return Secret.Of(entry.Password);
            var fetched = server.Pool.Database.FetchedSecrets.GetValueOrDefault(server.Pool.ServerUserName);
            if (fetched is { IsProved: true }) return fetched;
            return context.Registry.Settings.UserList.TryGet(server.Pool.ServerUserName, out var secret) ? secret : fetched
                ?? Secret.Empty;
        }
    }

    private byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        context.Random.Fill(bytes);
        return bytes;
    }

    private Verdict Fail(string reason)
    {
        Failure = new LoginFailure(reason, null);
        return Verdict.Disconnect;
    }
}

/// <summary>The three fields of a server's ErrorResponse that the pooler looks at; a missing one has a generic text.</summary>
internal readonly record struct ServerError(string Severity, string SqlState, string Message)
{
    internal static ServerError Read(ReadOnlySpan<byte> fields)
    {
        var severity = "ERROR";
        var sqlState = "";
        var message = "server sent an error without a message";
        var reader = new ErrorFields(fields);
        while (reader.MoveNext())
        {
            if (reader.Code == ErrorFields.SeverityCode) severity = Encoding.Latin1.GetString(reader.Value);
            else if (reader.Code == ErrorFields.SqlStateCode) sqlState = Encoding.Latin1.GetString(reader.Value);
            else if (reader.Code == ErrorFields.MessageCode) message = Encoding.Latin1.GetString(reader.Value);
        }
        return new ServerError(severity, sqlState, message);
    }
}
