using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FastPool.Base;

namespace FastPool.Native;

/// <summary>
/// One direction of a connection: the traffic secret, what follows from it, and the number of the next record.
/// Source: RFC 8446, 5.3 and 7.3.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal unsafe struct RecordKeys
{
    internal const int SecretBytesMax = 48;
    internal const int KeyBytesMax = 32;
    internal const int NonceBytes = 12;

    internal fixed byte Secret[SecretBytesMax];
    internal fixed byte Key[KeyBytesMax];
    internal fixed byte Iv[NonceBytes];

    /// <summary>It goes into the nonce, so no two records of one key have the same.</summary>
    internal ulong Sequence;

    /// <summary>Begins with the secret that stands here.</summary>
    internal void Derive(RecordSuite suite)
    {
        fixed (byte* secret = Secret, key = Key, iv = Iv)
        {
            ExpandLabel(suite, secret, "key"u8, new Span<byte>(key, suite.KeyBytes()));
            ExpandLabel(suite, secret, "iv"u8, new Span<byte>(iv, NonceBytes));
        }
        Sequence = 0;
    }

    /// <summary>Begins with the next secret: this one is forgotten. Source: RFC 8446, 7.2.</summary>
    internal void Update(RecordSuite suite)
    {
        Span<byte> next = stackalloc byte[SecretBytesMax];
        next = next[..suite.SecretBytes()];
        fixed (byte* secret = Secret)
        {
            ExpandLabel(suite, secret, "traffic upd"u8, next);
            next.CopyTo(new Span<byte>(secret, SecretBytesMax));
        }
        CryptographicOperations.ZeroMemory(next);
        Derive(suite);
    }

    /// <summary>The nonce of the next record.</summary>
    internal readonly void WriteNonce(byte* nonce)
    {
        const int before = NonceBytes - sizeof(ulong); // The number is in the bytes behind.
        fixed (byte* iv = Iv)
        {
            *(uint*)nonce = *(uint*)iv;
            *(ulong*)(nonce + before) = *(ulong*)(iv + before) ^ BinaryPrimitives.ReverseEndianness(Sequence);
        }
    }

    /// <summary>HKDF-Expand-Label with no context. Source: RFC 8446, 7.1; RFC 5869, 2.3, of which one block is enough.</summary>
    private static void ExpandLabel(RecordSuite suite, byte* secret, ReadOnlySpan<byte> label, Span<byte> output)
    {
        const int infoBytesMax = 64;
        const int macBytesMax = 64;
        var info = stackalloc byte[infoBytesMax];
        var mac = stackalloc byte[macBytesMax];
        var prefix = "tls13 "u8;
        var at = new Span<byte>(info, infoBytesMax);
        (at[0], at[1], at[2]) = (0, (byte)output.Length, (byte)(prefix.Length + label.Length));
        prefix.CopyTo(at[3..]);
        label.CopyTo(at[(3 + prefix.Length)..]);
        var length = 3 + prefix.Length + label.Length;
        (at[length], at[length + 1]) = (0, 1); // No context; the first block.
        uint macBytes = 0;
        var result = OpenSsl.HMAC(suite.Hash(), secret, suite.SecretBytes(), info, (nuint)(length + 2), mac, &macBytes);
        Check.That(result is not null && macBytes >= output.Length);
        new Span<byte>(mac, output.Length).CopyTo(output);
        CryptographicOperations.ZeroMemory(new Span<byte>(mac, macBytesMax));
    }
}

/// <summary>Both directions.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct RecordKeyPair
{
    internal RecordKeys Receiving;
    internal RecordKeys Sending;

    internal static unsafe int Bytes => sizeof(RecordKeyPair);
}
