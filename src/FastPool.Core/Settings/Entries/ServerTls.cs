namespace FastPool.Core.Settings;

/// <summary>TLS towards the servers of one pool. Two that are equal have the same connections.</summary>
public sealed record ServerTls
{
    public required SslMode Sslmode { get; init; }

    /// <summary>
    /// The handshake comes first, without a question that the server answers in plain; PostgreSQL has that from 17 on.
    /// </summary>
    public required bool IsDirect { get; init; }

    public required string CaFile { get; init; }

    public required string CertFile { get; init; }

    public required string KeyFile { get; init; }

    public required string Protocols { get; init; }

    /// <summary>For TLS up to 1.2.</summary>
    public required string Ciphers { get; init; }

    public required string Tls13Ciphers { get; init; }

    /// <summary>The first fault that can be told without OpenSSL; null: there is none.</summary>
    internal string? Problem =>
        Sslmode == SslMode.Disable ? null
            : !TlsProtocolList.TryParse(Protocols, out _) ? $"invalid server_tls_protocols: {Protocols}"
            : IsDirect && Sslmode < SslMode.Require
                ? $"server_tls_sslmode {SslModes.Words.WordOf(Sslmode)} may not be used with server_tls_sslnegotiation direct"
                : null;
}

/// <summary>The server_tls_* keys of one line of [databases] or [users]. Null: the line does not say it.</summary>
public sealed record ServerTlsKeys
{
    private const string Prefix = "server_tls";

    private ServerTlsKeys()
    {
    }

    public static ServerTlsKeys None { get; } = new();

    private SslMode? Sslmode { get; init; }

    private bool? IsDirect { get; init; }

    private string? CaFile { get; init; }

    private string? CertFile { get; init; }

    private string? KeyFile { get; init; }

    private string? Protocols { get; init; }

    private string? Ciphers { get; init; }

    private string? Tls13Ciphers { get; init; }

    /// <summary>With one key set.</summary>
    /// <param name="key">As it stands in the line; null is returned for one of another kind.</param>
    /// <param name="value">As it stands in the line.</param>
    /// <param name="error">Set when the value is wrong.</param>
    internal ServerTlsKeys? With(ReadOnlySpan<char> key, string value, out string? error)
    {
        error = null;
        if (!key.StartsWith(Prefix, StringComparison.Ordinal)) return null;
        switch (key)
        {
            case "server_tls_sslmode":
                if (SslModes.Words.TryParse(value, out var mode)) return this with { Sslmode = mode };
                break;
            case "server_tls_sslnegotiation":
                if (SslNegotiation.TryParse(value) is { } isDirect) return this with { IsDirect = isDirect };
                break;
            case "server_tls_protocols":
                if (TlsProtocolList.TryParse(value, out _)) return this with { Protocols = value };
                break;
            case "server_tls_ca_file": return this with { CaFile = value };
            case "server_tls_cert_file": return this with { CertFile = value };
            case "server_tls_key_file": return this with { KeyFile = value };
            case "server_tls_ciphers": return this with { Ciphers = value };
            case "server_tls13_ciphers": return this with { Tls13Ciphers = value };
            default: return null;
        }

        error = $"invalid {key}: {value}";
        return this;
    }

    /// <summary>The line's values, and for the rest those that hold without it.</summary>
    internal ServerTls Over(ServerTls rest) => ReferenceEquals(this, None) ? rest : new ServerTls
    {
        Sslmode = Sslmode ?? rest.Sslmode,
        IsDirect = IsDirect ?? rest.IsDirect,
        CaFile = CaFile ?? rest.CaFile,
        CertFile = CertFile ?? rest.CertFile,
        KeyFile = KeyFile ?? rest.KeyFile,
        Protocols = Protocols ?? rest.Protocols,
        Ciphers = Ciphers ?? rest.Ciphers,
        Tls13Ciphers = Tls13Ciphers ?? rest.Tls13Ciphers,
    };
}

/// <summary>The words of server_tls_sslnegotiation. Source: PostgreSQL, libpq, sslnegotiation.</summary>
internal static class SslNegotiation
{
    /// <returns>True: direct. Null: no such word.</returns>
    internal static bool? TryParse(string word) => word switch { "direct" => true, "postgres" => false, _ => null };
}
