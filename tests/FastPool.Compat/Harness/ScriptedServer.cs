using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FastPool.Compat.Harness;

/// <summary>
/// A PostgreSQL that says what a test wants it to: the script runs once a connection, after the StartupMessage.
/// </summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<ScriptedPeer, Task> _script;
    private readonly ConcurrentBag<TcpClient> _clients = [];

    public ScriptedServer(Func<ScriptedPeer, Task> script)
    {
        _script = script;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Texts of Query and Parse messages, of all connections in the order in which they came.</summary>
    public ConcurrentQueue<string> Queries { get; } = new();

    /// <summary>How many connections have come as far as a StartupMessage.</summary>
    public int LoginCount { get; private set; }

    private async Task AcceptAsync()
    {
        try
        {
            for (; ; ) _ = ServeAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        _clients.Add(client);
        try
        {
            using (client)
            {
                var peer = new ScriptedPeer(client.GetStream(), this);
                if (!await peer.ReadStartupAsync()) return;
                LoginCount++;
                await _script(peer);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            // The pooler has left, which is what most tests are about.
        }
    }

    public ValueTask DisposeAsync()
    {
        _listener.Stop();
        foreach (var client in _clients) client.Close();
        return ValueTask.CompletedTask;
    }
}

/// <summary>One connection of a <see cref="ScriptedServer"/>.</summary>
internal sealed class ScriptedPeer(Stream stream, ScriptedServer server)
{
    /// <summary>Reads up to the StartupMessage; requests for encryption are declined.</summary>
    public async Task<bool> ReadStartupAsync()
    {
        for (; ; )
        {
            var head = new byte[8];
            await stream.ReadExactlyAsync(head);
            await stream.ReadExactlyAsync(new byte[BinaryPrimitives.ReadInt32BigEndian(head) - 8]);
            if (BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(4)) is not (Wire.SslRequest or Wire.GssEncRequest))
                return BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(4)) == Wire.Version3;
            await stream.WriteAsync("N"u8.ToArray());
        }
    }

    public async Task<Message> ReadAsync()
    {
        var head = new byte[5];
        await stream.ReadExactlyAsync(head);
        var body = new byte[Wire.LengthOf(head) - head.Length];
        await stream.ReadExactlyAsync(body);
        var text = Encoding.UTF8.GetString(body);
        if (head[0] == 'Q') server.Queries.Enqueue(text.TrimEnd('\0'));
        if (head[0] == 'P') server.Queries.Enqueue(text.Split('\0')[1]);
        return new Message((char)head[0], body);
    }

    public Task SendAsync(char type, params byte[] body) => stream.WriteAsync(Wire.Typed(type, body)).AsTask();

    public Task SendRawAsync(byte[] bytes) => stream.WriteAsync(bytes).AsTask();

    /// <summary>An authentication request of that code.</summary>
    public Task AskAsync(int code, params byte[] rest) => SendAsync('R', [.. Wire.Int32(code), .. rest]);

    public Task AskForScramAsync() => AskAsync(10, Encoding.ASCII.GetBytes("SCRAM-SHA-256\0\0"));

    /// <summary>The client's nonce out of its first SCRAM message.</summary>
    public async Task<string> ReadNonceAsync() => Encoding.UTF8.GetString((await ReadAsync()).Body).Split("r=")[1];

    /// <summary>AuthenticationOk, these parameters, a cancel key, ReadyForQuery.</summary>
    public async Task WelcomeAsync(params (string Name, string Value)[] parameters)
    {
        await AskAsync(0);
        foreach (var (name, value) in parameters) await SayAsync(name, value);
        await SendAsync('K', 0, 0, 0, 1, 0, 0, 0, 2);
        await SendAsync('Z', (byte)'I');
    }

    /// <summary>ParameterStatus.</summary>
    public Task SayAsync(string name, string value) => SendAsync('S', Encoding.UTF8.GetBytes($"{name}\0{value}\0"));

    /// <summary>Answers SETs and queries: SET is reported, an extended query brings a row of user and secret.</summary>
    public async Task ServeAsync(string user, string secret)
    {
        for (; ; )
        {
            var message = await ReadAsync();
            switch (message.Type)
            {
                case 'Q':
                    foreach (var set in Encoding.UTF8.GetString(message.Body).TrimEnd('\0')
                        .Split(';', StringSplitOptions.RemoveEmptyEntries))
                    {
                        if (set.StartsWith("SET ", StringComparison.Ordinal) && set.Split('=', 2) is [var name, var value])
                            await SayAsync(name[4..], value.Trim('\''));
                        else if (set.Contains("set_config(", StringComparison.Ordinal)
                            && set.Split('\'') is [_, var key, _, var text, _]) await SayAsync(key, text);
                        await SendAsync('C', "SET\0"u8.ToArray());
                    }
                    await SendAsync('Z', (byte)'I');
                    break;
                case 'P': await SendAsync('1'); break;
                case 'B': await SendAsync('2'); break;
                case 'D': await SendAsync('T', [0, 2, .. Column("usename"), .. Column("passwd")]); break;
                case 'E':
                    await SendAsync('D', [0, 2, .. Wire.Value(user), .. Wire.Value(secret)]);
                    await SendAsync('C', "SELECT 1\0"u8.ToArray());
                    break;
                case 'S': await SendAsync('Z', (byte)'I'); break;
                case 'X': return;
            }
        }
    }

    private static byte[] Column(string name) => [.. Encoding.ASCII.GetBytes(name + "\0"), .. new byte[18]];
}
