using System.Buffers.Binary;
using System.Security.Cryptography;
using FastPool.Native;

namespace FastPool.Tests.Harness;

/// <summary>
/// The other end of a connection on own records, written a second time with .NET's own ciphers; it can also break the
/// protocol.
/// </summary>
internal sealed class RecordPeer
{
    internal const byte Alert = 21, Handshake = 22, Data = 23;
    private const int TagBytes = 16;

    private readonly RecordSuite _suite;
    private byte[] _sendingSecret;
    private byte[] _receivingSecret;
    private ulong _sent;
    private ulong _received;

    internal RecordPeer(RecordSuite suite, byte[] sendingSecret, byte[] receivingSecret)
    {
        (_suite, _sendingSecret, _receivingSecret) = (suite, sendingSecret, receivingSecret);
    }

    /// <summary>A connection with secrets from a seed, both ends.</summary>
    internal static (TlsRecords Ours, RecordPeer Peer) Pair(RecordSuite suite, int seed = 1, bool isServer = true)
    {
        var random = new Random(seed);
        var (client, server) = (new byte[SecretBytes(suite)], new byte[SecretBytes(suite)]);
        random.NextBytes(client);
        random.NextBytes(server);
        return (Begin(suite, client, server, isServer),
            isServer ? new RecordPeer(suite, client, server) : new RecordPeer(suite, server, client));
    }

    /// <summary>As the library would tell the secrets.</summary>
    internal static TlsRecords Begin(RecordSuite suite, byte[] client, byte[] server, bool isServer)
    {
        Assert.True(TlsLibrary.TryLoad());
        var secrets = new TlsSecrets();
        var random = new string('0', 64);
        foreach (var (name, secret) in new[] { ("EXPORTER_SECRET", client), ("SERVER_TRAFFIC_SECRET_0", server),
            ("CLIENT_TRAFFIC_SECRET_0", client) })
        {
            secrets.Take(System.Text.Encoding.ASCII.GetBytes($"{name} {random} {Convert.ToHexStringLower(secret)}"), isServer);
        }
        return secrets.TryBegin(suite, isServer, sent: 0)!;
    }

    internal static int SecretBytes(RecordSuite suite) => suite == RecordSuite.Aes256Gcm ? 48 : 32;

    internal byte[] Seal(byte type, ReadOnlySpan<byte> content, int padding = 0)
    {
        byte[] inner = [.. content, type, .. new byte[padding]];
        return SealInner(inner);
    }

    /// <summary>Whatever stands inside.</summary>
    internal byte[] SealInner(byte[] inner)
    {
        var body = inner.Length + TagBytes;
        byte[] record = [Data, 3, 3, (byte)(body >> 8), (byte)body, .. new byte[body]];
        Crypt(_sendingSecret, _sent++, (key, nonce) =>
        {
            var cipher = record.AsSpan(5, inner.Length);
            var tag = record.AsSpan(5 + inner.Length);
            if (_suite == RecordSuite.ChaCha20Poly1305)
            {
                using var chacha = new ChaCha20Poly1305(key);
                chacha.Encrypt(nonce, inner, cipher, tag, record.AsSpan(0, 5));
            }
            else
            {
                using var gcm = new AesGcm(key, TagBytes);
                gcm.Encrypt(nonce, inner, cipher, tag, record.AsSpan(0, 5));
            }
        });
        return record;
    }

    /// <summary>All records of what has come.</summary>
    internal List<(byte Type, byte[] Content)> Open(ReadOnlySpan<byte> records)
    {
        var opened = new List<(byte, byte[])>();
        while (!records.IsEmpty)
        {
            var body = BinaryPrimitives.ReadUInt16BigEndian(records[3..]);
            Assert.InRange(body, TagBytes + 1, 16_384 + 256);
            opened.Add(OpenOne(records[..(5 + body)].ToArray()));
            records = records[(5 + body)..];
        }
        return opened;
    }

    private (byte Type, byte[] Content) OpenOne(byte[] record)
    {
        Assert.Equal([Data, 3, 3], record[..3]);
        var inner = new byte[record.Length - 5 - TagBytes];
        Crypt(_receivingSecret, _received++, (key, nonce) =>
        {
            var cipher = record.AsSpan(5, inner.Length);
            var tag = record.AsSpan(5 + inner.Length);
            if (_suite == RecordSuite.ChaCha20Poly1305)
            {
                using var chacha = new ChaCha20Poly1305(key);
                chacha.Decrypt(nonce, cipher, tag, inner, record.AsSpan(0, 5));
            }
            else
            {
                using var gcm = new AesGcm(key, TagBytes);
                gcm.Decrypt(nonce, cipher, tag, inner, record.AsSpan(0, 5));
            }
        });
        var last = Array.FindLastIndex(inner, static value => value != 0);
        return (inner[last], inner[..last]);
    }

    /// <summary>A KeyUpdate, and the key that it brings.</summary>
    internal byte[] UpdateKey(bool isAsking)
    {
        var record = Seal(Handshake, [24, 0, 0, 1, (byte)(isAsking ? 1 : 0)]);
        NextSendingKey();
        return record;
    }

    internal void NextSendingKey() => (_sendingSecret, _sent) = (Next(_sendingSecret), 0);

    internal void NextReceivingKey() => (_receivingSecret, _received) = (Next(_receivingSecret), 0);

    /// <summary>As if so many records had been sent and received.</summary>
    internal void Skip(ulong sent, ulong received) => (_sent, _received) = (sent, received);

    private byte[] Next(byte[] secret) => Expand(secret, "traffic upd", SecretBytes(_suite));

    private void Crypt(byte[] secret, ulong number, Action<byte[], byte[]> crypt)
    {
        var nonce = Expand(secret, "iv", 12);
        Span<byte> counter = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(counter, number);
        for (var i = 0; i < 8; i++) nonce[4 + i] ^= counter[i];
        crypt(Expand(secret, "key", _suite == RecordSuite.Aes128Gcm ? 16 : 32), nonce);
    }

    private byte[] Expand(byte[] secret, string label, int bytes)
    {
        var whole = "tls13 " + label;
        byte[] info = [0, (byte)bytes, (byte)whole.Length, .. System.Text.Encoding.ASCII.GetBytes(whole), 0];
        var hash = _suite == RecordSuite.Aes256Gcm ? HashAlgorithmName.SHA384 : HashAlgorithmName.SHA256;
        return HKDF.Expand(hash, secret, bytes, info);
    }
}
