using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FastPool.Native;

namespace FastPool.Simulation.Network;

/// <summary>
/// The peer's end of TLS on a <see cref="MemorySocket"/>: a real handshake with the pooler's, over the two byte queues.
/// The peer's bytes wait here until it is done.
/// </summary>
internal sealed class PeerTls(TlsContext context)
{
    private static readonly (string Certificate, string Key) Files = MakeFiles();

    /// <summary>All simulated peers of a thread share one: they take turns.</summary>
    [field: ThreadStatic]
    private static TlsTransfer? Shared { get; set; }

    private readonly TlsTransfer _transfer = Shared ??= new TlsTransfer();
    private readonly TlsStream _stream = new(context, Shared!);
    private readonly byte[] _plain = new byte[256 * 1024];
    private readonly ByteQueue _said = new();

    internal static string CertificateFile => Files.Certificate;

    internal static string KeyFile => Files.Key;

    /// <summary>For servers, which the pooler connects to.</summary>
    internal static TlsContext ServerContext { get; } =
        new(new TlsContextOptions { IsServer = true, CertFile = CertificateFile, KeyFile = KeyFile, HasResumption = true });

    /// <summary>For clients of the pooler.</summary>
    internal static TlsContext ClientContext { get; } = new(new TlsContextOptions { IsServer = false });

    /// <summary>Plaintext that the peer has not read yet.</summary>
    internal ByteQueue Heard { get; } = new();

    internal void Start(ByteQueue toPooler)
    {
        if (context.IsServer) return;
        if (!_stream.Start(_transfer)) throw new SimulationException("no first flight");
        MoveOutput(toPooler);
    }

    internal void Receive(ByteQueue fromPooler, ByteQueue toPooler)
    {
        if (fromPooler.Count > 0)
        {
            var outcome = _stream.Receive(_transfer, fromPooler.Span, _plain, out var count);
            fromPooler.Clear();
            if (outcome == TlsOutcome.Failed)
                throw new SimulationException("the pooler's TLS is not understood: " + _stream.Problem);
            Heard.Add(_plain.AsSpan(0, count));
            MoveOutput(toPooler);
        }
        if (_stream.IsEstablished && _said.Count > 0)
        {
            Say(_said.Span, toPooler);
            _said.Clear();
        }
    }

    internal void Say(ReadOnlySpan<byte> plain, ByteQueue toPooler)
    {
        if (!_stream.IsEstablished)
        {
            _said.Add(plain);
            return;
        }
        while (!plain.IsEmpty)
        {
            var piece = plain[..Math.Min(plain.Length, TlsTransfer.PlainBytesMax)];
            if (!_stream.Write(_transfer, piece)) throw new SimulationException("not encrypted: " + _stream.Problem);
            MoveOutput(toPooler);
            plain = plain[piece.Length..];
        }
    }

    private void MoveOutput(ByteQueue toPooler)
    {
        toPooler.Add(_transfer.Output);
        _transfer.ClearOutput();
    }

    private static (string Certificate, string Key) MakeFiles()
    {
        using var key = RSA.Create(2048);
        using var certificate = new CertificateRequest("CN=simulation", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var folder = Directory.CreateTempSubdirectory("sim").FullName;
        var (certificateFile, keyFile) = (Path.Combine(folder, "crt"), Path.Combine(folder, "key"));
        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
        return (certificateFile, keyFile);
    }
}
