using System.Text;
using FastPool.Simulation.Network;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>Clients behind a proxy that says who they are; in memory everybody comes from 127.0.0.1.</summary>
public sealed class ProxyTests
{
    private const string Trusted = "d = host=127.0.0.1\n[fastpool]\nproxy_protocol_from = 127.0.0.0/8\n";

    private static readonly byte[] Line = Encoding.ASCII.GetBytes("PROXY TCP4 192.0.2.1 192.0.2.9 12345 5432\r\n");

    private static readonly byte[] Binary =
        Wire.ProxyHeader(0x21, 0x11, [192, 0, 2, 1, 192, 0, 2, 9, 0x30, 0x39, 0x15, 0x38,
            2, 0, 4, .. "host"u8, 4, 1, 0, .. new byte[256]]);

    private static readonly byte[] Startup = Wire.Startup(("user", "ann"), ("database", "d"));

    public static TheoryData<bool, int> Pieces()
    {
        var data = new TheoryData<bool, int>();
        foreach (var isBinary in (bool[])[false, true])
        {
            for (var size = 1; size <= (isBinary ? Binary : Line).Length + Startup.Length; size += size < 60 ? 1 : 17)
                data.Add(isBinary, size);
        }
        return data;
    }

    [Theory, MemberData(nameof(Pieces))]
    public void A_header_may_come_in_pieces_of_any_size(bool isBinary, int size)
    {
        var path = new TransactionPath(databases: Trusted);
        var client = path.Connect();
        foreach (var piece in ((byte[])[.. isBinary ? Binary : Line, .. Startup]).Chunk(size))
        {
            client.PeerWrite(piece);
            path.Turn();
        }
        for (var i = 0; i < 3 && path.Server is null; i++) path.Turn();
        for (var i = 0; i < 3; i++) path.Turn();
        Assert.True(path.TryWelcomePooler(), "the pooler asks a server");
        for (var i = 0; i < 5; i++) path.Turn();
        Assert.Equal((byte)'R', client.PeerInput[0]);
        var session = path.View.Clients.Single();
        Assert.Equal(("192.0.2.1", 12345), (session.Remote.ToString(), (int)session.Remote.Port));
        Assert.Equal(("127.0.0.1", isBinary ? "host" : ""), (session.Origin!.Proxy.ToString(), session.Origin.Authority));
    }

    [Fact]
    public void A_cancel_request_comes_behind_a_header_too()
    {
        var path = new TransactionPath(databases: Trusted);
        var client = path.Connect();
        client.PeerWrite([.. Line, .. Wire.Untyped(Wire.CancelRequest, new byte[8])]);
        path.Elapse(0.01);
        Assert.True(client.IsPoolerClosed);
        Assert.True(client.PeerInput.IsEmpty); // A wrong key: no answer, and no complaint.
    }

    [Fact]
    public void A_proxy_that_speaks_for_itself_is_a_client_of_its_own_address()
    {
        var path = new TransactionPath(databases: Trusted);
        path.Connect().PeerWrite([.. Wire.ProxyHeader(0x20, 0, []), .. Startup]);
        path.Elapse(0.01);
        var session = path.View.Clients.Single();
        Assert.Equal("127.0.0.1", session.Remote.ToString());
        Assert.Null(session.Origin);
        Assert.Equal("ann", session.UserName);
    }

    [Theory]
    [InlineData(Trusted, "no header", "bad PROXY header: there is none")]
    [InlineData(Trusted, "wrong", "bad PROXY header: a wrong line")]
    [InlineData("d = host=127.0.0.1", "header", "PROXY header from 127.0.0.1, which proxy_protocol_from does not name")]
    [InlineData("d = host=127.0.0.1\n[fastpool]\nproxy_protocol_from = 192.0.2.0/24", "header",
        "PROXY header from 127.0.0.1, which proxy_protocol_from does not name")]
    [InlineData("d = host=127.0.0.1\n[fastpool]\nproxy_protocol_from = 127.0.0.1\nproxy_protocol_listen = 127.0.0.9", "header",
        "PROXY header from 127.0.0.1, which proxy_protocol_from does not name")]
    [InlineData(Trusted, "two", "bad packet header: '50524f5859205443'")]
    public void A_header_that_is_missing_wrong_or_not_wanted_ends_the_connection(string databases, string said, string told)
    {
        var path = new TransactionPath(databases: databases);
        var client = path.Connect();
        client.PeerWrite(said switch
        {
            "no header" => Startup,
            "wrong" => "PROXY TCP4 x\r\n"u8,
            "two" => [.. Line, .. Line],
            _ => Line,
        });
        path.Elapse(0.01);
        Assert.True(client.IsPoolerClosed);
        Assert.Contains(told, Encoding.Latin1.GetString(client.PeerInput), StringComparison.Ordinal);
        Assert.Empty(path.View.Clients);
    }

    [Fact]
    public void A_header_that_never_ends_has_client_login_timeout()
    {
        var path = new TransactionPath(databases: Trusted, settings: "client_login_timeout=2");
        var client = path.Connect();
        path.Turn();
        for (var i = 0; i < 4; i++)
        {
            client.PeerWrite(Line.AsSpan(i, 1));
            path.Elapse(0.4);
        }
        Assert.False(client.IsPoolerClosed);
        path.Elapse(2);
        Assert.True(client.IsPoolerClosed);
        Assert.Contains("client_login_timeout", Encoding.Latin1.GetString(client.PeerInput), StringComparison.Ordinal);
    }
}
