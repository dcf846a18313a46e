using System.Security.Cryptography.X509Certificates;
using FastPool.Native;

namespace FastPool.Tests.Native;

/// <summary>The library's handshake, then records of our own on one side or both: what is not ours stays the library's.</summary>
public sealed class OwnRecordsTests
{
    private static readonly (string CertFile, string KeyFile, X509Certificate2 Certificate) Own = TlsPair.Files("CN=own.example");

    private static TlsContext Server(bool isOwn, string ciphers = "",
        TlsVersions versions = TlsVersions.Tls12 | TlsVersions.Tls13, bool resumes = false) =>
        new(new TlsContextOptions
        {
            IsServer = true,
            CertFile = Own.CertFile,
            KeyFile = Own.KeyFile,
            HasOwnRecords = isOwn,
            Tls13Ciphers = ciphers,
            Versions = versions,
            HasResumption = resumes,
        });

    private static TlsContext Client(bool isOwn, bool resumes = false) =>
        new(new TlsContextOptions { IsServer = false, HasOwnRecords = isOwn, HasResumption = resumes });

    [Theory]
    [InlineData("TLS_AES_128_GCM_SHA256", true, false)]
    [InlineData("TLS_AES_128_GCM_SHA256", false, true)]
    [InlineData("TLS_AES_256_GCM_SHA384", true, false)]
    [InlineData("TLS_AES_256_GCM_SHA384", false, true)]
    [InlineData("TLS_CHACHA20_POLY1305_SHA256", true, false)]
    [InlineData("TLS_CHACHA20_POLY1305_SHA256", false, true)]
    [InlineData("TLS_CHACHA20_POLY1305_SHA256", true, true)]
    public void The_library_understands_us_and_we_it(string cipher, bool isServerOwn, bool isClientOwn)
    {
        using var pair = new TlsPair(Server(isServerOwn, cipher), Client(isClientOwn)).Shake();
        Assert.Equal((isServerOwn, isClientOwn), (pair.Server.Settle() is TlsRecords, pair.Client.Settle() is TlsRecords));
        Assert.Equal("TLSv1.3/" + cipher, pair.Server.Settle().Text);
        Assert.Equal(pair.Server.Text, pair.Client.Settle().Text);
        var random = new Random(7);
        int Piece(int left) => random.Next(3) switch { 0 => random.Next(1, 20), 1 => random.Next(1, 20_000), _ => left };
        int[] edges = [1, 1023, 1024, 1025, 16384, 16385, TlsTransfer.PlainBytesMax]; // Short records are sealed another way.
        for (var i = 0; i < 30; i++)
        {
            var text = new byte[i < edges.Length ? edges[i] : random.Next(1, i % 5 == 0 ? TlsTransfer.PlainBytesMax : 400)];
            random.NextBytes(text);
            Assert.True(pair.Client.Write(pair.ClientTransfer, text));
            Assert.Equal(text, pair.ToServer(Piece));
            Assert.True(pair.Server.Write(pair.ServerTransfer, text));
            Assert.Equal(text, pair.ToClient(Piece));
        }
        pair.Client.SayGoodbye(pair.ClientTransfer);
        pair.ToServer();
        Assert.True(pair.Server.IsPeerClosed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_library_gives_new_keys_when_it_is_asked(bool isServerOwn)
    {
        const byte askDue = 16;
        using var pair = new TlsPair(Server(isServerOwn), Client(!isServerOwn)).Shake();
        var (own, transfer) = isServerOwn ? (pair.Server, pair.ServerTransfer) : (pair.Client, pair.ClientTransfer);
        var state = ((TlsRecords)own.Settle()).Give();
        own.Free(transfer);
        for (var i = 0; i < 3; i++)
        {
            state[2] |= askDue;
            var records = TlsRecords.TryRestore(state, transfer)!;
            Assert.True(records.Write(transfer, "asks"u8));
            Assert.Equal("asks"u8.ToArray(), isServerOwn ? pair.ToClient() : pair.ToServer());
            var (library, from) = isServerOwn ? (pair.Client, pair.ClientTransfer) : (pair.Server, pair.ServerTransfer);
            Assert.True(library.Write(from, "answers"u8));
            Assert.True(from.Output.Length > 27 + 22); // With a KeyUpdate before it.
            var plain = new byte[1000];
            Assert.Equal(TlsOutcome.Open, records.Receive(transfer, from.Output, plain, out var count));
            from.ClearOutput();
            Assert.Equal("answers"u8.ToArray(), plain[..count]);
            Assert.True(transfer.Output.IsEmpty);
            state = records.Give();
            records.Free(transfer);
        }
    }

    [Fact]
    public void A_ticket_that_comes_in_our_own_records_is_kept_for_the_next_connection()
    {
        var (server, client) = (Server(isOwn: true, resumes: true), Client(isOwn: true, resumes: true));
        for (var i = 0; i < 3; i++)
        {
            using var pair = new TlsPair(server, client, "a").Shake(); // The tickets come with the server's first words.
            Assert.Equal(i > 0, pair.Client.IsResumed);
            Assert.Same(pair.Client, pair.Client.Settle()); // More of them may come.
            Assert.True(pair.Server.Write(pair.ServerTransfer, "hello"u8));
            Assert.Equal("hello"u8.ToArray(), pair.ToClient());
            Assert.IsType<TlsRecords>(pair.Client.Settle());
            Assert.True(pair.Client.Write(pair.ClientTransfer, "hello"u8));
            Assert.Equal("hello"u8.ToArray(), pair.ToServer());
        }
    }

    [Fact]
    public void Words_right_behind_the_handshake_are_ours_to_read()
    {
        using var pair = new TlsPair(Server(isOwn: true), Client(isOwn: true));
        Assert.True(pair.Client.Start(pair.ClientTransfer));
        pair.ToServer();
        pair.ToClient();
        Assert.True(pair.Client.Write(pair.ClientTransfer, "in one flight"u8));
        Assert.Equal("in one flight"u8.ToArray(), pair.ToServer());
        Assert.True(pair.Server.IsEstablished);
    }

    [Fact]
    public void TLS_12_stays_with_the_library()
    {
        using var pair = new TlsPair(Server(isOwn: true, versions: TlsVersions.Tls12), Client(isOwn: true)).Shake();
        Assert.Same(pair.Server, pair.Server.Settle());
        Assert.Same(pair.Client, pair.Client.Settle());
        Assert.True(pair.Client.Write(pair.ClientTransfer, "as ever"u8));
        Assert.Equal("as ever"u8.ToArray(), pair.ToServer());
    }

    [Fact]
    public void A_cipher_of_others_stays_with_the_library()
    {
        const string cipher = "TLS_AES_128_CCM_SHA256";
        var client = new TlsContext(new TlsContextOptions { IsServer = false, HasOwnRecords = true, Tls13Ciphers = cipher });
        using var pair = new TlsPair(Server(isOwn: true, cipher), client).Shake();
        Assert.True(pair.Server.IsEstablished);
        Assert.Same(pair.Server, pair.Server.Settle());
        Assert.Same(pair.Client, pair.Client.Settle());
    }
}
