namespace FastPool.Native;

/// <summary>Versions of the protocol.</summary>
[Flags]
public enum TlsVersions
{
    None = 0,
    Tls10 = 1,
    Tls11 = 2,
    Tls12 = 4,
    Tls13 = 8,
}

/// <summary>The demands on the peer's certificate.</summary>
public enum TlsVerify
{
    /// <summary>Nothing.</summary>
    None,
    /// <summary>If there is one, it must be good.</summary>
    IfGiven,
    /// <summary>There must be a good one.</summary>
    Required,
}

/// <summary>All that a <see cref="TlsContext"/> is made of. Empty texts mean the library's own choice.</summary>
public sealed record TlsContextOptions
{
    /// <summary>The side that is connected to.</summary>
    public required bool IsServer { get; init; }

    public TlsVersions Versions { get; init; } = TlsVersions.Tls12 | TlsVersions.Tls13;

    /// <summary>For TLS up to 1.2.</summary>
    public string Ciphers { get; init; } = "";

    public string Tls13Ciphers { get; init; } = "";

    /// <summary>The groups of key exchange, as <c>prime256v1</c>.</summary>
    public string Groups { get; init; } = "";

    /// <summary>Key exchange by Diffie-Hellman over finite fields, of the library's own parameters.</summary>
    public bool HasFiniteFields { get; init; } = true;

    /// <summary>Key exchange over elliptic curves in TLS up to 1.2.</summary>
    public bool HasCurves { get; init; } = true;

    public TlsVerify Verify { get; init; }

    public string CaFile { get; init; } = "";

    public string CertFile { get; init; } = "";

    public string KeyFile { get; init; } = "";

    /// <summary>Sessions are resumed: never on our server side, where no client of PostgreSQL does.</summary>
    public bool HasResumption { get; init; }

    /// <summary>The client side says in its first flight that it speaks PostgreSQL (ALPN).</summary>
    public bool OffersProtocol { get; init; }

    /// <summary>After a handshake of TLS 1.3 the records are ours: see <see cref="TlsRecords"/>.</summary>
    public bool HasOwnRecords { get; init; }
}

/// <summary>Which of the options the library does not take.</summary>
public enum TlsContextFault
{
    Library,
    Ciphers,
    Tls13Ciphers,
    Groups,
    Ca,
    Certificate,
    Key,
}

/// <summary>A context could not be made.</summary>
/// <param name="detail">The library's word for it, or the system's.</param>
public sealed class TlsContextException(TlsContextFault fault, string detail) : Exception(detail)
{
    public TlsContextFault Fault { get; } = fault;
}
