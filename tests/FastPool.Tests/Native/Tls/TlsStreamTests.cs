using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FastPool.Native;

namespace FastPool.Tests.Native;

/// <summary>The binding of libssl, against itself in memory.</summary>
public sealed class TlsStreamTests
{
    private static readonly (string CertFile, string KeyFile, X509Certificate2 Certificate) Own =
        TlsPair.Files("CN=own.example", static request =>
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("host.example");
        names.AddDnsName("*.wild.example");
        names.AddDnsName("part*.example");
        names.AddIpAddress(System.Net.IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
    });

    private static TlsContext ServerContext(bool resumes = false, string certFile = "", string keyFile = "") =>
        new(new TlsContextOptions
        {
            IsServer = true,
            CertFile = certFile.Length > 0 ? certFile : Own.CertFile,
            KeyFile = keyFile.Length > 0 ? keyFile : Own.KeyFile,
            HasResumption = resumes,
        });

    private static TlsContext ClientContext(TlsVerify verify = TlsVerify.None, TlsVersions versions = TlsVersions.Tls12
        | TlsVersions.Tls13) =>
        new(new TlsContextOptions
        {
            IsServer = false,
            HasResumption = true,
            Verify = verify,
            CaFile = verify == TlsVerify.None
            ? "" : Own.CertFile,
            Versions = versions
        });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void TLS_delivers_the_same_bytes_however_they_are_cut(int seed)
    {
        var random = new Random(seed);
        using var pair =
            new TlsPair(ServerContext(), ClientContext(versions: seed % 2 == 0 ? TlsVersions.Tls12 : TlsVersions.Tls13));
        int Piece(int left) => random.Next(4) switch { 0 => 1, 1 => random.Next(1, 20), 2 => random.Next(1, 20_000), _ => left };
        Assert.True(pair.Client.Start(pair.ClientTransfer));
        for (var i = 0; i < 4; i++)
        {
            pair.ToServer(Piece);
            pair.ToClient(Piece);
        }
        Assert.True(pair.Server.IsEstablished && pair.Client.IsEstablished);
        for (var i = 0; i < 60; i++)
        {
            var text = new byte[random.Next(1, i % 5 == 0 ? TlsTransfer.PlainBytesMax : 400)];
            random.NextBytes(text);
            Assert.True(pair.Client.Write(pair.ClientTransfer, text));
            Assert.Equal(text, pair.ToServer(Piece));
            Assert.True(pair.Server.Write(pair.ServerTransfer, text));
            Assert.Equal(text, pair.ToClient(Piece));
        }
    }

    [Fact]
    public void A_roundtrip_allocates_nothing_on_our_side()
    {
        using var pair = new TlsPair(ServerContext(), ClientContext()).Shake();
        var message = new byte[300];
        var plain = new byte[64 * 1024];
        var cipher = new byte[64 * 1024];
        var before = 0L;
        for (var i = 0; i < 200; i++)
        {
            if (i == 100) before = GC.GetAllocatedBytesForCurrentThread();
            pair.Client.Write(pair.ClientTransfer, message);
            var count = pair.ClientTransfer.Output.Length;
            pair.ClientTransfer.Output.CopyTo(cipher);
            pair.ClientTransfer.ClearOutput();
            pair.Server.Receive(pair.ServerTransfer, cipher.AsSpan(0, count), plain, out var got);
            if (got != message.Length) Assert.Fail($"{got} bytes");
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_session_goes_on_with_the_same_server_and_no_other()
    {
        var (server, client) = (ServerContext(resumes: true), ClientContext());
        using (var first = new TlsPair(server, client, "a").Shake()) Assert.False(first.Client.IsResumed);
        using (var second = new TlsPair(server, client, "b").Shake()) Assert.False(second.Client.IsResumed);
        using (var third = new TlsPair(server, client, "a").Shake())
        {
            Assert.True(third.Client.IsResumed);
            Assert.Equal("own.example", third.Client.PeerNames()![0]); // A peer that is to be checked still is.
        }
    }

    [Fact]
    public void Our_own_server_side_resumes_nothing()
    {
        var (server, client) = (ServerContext(), ClientContext());
        new TlsPair(server, client, "a").Shake().Dispose();
        using var second = new TlsPair(server, client, "a").Shake();
        Assert.False(second.Client.IsResumed);
    }

    [Fact]
    public void Both_ends_bind_to_the_hash_of_the_servers_certificate()
    {
        using var pair = new TlsPair(ServerContext(), ClientContext()).Shake();
        var hash = SHA256.HashData(Own.Certificate.RawData);
        Assert.Equal(hash, pair.Server.EndPoint());
        Assert.Equal(hash, pair.Client.EndPoint());
    }

    [Theory]
    [InlineData("host.example", true)]
    [InlineData("HOST.example", true)]
    [InlineData("own.example", false)] // The common name does not count where there are alternatives.
    [InlineData("a.wild.example", true)]
    [InlineData("a.b.wild.example", false)]
    [InlineData("wild.example", false)]
    [InlineData("partial.example", false)]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.0.0.2", false)]
    [InlineData("::1", false)]
    [InlineData("elsewhere.example", false)]
    public void A_certificate_is_for_the_names_in_it(string host, bool isFor)
    {
        using var pair = new TlsPair(ServerContext(), ClientContext(TlsVerify.Required)).Shake();
        Assert.Equal(TlsOutcome.Open, pair.AtClient);
        Assert.Equal(isFor, pair.Client.IsPeer(host));
    }

    [Theory]
    [InlineData("CN=own.example", "own.example", true, "own.example")]
    [InlineData("CN=127.0.0.1", "127.0.0.1", true, "127.0.0.1")]
    [InlineData("CN=own.example", "elsewhere.example", false, "own.example")]
    [InlineData("CN=own.example, CN=elsewhere.example", "own.example", false, "")]
    [InlineData("CN=own.example, CN=elsewhere.example", "elsewhere.example", false, "")]
    public void A_common_name_counts_when_it_is_the_only_name(string subject, string host, bool isFor, string names)
    {
        var (certFile, keyFile, _) = TlsPair.Files(subject);
        using var pair = new TlsPair(ServerContext(certFile: certFile, keyFile: keyFile), ClientContext()).Shake();
        Assert.Equal(isFor, pair.Client.IsPeer(host));
        Assert.Equal(names, string.Join(' ', pair.Client.PeerNames()!));
    }

    [Fact]
    public void A_certificate_with_two_common_names_has_no_name_at_all()
    {
        var (certFile, keyFile, _) = TlsPair.Files("CN=alice, CN=bob", static request =>
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName("carol");
            request.CertificateExtensions.Add(names.Build());
        });
        using var pair = new TlsPair(ServerContext(certFile: certFile, keyFile: keyFile), ClientContext()).Shake();
        Assert.Empty(pair.Client.PeerNames()!);
    }

    [Fact]
    public void A_name_with_a_NUL_in_it_names_nobody()
    {
        var (certFile, keyFile, _) = TlsPair.Files("CN=alice\0.evil.example");
        using var pair = new TlsPair(ServerContext(certFile: certFile, keyFile: keyFile), ClientContext()).Shake();
        Assert.DoesNotContain(pair.Client.PeerNames()!, static name => name.StartsWith("alice", StringComparison.Ordinal));
        Assert.False(pair.Client.IsPeer("alice"));
    }

    [Fact]
    public void A_stranger_is_not_believed_and_is_told_so()
    {
        var (certFile, keyFile, _) = TlsPair.Files("CN=own.example");
        using var pair = new TlsPair(ServerContext(certFile: certFile, keyFile: keyFile), ClientContext(TlsVerify.Required));
        pair.Client.Start(pair.ClientTransfer);
        pair.ToServer();
        pair.ToClient();
        Assert.Equal(TlsOutcome.Failed, pair.AtClient);
        Assert.Equal("handshake failed: error:0A000086:SSL routines::certificate verify failed", pair.Client.Problem);
        Assert.False(pair.ClientTransfer.Output.IsEmpty); // The alert.
        pair.ToServer();
        Assert.Equal(TlsOutcome.Failed, pair.AtServer);
    }

    [Fact]
    public void Garbage_fails_once_and_for_all()
    {
        using var pair = new TlsPair(ServerContext(), ClientContext()).Shake();
        var plain = new byte[1000];
        Assert.Equal(TlsOutcome.Failed, pair.Server.Receive(pair.ServerTransfer, "GET / HTTP/1.1\r\n\r\n"u8, plain, out _));
        Assert.StartsWith("read failed: error:", pair.Server.Problem, StringComparison.Ordinal);
        Assert.Equal(TlsOutcome.Failed, pair.Server.Receive(pair.ServerTransfer, "more"u8, plain, out _));
        Assert.False(pair.Server.Write(pair.ServerTransfer, "x"u8));
    }

    [Fact]
    public void A_goodbye_arrives_behind_the_last_words()
    {
        using var pair = new TlsPair(ServerContext(), ClientContext()).Shake();
        pair.Client.Write(pair.ClientTransfer, "last"u8);
        pair.Client.SayGoodbye(pair.ClientTransfer);
        Assert.Equal("last"u8.ToArray(), pair.ToServer());
        Assert.True(pair.Server.IsPeerClosed);
    }

    [Fact]
    public void A_key_with_a_pass_phrase_is_refused_without_asking_a_terminal()
    {
        using var key = RSA.Create(2048);
        var file = Path.Combine(Directory.CreateTempSubdirectory("tls").FullName, "key");
        File.WriteAllText(file,
            key.ExportEncryptedPkcs8PrivateKeyPem("secret",
            new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)));
        var failure = Assert.Throws<TlsContextException>(() => ServerContext(keyFile: file));
        Assert.Equal(TlsContextFault.Key, failure.Fault);
    }
}
