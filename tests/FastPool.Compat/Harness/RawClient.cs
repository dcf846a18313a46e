using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Pipelines.Sockets.Unofficial;

namespace FastPool.Compat.Harness;

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
        switch (message.Type)
        {
            case 'T':
                Columns.Clear();
                ColumnTypes.Clear();
                foreach (var column in message.Columns)
                {
                    Columns.Add(column.Name);
                    ColumnTypes.Add(column.Oid);
                }

                break;
            case 'D':
                Rows.Add(message.Values);
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

    /// <summary>For what no client does by itself.</summary>
    public Socket Socket => _connection.Socket;

    public Dictionary<string, string> Parameters { get; } = [];

    /// <summary>Names in the order in which ParameterStatus messages came.</summary>
    public List<string> ParameterOrder { get; } = [];

    /// <summary>BackendKeyData as it came: pid and secret.</summary>
    public byte[] CancelKey { get; private set; } = [];

    public static async Task<RawClient> ConnectAsync(int port) =>
        new(await SocketConnection.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port)));

    /// <summary>From another address of this machine.</summary>
    public static async Task<RawClient> ConnectAsync(int port, string from)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return new(SocketConnection.Create(socket));
    }

    /// <summary>To another address of this machine.</summary>
    public static async Task<RawClient> ConnectToAsync(IPAddress address, int port) =>
        new(await SocketConnection.ConnectAsync(new IPEndPoint(address, port)));

    /// <inheritdoc cref="LoginAsync"/>
    public static async Task<RawClient> LoginAtAsync(IPAddress address, int port, string user, string database)
    {
        var client = await ConnectToAsync(address, port);
        await client.SendAsync(Wire.Startup([("user", user), ("database", database)]));
        Assert.Equal('I', (await client.ReplyAsync()).Status);
        return client;
    }

    /// <summary>Logs in without a password and reads up to the first ReadyForQuery.</summary>
    public static async Task<RawClient> LoginAsync(int port, string user, string database,
        params (string Name, string Value)[] parameters)
    {
        var client = await ConnectAsync(port);
        await client.SendAsync(Wire.Startup([("user", user), ("database", database), .. parameters]));
        var reply = await client.ReplyAsync();
        if (reply.Status == 'I')
            return client;
        await client.DisposeAsync();
        throw new InvalidOperationException($"Login of {user} to {database} failed: {reply.ErrorText}");
    }

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
        await SendAsync(Wire.Query(sql));
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
        var body = await BytesAsync(Wire.LengthOf(head) - head.Length, seconds);
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
