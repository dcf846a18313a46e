using System.Buffers;
using System.Globalization;

namespace FastPool.Core.Settings;

/// <summary>The forms in which a password may be kept.</summary>
public enum SecretKind
{
    /// <summary>None: no login by password.</summary>
    Empty,

    /// <summary>The password itself.</summary>
    Plain,

    /// <summary>md5 and the digest of password and user name.</summary>
    Md5,

    /// <summary>A SCRAM-SHA-256 verifier as in pg_authid.</summary>
    Scram,
}

/// <summary>
/// A user's secret and which form it has. A text that is only almost a digest or a verifier is a plain password, because a
/// password may look like anything. Source: PostgreSQL, pg_authid.
/// </summary>
public sealed class Secret
{
    /// <summary>Longest secret in bytes: PostgreSQL takes no longer password message.</summary>
    public const int BytesMax = 65_535;

    private const int KeyBytes = 32;
    private const int KeyChars = 44; // Base64 of 32 bytes.
    private const int Md5Chars = 35;
    private const string Md5Prefix = "md5";
    private const string ScramPrefix = "SCRAM-SHA-256$";

    private static readonly SearchValues<char> LowerHex = SearchValues.Create("0123456789abcdef");

    private Secret(SecretKind kind, string text)
    {
        Kind = kind;
        Text = text;
    }

    public static Secret Empty { get; } = new(SecretKind.Empty, "");

    public SecretKind Kind { get; }

    /// <summary>As it was given, one char a byte.</summary>
    public string Text { get; }

    /// <summary>A client has shown this very password to be right.</summary>
    public bool IsProved { get; private init; }

    /// <summary>Of a SCRAM verifier, else 0.</summary>
    public int Iterations { get; private init; }

    /// <summary>Of a SCRAM verifier, else empty.</summary>
    public byte[] Salt { get; private init; } = [];

    /// <summary>Of a SCRAM verifier, else empty.</summary>
    public byte[] StoredKey { get; private init; } = [];

    /// <summary>Of a SCRAM verifier, else empty.</summary>
    public byte[] ServerKey { get; private init; } = [];

    /// <summary>A password that has just been proved right, whatever it looks like.</summary>
    public static Secret OfPassword(string text) => new(SecretKind.Plain, text) { IsProved = true };

    /// <summary>Tells the form by the text.</summary>
    public static Secret Of(string text)
    {
        if (text.Length == 0) return Empty;
        if (text.StartsWith(ScramPrefix, StringComparison.Ordinal) && TryScram(text) is { } scram) return scram;
        return new Secret(IsMd5(text) ? SecretKind.Md5 : SecretKind.Plain, text);
    }

    private static bool IsMd5(string text) =>
        text.Length == Md5Chars
        && text.StartsWith(Md5Prefix, StringComparison.Ordinal)
        && !text.AsSpan(Md5Prefix.Length).ContainsAnyExcept(LowerHex);

    /// <summary>SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey.</summary>
    private static Secret? TryScram(string text)
    {
        var rest = text.AsSpan(ScramPrefix.Length);
        if (!TryCut(ref rest, ':', out var iterationText)
            || !TryCut(ref rest, '$', out var saltText)
            || !TryCut(ref rest, ':', out var storedText)
            || !int.TryParse(iterationText, NumberStyles.None, CultureInfo.InvariantCulture, out var iterations)
            || iterations < 1
            || Decode(saltText) is not { Length: > 0 } salt
            || Key(storedText) is not { } storedKey
            || Key(rest) is not { } serverKey)
        {
            return null;
        }

        return new Secret(SecretKind.Scram, text)
        {
            Iterations = iterations,
            Salt = salt,
            StoredKey = storedKey,
            ServerKey = serverKey,
        };
    }

    private static bool TryCut(ref ReadOnlySpan<char> rest, char separator, out ReadOnlySpan<char> part)
    {
        var end = rest.IndexOf(separator);
        part = end < 0 ? default : rest[..end];
        rest = rest[(end + 1)..];
        return end >= 0;
    }

    private static byte[]? Key(ReadOnlySpan<char> base64) =>
        base64.Length == KeyChars && Decode(base64) is { Length: KeyBytes } key ? key : null;

    private static byte[]? Decode(ReadOnlySpan<char> base64)
    {
        if (base64.Length % 4 != 0) return null;
        var bytes = new byte[base64.Length / 4 * 3];
        if (!Convert.TryFromBase64Chars(base64, bytes, out var written)) return null;
        return written == bytes.Length ? bytes : bytes[..written];
    }
}
