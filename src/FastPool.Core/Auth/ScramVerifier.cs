using System.Security.Cryptography;
using FastPool.Core.Settings;

namespace FastPool.Core.Auth;

/// <summary>
/// The record that PostgreSQL stores for SCRAM-SHA-256: enough to check a client, not enough to be one. Source: RFC 5802.
/// </summary>
public sealed record ScramVerifier(int Iterations, byte[] Salt, byte[] StoredKey, byte[] ServerKey)
{
    public const int KeyLength = SHA256.HashSizeInBytes;
    public const int SaltLength = 16;

    public static ScramVerifier FromPassword(ReadOnlySpan<byte> password, int iterations, byte[] salt) =>
        FromKeys(ScramKeys.FromPassword(password, salt, iterations), iterations, salt);

    public static ScramVerifier FromKeys(ScramKeys keys, int iterations, byte[] salt) =>
        new(iterations, salt, SHA256.HashData(keys.ClientKey), keys.ServerKey);

    /// <param name="secret">A SCRAM one.</param>
    public static ScramVerifier Of(Secret secret) => new(secret.Iterations, secret.Salt, secret.StoredKey, secret.ServerKey);

    /// <summary>Whether the password that gave these keys is the one this was made from.</summary>
    public bool Matches(ScramKeys keys) => CryptographicOperations.FixedTimeEquals(keys.ServerKey, ServerKey);
}

/// <summary>The two keys that a password, salt and iteration count give. With them one can log in and check the server.</summary>
public sealed record ScramKeys(byte[] ClientKey, byte[] ServerKey)
{
    public static ScramKeys FromPassword(ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt, int iterations)
    {
        Span<byte> salted = stackalloc byte[ScramVerifier.KeyLength];
        Rfc2898DeriveBytes.Pbkdf2(SaslPrep.Prepare(password), salt, salted, iterations, HashAlgorithmName.SHA256);
        var keys = new ScramKeys(HMACSHA256.HashData(salted, "Client Key"u8), HMACSHA256.HashData(salted, "Server Key"u8));
        CryptographicOperations.ZeroMemory(salted);
        return keys;
    }

    public override string ToString() => nameof(ScramKeys); // Keys never reach a log.
}
