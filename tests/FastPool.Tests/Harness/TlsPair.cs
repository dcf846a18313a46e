using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FastPool.Native;

namespace FastPool.Tests.Harness;

/// <summary>Both ends of a TLS connection in memory, each with a transfer of its own as on two machines.</summary>
internal sealed class TlsPair : IDisposable
{
    private const int PlainBytes = 256 * 1024;

    private readonly byte[] _plain = new byte[PlainBytes];

    internal TlsPair(TlsContext server, TlsContext client, string? key = null, string? name = null)
    {
        Server = new TlsStream(server, ServerTransfer);
        Client = new TlsStream(client, ClientTransfer, key, name);
    }

    internal TlsTransfer ServerTransfer { get; } = new();
    internal TlsTransfer ClientTransfer { get; } = new();
    internal TlsStream Server { get; }
    internal TlsStream Client { get; }

    /// <summary>The last outcome of each side.</summary>
    internal TlsOutcome AtServer { get; private set; }
    internal TlsOutcome AtClient { get; private set; }

    internal TlsPair Shake()
    {
        Assert.True(Client.Start(ClientTransfer));
        for (var i = 0; i < 4; i++)
        {
            ToServer();
            ToClient();
        }
        return this;
    }

    /// <summary>Carries what the client has to say over, in pieces.</summary>
    /// <returns>The plaintext that came out.</returns>
    internal byte[] ToServer(Func<int, int>? piece = null)
    {
        var result = Carry(ClientTransfer, ServerTransfer, Server, piece, out var outcome);
        AtServer = outcome;
        return result;
    }

    internal byte[] ToClient(Func<int, int>? piece = null)
    {
        var result = Carry(ServerTransfer, ClientTransfer, Client, piece, out var outcome);
        AtClient = outcome;
        return result;
    }

    private byte[] Carry(TlsTransfer from, TlsTransfer at, TlsLayer to, Func<int, int>? piece, out TlsOutcome outcome)
    {
        var cipher = from.Output.ToArray();
        from.ClearOutput();
        var plain = new List<byte>();
        outcome = TlsOutcome.Open;
        for (var taken = 0; taken < cipher.Length && outcome is TlsOutcome.Open or TlsOutcome.Established;)
        {
            if (taken == cipher.Length) break;
            var count = piece is null ? cipher.Length - taken
                : Math.Clamp(piece(cipher.Length - taken), 1, cipher.Length - taken);
            outcome = to.Receive(at, cipher.AsSpan(taken, count), _plain, out var got);
            plain.AddRange(_plain.AsSpan(0, got));
            taken += count;
        }
        return [.. plain];
    }

    public void Dispose()
    {
        Server.Free(ServerTransfer);
        Client.Free(ClientTransfer);
    }

    /// <summary>A self-signed certificate and its key as files; gone with the test process's temporary folder.</summary>
    internal static (string CertFile, string KeyFile, X509Certificate2 Certificate) Files(string subject,
        Action<CertificateRequest>? change = null)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        change?.Invoke(request);
        var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var folder = Directory.CreateTempSubdirectory("tls").FullName;
        var (certFile, keyFile) = (Path.Combine(folder, "crt"), Path.Combine(folder, "key"));
        File.WriteAllText(certFile, certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
        return (certFile, keyFile, certificate);
    }
}
