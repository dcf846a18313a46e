namespace FastPool.Core.Settings;

/// <summary>client_tls_sslmode and server_tls_sslmode; the words mean what they mean to libpq.</summary>
public enum SslMode
{
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// <summary>The words of both settings.</summary>
public static class SslModes
{
    public static WordTable<SslMode> Words { get; } = new(
        ("disable", SslMode.Disable),
        ("allow", SslMode.Allow),
        ("prefer", SslMode.Prefer),
        ("require", SslMode.Require),
        ("verify-ca", SslMode.VerifyCa),
        ("verify-full", SslMode.VerifyFull));
}
