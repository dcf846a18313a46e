using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FastPool.Compat.Takeover;

/// <summary>
/// -R from a PgBouncer 1.25.2, which no distribution of the tests has: its side of the dialogue is played by the test, with real
/// sockets.
/// </summary>
public class NewestPgBouncerTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    /// <summary>SHOW FDS of 1.25.2: name and type of each column.</summary>
    private static readonly (string Name, int Type)[] Columns =
    [
        ("fd", 23), ("task", 25), ("user", 25), ("database", 25), ("addr", 25), ("port", 23), ("cancel", 20), ("link", 23),
            ("client_encoding", 25),
        ("std_strings", 25), ("datestyle", 25), ("timezone", 25), ("password", 25), ("scram_client_key", 17),
            ("scram_server_key", 17),
    ];

    [PoolerFact(FastPoolOnly = "it is FastPool that takes over")]
    public async Task Its_listeners_clients_and_servers_go_on()
    {
        var server = await Postgres.SharedAsync();
        await using var pooler = await Pooler.StartAsync(1);
        pooler.Process.Signal(Child.SigInt); // For its files: another takes its place now.
        Assert.Equal(0, await pooler.Process.ExitAsync());
        using var unix = ListenUnix(pooler);
        using var tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        tcp.Bind(new IPEndPoint(IPAddress.Loopback, pooler.Port));
        tcp.Listen();
        await using var busy = await RawClient.ConnectAsync(pooler.Port);
        using var busyHere = await tcp.AcceptAsync();
        await using var idle = await RawClient.ConnectAsync(pooler.Port);
        using var idleHere = await tcp.AcceptAsync();
        var (linked, key) = await LogInAsync(server.Port);
        var (free, freeKey) = await LogInAsync(server.Port);
        using var loggingIn = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await loggingIn.ConnectAsync(IPAddress.Loopback, server.Port); // PgBouncer lists it too, without a key as yet.
        var backend = Text(await AskAsync(linked, "begin; select pg_backend_pid()"));
        const ulong BusyKey = 0x6401001f1da1ebdf;

        var playing = PlayAsync(unix, connection =>
        {
            Row(connection, tcp, "7", "pooler", null, null, "127.0.0.1", $"{pooler.Port}", "0", "0", null, null, null, null, null,
                null, null);
            Row(connection, unix, "8", "pooler", null, null, "unix", $"{pooler.Port}", "0", "0", null, null, null, null, null,
                null, null);
            Row(connection, busyHere, "9", "client", "user_trust", "app", "127.0.0.1", Port(busyHere), $"{BusyKey}", "11", "UTF8",
                "on", "ISO, DMY", "Etc/UTC", null, null, null);
            Row(connection, idleHere, "10", "client", "user_trust", "app", "127.0.0.1", Port(idleHere), "5981062481143876739",
                "0", "UTF8", "on", "German, DMY", "Etc/UTC", null, null, null);
            Row(connection, linked, "11", "server", "user_trust", "app", "127.0.0.1", $"{server.Port}", $"{key}", "9", "UTF8",
                "on", "ISO, DMY", "Etc/UTC", null, null, null);
            Row(connection, free, "12", "server", "user_trust", "app", "127.0.0.1", $"{server.Port}", $"{freeKey}", "0", "UTF8",
                "on", "ISO, MDY", "Etc/UTC", null, null, null);
            Row(connection, loggingIn, "13", "server", "user_trust", "app", "127.0.0.1", $"{server.Port}", "0", "0", null, null,
                null, null, null, null, null);
        });
        var next = pooler.StartNext();
        pooler.Becomes(next);
        await playing;
        // The old process is gone; .NET would take the Unix socket's file along.
        foreach (var socket in new[] { tcp, busyHere, idleHere, linked, free }) socket.Dispose();
        await next.LineAsync("process up");

        Assert.Equal(2, (await pooler.ConsoleAsync("SHOW SERVERS")).Rows.Count);
        Assert.Equal(backend, (await busy.QueryAsync("select pg_backend_pid()")).Rows[0][0]);
        Assert.Equal("German, DMY", (await idle.QueryAsync("show datestyle")).Rows[0][0]);
        var sleeping = busy.QueryAsync("select pg_sleep(30)");
        await Until.TrueAsync(async () =>
            await server.BackendCountAsync($"pid = {backend} and wait_event = 'PgSleep'") == 1, "the query runs");
        await using (var cancel = await RawClient.ConnectAsync(pooler.Port))
        {
            var bytes = new byte[8];
            BinaryPrimitives.WriteUInt64BigEndian(bytes, BusyKey);
            await cancel.SendAsync(Wire.Untyped(Wire.CancelRequest, bytes));
            Assert.Null(await cancel.ReadAsync());
        }
        Assert.Equal("ERROR/57014 canceling statement due to user request", (await sleeping).ErrorText);
        Assert.Equal('I', (await busy.QueryAsync("rollback")).Status);
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
        Assert.Contains("PgBouncer", await pooler.OwnUserAsync("show version"), StringComparison.Ordinal);
    }

    [PoolerTheory(FastPoolOnly = "it is FastPool that takes over")]
    [InlineData("incomplete", "FATAL invalid data from old process")]
    [InlineData("unpaired", "FATAL takeover_create_link: failed to find pair")]
    [InlineData("task", "FATAL unknown task: peer")]
    [InlineData("half", "FATAL invalid data from old process")]
    [InlineData("short", "")]
    public async Task A_row_that_says_too_little_ends_the_start_unless_the_end_may_be_missing(string kind, string fatal)
    {
        await using var pooler = await Pooler.StartAsync(1);
        pooler.Process.Signal(Child.SigInt);
        Assert.Equal(0, await pooler.Process.ExitAsync());
        using var unix = ListenUnix(pooler);
        var zeros = "\\x" + new string('0', 64);
        var playing = PlayAsync(unix, connection =>
        {
            switch (kind)
            {
                case "incomplete": Row(connection, unix, "8", null); break;
                case "unpaired": Row(connection, unix, "9", "client", "user_trust", "app", "127.0.0.1", "5", "1", "11"); break;
                case "task": Row(connection, unix, "9", "peer", null, null, "unix", "5", "0", "0"); break;
                case "half":
                    Row(connection, unix, "9", "client", "user_trust", "app", "unix", "5", "1", "0", null, null, null,
                    null, null, zeros, null); break;
                default: Row(connection, unix, "8", "pooler", null, null, "unix", $"{pooler.Port}", "0", "0"); break;
            }
        });
        var next = pooler.StartNext();
        pooler.Becomes(next);
        await playing;
        if (fatal.Length == 0)
        {
            await next.LineAsync("process up");
            Assert.Contains("PgBouncer", await pooler.OwnUserAsync("show version"), StringComparison.Ordinal);
            return;
        }
        Assert.Equal(1, await next.ExitAsync());
        Assert.Contains(fatal, next.Text, StringComparison.Ordinal);
    }

    private static string Port(Socket socket) => ((IPEndPoint)socket.RemoteEndPoint!).Port.ToString(CultureInfo.InvariantCulture);

    private static Socket ListenUnix(Pooler pooler)
    {
        var path = Path.Combine(pooler.Folder, $".s.PGSQL.{pooler.Port}");
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        File.SetUnixFileMode(path, (UnixFileMode)0b111_111_111);
        socket.Listen();
        return socket;
    }

    /// <summary>The old process: every word of the new one has to be as PgBouncer would say it.</summary>
    private static async Task PlayAsync(Socket listener, Action<Socket> sendRows)
    {
        using (await listener.AcceptAsync().WaitAsync(Deadline)) // The probe.
        {
        }
        using var connection = await listener.AcceptAsync().WaitAsync(Deadline);
        var startup = Wire.Untyped(Wire.Version3, Encoding.ASCII.GetBytes("database\0pgbouncer\0user\0pgbouncer\0\0"));
        Assert.Equal(startup, await ReadAsync(connection, startup.Length));
        await connection.SendAsync(
            (byte[])[.. Wire.Typed('R', [0, 0, 0, 0]),
            .. Wire.Typed('S', Encoding.ASCII.GetBytes("server_version\01.25.2/bouncer\0")),
            .. Wire.Typed('K', new byte[8]), .. Ready]);
        await HearsAsync(connection, "SUSPEND;");
        await connection.SendAsync((byte[])[.. Wire.Typed('C', "SUSPEND\0"u8.ToArray()), .. Ready]);
        await HearsAsync(connection, "SHOW FDS;");
        await connection.SendAsync(Description());
        try
        {
            sendRows(connection);
            await connection.SendAsync((byte[])[.. Wire.Typed('C', "SHOW\0"u8.ToArray()), .. Ready]);
            await HearsAsync(connection, "SHUTDOWN;");
        }
        catch (Exception e) when (e is EndOfStreamException or SocketException)
        {
            // It did not like what it got; its log says why.
        }
    }

    private static byte[] Ready => Wire.Typed('Z', "I"u8.ToArray());

    private static async Task HearsAsync(Socket connection, string query)
    {
        var expected = Wire.Query(query);
        Assert.Equal(expected, await ReadAsync(connection, expected.Length));
    }

    private static async Task<byte[]> ReadAsync(Socket connection, int count)
    {
        var bytes = new byte[count];
        for (var at = 0; at < count;)
        {
            var received = await connection.ReceiveAsync(bytes.AsMemory(at)).AsTask().WaitAsync(Deadline);
            if (received == 0) throw new EndOfStreamException();
            at += received;
        }
        return bytes;
    }

    private static byte[] Description()
    {
        var body = new List<byte>();
        body.AddRange(Wire.Int16(Columns.Length));
        foreach (var (name, type) in Columns)
            body.AddRange(
            [.. Encoding.ASCII.GetBytes(name), 0, 0, 0, 0, 0, 0, 0, .. Wire.Int32(type), .. Wire.Int16(-1), .. Wire.Int32(-1),
                0, 0]);
        return Wire.Typed('T', [.. body]);
    }

    /// <summary>One row in one call, with its descriptor.</summary>
    private static void Row(Socket connection, Socket descriptor, params string?[] values)
    {
        var body = new List<byte>(Wire.Int16(values.Length));
        foreach (var value in values)
            body.AddRange(value is null ? Wire.Int32(-1) : Wire.Value(value));
        DescriptorSender.Send(connection, Wire.Typed('D', [.. body]), descriptor);
    }

    /// <summary>A connection to PostgreSQL as the old pooler would have one.</summary>
    private static async Task<(Socket Socket, ulong Key)> LogInAsync(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port);
        await socket.SendAsync(Wire.Startup(("user", "user_trust"), ("database", "app"), ("DateStyle", "ISO, DMY")));
        var key = (await MessagesAsync(socket)).Single(static message => message.Type == 'K').Body;
        return (socket, BinaryPrimitives.ReadUInt64BigEndian(key));
    }

    private static async Task<List<Message>> AskAsync(Socket socket, string sql)
    {
        await socket.SendAsync(Wire.Query(sql));
        return await MessagesAsync(socket);
    }

    private static async Task<List<Message>> MessagesAsync(Socket socket)
    {
        var messages = new List<Message>();
        do
        {
            var head = await ReadAsync(socket, 5);
            messages.Add(
                new Message((char)head[0], await ReadAsync(socket, Wire.LengthOf(head) - head.Length)));
        }
        while (messages[^1].Type != 'Z');
        return messages;
    }

    /// <summary>The one value of the answer.</summary>
    private static string Text(List<Message> messages) =>
        Encoding.ASCII.GetString(messages.Last(static message => message.Type == 'D').Body.AsSpan(6));
}
