using System.Text;
using FastPool.Core.Sessions;
using FastPool.Protocol;

namespace FastPool.Tests.Harness;

/// <summary>
/// Clients and servers of one bench that speak about prepared statements: what the relay would do, without its sockets.
/// </summary>
internal sealed class PreparedTalk(SessionBench bench)
{
    private readonly MessageBuffer _toServer = new();
    private readonly MessageBuffer _toClient = new();

    internal PreparedTalk()
        : this(new SessionBench("pool_mode=transaction\nmax_prepared_statements=1000"))
    {
    }

    internal SessionBench Bench { get; } = bench;

    /// <summary>The bytes that the last message became on its way to the server.</summary>
    internal ReadOnlySpan<byte> Sent => _toServer.WrittenSpan;

    internal ServerSession NewServer(string dateStyle = "ISO, MDY")
    {
        var server = Bench.NewServer();
        foreach (
            var (name, value) in new[] { ("DateStyle", dateStyle), ("client_encoding", "UTF8"), ("TimeZone", "UTC"),
            ("standard_conforming_strings", "on"), ("application_name", ""), ("IntervalStyle", "postgres") })
            server.Judge((byte)'S', Wire.Typed('S', Wire.Strings(name, value)));
        server.EndLogin();
        return server;
    }

    internal ClientSession NewClient(ServerSession likeThoseOf)
    {
        var client = Bench.NewClient();
        client.Database = Bench.Registry.FindDatabase("d", out _);
        client.EnterPool(Bench.PoolOf(), Bench.Host);
        client.Parameters = likeThoseOf.Parameters;
        return client;
    }

    /// <summary>A client's message goes its way.</summary>
    /// <returns>The server's messages, a word each: P1 is a Parse of PGBOUNCER_1; behind &gt; what the client gets at
    /// once.</returns>
    internal string Says(ClientSession client, byte[] message)
    {
        _toServer.Clear();
        _toClient.Clear();
        var server = client.Server!;
        var type = message[0];
        var verdict = client.Judge(type, message.Length);
        if (server.IsFenceDue)
        {
            server.Copy.AddFence();
            _toServer.Write(CopyTracker.Fence);
        }
        if (verdict == Verdict.Forward)
        {
            server.LookAt(type, message, message.Length);
            var isFenced = server.Expect(type);
            _toServer.Write(message);
            if (isFenced) server.WriteBehind(_toServer);
            return Words(_toServer.WrittenSpan);
        }
        Assert.Equal(Verdict.Tracked, verdict);
        var names = StatementNames.Find(type, message, message.Length);
        if (client.MustAwaitReplies(type, message, names)) return "waits";
        if (names.Case == StatementCase.Close)
        {
            client.ApplyClose(names, _toClient);
            return Words(_toServer.WrittenSpan) + (_toClient.Length > 0 ? ">" + (char)_toClient.WrittenSpan[0] : "");
        }
        client.BeginTracked();
        if (names.Case is StatementCase.Untouched or StatementCase.Unnamed or StatementCase.Command)
        {
            server.LookAt(type, message, message.Length);
            var isExpected = names.Case switch
            {
                StatementCase.Unnamed => client.ApplyUnnamed(type, names, message, message.Length, _toServer),
                StatementCase.Command => client.ApplyCommand(type, message, message.Length, _toServer),
                _ => false,
            };
            var isFollowed = !isExpected && server.Expect(type);
            _toServer.Write(message);
            if (isFollowed) server.WriteBehind(_toServer);
            return Words(_toServer.WrittenSpan);
        }
        Assert.Equal(StatementCase.Named, names.Case);
        var consumed = client.ApplyStatement(type, message, message.Length, names, _toServer, _toClient);
        if (consumed == 0) return client.Ending.Message!;
        _toServer.Write(message.AsSpan(consumed));
        return Words(_toServer.WrittenSpan) + (_toClient.Length > 0 ? ">" + (char)_toClient.WrittenSpan[0] : "");
    }

    internal static byte[] Query(string text) => Wire.Query(text);
    internal static byte[] Parse(string name, string text) => Wire.Parse(name, text);
    internal static byte[] Bind(string name) => Wire.Bind("", name);
    internal static byte[] Describe(string name) => Wire.Describe('S', name);
    internal static byte[] Close(string name) => Wire.Close('S', name);
    internal static byte[] Execute => Wire.Execute();
    internal static byte[] Sync => Wire.Sync;

    /// <summary>
    /// The server answers: one letter a message, C with its tag behind a colon, ~ for a blank; E with its SQLSTATE, Z with its
    /// status (I if none).
    /// </summary>
    internal static Verdict Answers(ServerSession server, string words)
    {
        var verdict = Verdict.Forward;
        foreach (var word in words.Split(' '))
        {
            var rest = word.Length > 2 ? word[2..].Replace('~', ' ') : "";
            var body = word[0] switch
            {
                'Z' => [rest.Length > 0 ? (byte)rest[0] : (byte)'I'],
                'C' => Wire.Strings(rest),
                'E' => [.. Wire.Strings("SERROR", "C" + rest, "Mno"), 0],
                'S' => Wire.Strings(rest.Split('=')[0], rest.Split('=')[1]),
                _ => [],
            };
            verdict = server.Judge((byte)word[0], Wire.Typed(word[0], body));
        }
        return verdict;
    }

    private static string Words(ReadOnlySpan<byte> bytes)
    {
        var words = new List<string>();
        while (!bytes.IsEmpty)
        {
            var length = Wire.LengthOf(bytes);
            var text = Encoding.Latin1.GetString(bytes[5..length]);
            var at = text.IndexOf("PGBOUNCER_", StringComparison.Ordinal);
            words.Add((char)bytes[0] + (at < 0 ? "" : text[(at + 10)..text.IndexOf('\0', at)]));
            bytes = bytes[length..];
        }
        return string.Join(' ', words);
    }
}
