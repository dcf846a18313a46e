using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Pipelines.Sockets.Unofficial;

namespace FastPool.Compat;

/// <summary>One message as it came: its type byte and its body.</summary>
internal sealed record Message(char Type, byte[] Body)
{
    /// <summary>A field of an ErrorResponse or NoticeResponse: S severity, C SQLSTATE, M message, D detail.</summary>
    public string? Field(char field)
    {
        foreach (var part in Encoding.UTF8.GetString(Body).Split('\0'))
            if (part.Length > 0 && part[0] == field)
                return part[1..];
        return null;
    }

    public override string ToString() =>
        Type is 'E' or 'N' ? $"{Type}: {Field('S')}/{Field('C')} {Field('M')}" : $"{Type} ({Body.Length} bytes)";
}

/// <summary>Everything that came in answer to one query.</summary>
internal sealed class Reply
{
    public List<Message> Messages { get; } = [];

    public List<string> Columns { get; } = [];

    public List<uint> ColumnTypes { get; } = [];

    public List<string?[]> Rows { get; } = [];

    public Message? Error => Messages.Find(m => m.Type == 'E');

    /// <summary>Severity/SQLSTATE message, or an empty string.</summary>
    public string ErrorText => Error is { } e ? $"{e.Field('S')}/{e.Field('C')} {e.Field('M')}" : "";

    public IEnumerable<string> Tags =>
        Messages.Where(m => m.Type == 'C').Select(m => Encoding.UTF8.GetString(m.Body, 0, m.Body.Length - 1));

    /// <summary>The transaction status of the last ReadyForQuery; a blank when the connection ended before one.</summary>
    public char Status => Messages.Count > 0 && Messages[^1].Type == 'Z' ? (char)Messages[^1].Body[0] : ' ';

    /// <summary>Messages' types in order, for example TDDCZ.</summary>
    public string Types => string.Concat(Messages.Select(m => m.Type));

    public void Add(Message message)
    {
        Messages.Add(message);
        var body = message.Body;
        switch (message.Type)
        {
            case 'T':
                Columns.Clear();
                ColumnTypes.Clear();
                for (int i = 0, at = 2; i < BinaryPrimitives.ReadInt16BigEndian(body); i++)
                {
                    var end = Array.IndexOf(body, (byte)0, at);
                    Columns.Add(Encoding.UTF8.GetString(body, at, end - at));
                    ColumnTypes.Add(BinaryPrimitives.ReadUInt32BigEndian(body.AsSpan(end + 7)));
                    at = end + 19;
                }

                break;
            case 'D':
                var row = new string?[BinaryPrimitives.ReadInt16BigEndian(body)];
                for (int i = 0, at = 2; i < row.Length; i++)
                {
                    var length = BinaryPrimitives.ReadInt32BigEndian(body.AsSpan(at));
                    at += 4;
                    if (length < 0)
                        continue;
                    row[i] = Encoding.UTF8.GetString(body, at, length);
                    at += length;
                }

                Rows.Add(row);
                break;
        }
    }
}

/// <summary>
/// A client that speaks the protocol by hand: for the console, for wrong bytes, and for leaving at a chosen moment.
/// </summary>
internal sealed class RawClient : IAsyncDisposable
{
    private readonly SocketConnection _connection;

    private RawClient(SocketConnection connection) => _connection = connection;

    public Dictionary<string, string> Parameters { get; } = [];

    /// <summary>Names in the order in which ParameterStatus messages came.</summary>
    public List<string> ParameterOrder { get; } = [];

    /// <summary>BackendKeyData as it came: pid and secret.</summary>
    public byte[] CancelKey { get; private set; } = [];

    public static async Task<RawClient> ConnectAsync(int port) =>
        new(await SocketConnection.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port)));

    /// <summary>Logs in without a password and reads up to the first ReadyForQuery.</summary>
    public static async Task<RawClient> LoginAsync(int port, string user, string database,
        params (string Name, string Value)[] parameters)
    {
        var client = await ConnectAsync(port);
        await client.SendAsync(Startup([("user", user), ("database", database), .. parameters]));
        var reply = await client.ReplyAsync();
        if (reply.Status == 'I')
            return client;
        await client.DisposeAsync();
        throw new InvalidOperationException($"Login of {user} to {database} failed: {reply.ErrorText}");
    }

    public static byte[] Startup(params (string Name, string Value)[] parameters)
    {
        var body = new StringBuilder();
        foreach (var (name, value) in parameters)
            body.Append(name).Append('\0').Append(value).Append('\0');
        return Untyped(0x00030000, Encoding.UTF8.GetBytes(body.Append('\0').ToString()));
    }

    /// <summary>A message of the startup family: length, code, body.</summary>
    public static byte[] Untyped(int code, byte[] body)
    {
        var bytes = new byte[8 + body.Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes, bytes.Length);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4), code);
        body.CopyTo(bytes, 8);
        return bytes;
    }

    public static byte[] Typed(char type, byte[] body)
    {
        var bytes = new byte[5 + body.Length];
        bytes[0] = (byte)type;
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(1), 4 + body.Length);
        body.CopyTo(bytes, 5);
        return bytes;
    }

    public static byte[] Query(string sql) => Typed('Q', Encoding.UTF8.GetBytes(sql + "\0"));

    public async Task SendAsync(byte[] bytes)
    {
        try
        {
            await _connection.Output.WriteAsync(bytes);
        }
        catch (Exception e) when (e is IOException or SocketException or InvalidOperationException or ConnectionAbortedException
            or ConnectionResetException)
        {
            // The other side has closed: what it said before is still to be read.
        }
    }

    public async Task<Reply> QueryAsync(string sql)
    {
        await SendAsync(Query(sql));
        return await ReplyAsync();
    }

    /// <summary>Reads up to ReadyForQuery, or to the end of the connection.</summary>
    public async Task<Reply> ReplyAsync()
    {
        var reply = new Reply();
        while (await ReadAsync() is { } message)
        {
            reply.Add(message);
            if (message.Type == 'Z')
                break;
        }

        return reply;
    }

    /// <summary>The next message, or null at the end of the connection.</summary>
    public async Task<Message?> ReadAsync(int seconds = 30)
    {
        var head = await BytesAsync(5, seconds);
        if (head is null)
            return null;
        var body = await BytesAsync(BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(1)) - 4, seconds);
        if (body is null)
            return null;
        var message = new Message((char)head[0], body);
        if (message.Type == 'S')
        {
            var pair = Encoding.UTF8.GetString(body).Split('\0');
            Parameters[pair[0]] = pair[1];
            ParameterOrder.Add(pair[0]);
        }
        else if (message.Type == 'K')
        {
            CancelKey = body;
        }

        return message;
    }

    /// <summary>Exactly so many bytes, or null when the connection ended before.</summary>
    public async Task<byte[]?> BytesAsync(int count, int seconds = 30)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        for (; ; )
        {
            ReadResult result;
            try
            {
                result = await _connection.Input.ReadAsync(deadline.Token);
            }
            catch (Exception e) when (e is IOException or SocketException or ConnectionAbortedException
                or ConnectionResetException)
            {
                return null;
            }

            if (result.Buffer.Length >= count)
            {
                var bytes = result.Buffer.Slice(0, count).ToArray();
                _connection.Input.AdvanceTo(result.Buffer.GetPosition(count));
                return bytes;
            }

            _connection.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            if (result.IsCompleted)
                return null;
        }
    }

    /// <summary>The next byte, which stays where it is; a NUL character at the end of the connection.</summary>
    public async Task<char> PeekAsync(int seconds = 30)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        var result = await _connection.Input.ReadAsync(deadline.Token);
        var next = result.Buffer.IsEmpty ? '\0' : (char)result.Buffer.FirstSpan[0];
        _connection.Input.AdvanceTo(result.Buffer.Start);
        return next;
    }

    /// <summary>Leaves without a word, by a reset.</summary>
    public void Reset()
    {
        _connection.Socket.LingerState = new LingerOption(true, 0);
        _connection.Socket.Close();
    }

    public ValueTask DisposeAsync()
    {
        _connection.Dispose();
        return ValueTask.CompletedTask;
    }
}
