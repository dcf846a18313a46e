using System.Security.Cryptography;

namespace FastPool.Core.Auth;

/// <summary>PostgreSQL's MD5 passwords: <c>md5</c> + hex(md5(password + user)), salted once more on the wire.</summary>
public static class Md5Password
{
    /// <summary>Bytes of every MD5 password and response.</summary>
    public const int Length = 35;
    public const int SaltLength = 4;

    /// <summary>The stored form of a plain password.</summary>
    public static byte[] Store(ReadOnlySpan<byte> password, ReadOnlySpan<byte> user) => Digest(password, user);

    /// <summary>The response to a request with that salt, from the stored form.</summary>
    public static byte[] Respond(ReadOnlySpan<byte> stored, ReadOnlySpan<byte> salt) => Digest(stored[3..], salt);

    /// <summary>Whether two responses are the same, in constant time.</summary>
    public static bool AreEqual(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> given) =>
        CryptographicOperations.FixedTimeEquals(expected, given);

    private static byte[] Digest(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        var input = new byte[first.Length + second.Length];
        first.CopyTo(input);
        second.CopyTo(input.AsSpan(first.Length));
        Span<byte> hash = stackalloc byte[MD5.HashSizeInBytes];
        MD5.HashData(input, hash);
        CryptographicOperations.ZeroMemory(input);
        var result = new byte[Length];
        "md5"u8.CopyTo(result);
        Convert.TryToHexStringLower(hash, result.AsSpan(3), out _);
        return result;
    }
}
