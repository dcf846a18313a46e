namespace FastPool.Core.Auth;

/// <summary>
/// Channel binding of a SCRAM exchange: the proof holds for this TLS connection alone. Source: RFC 5802, 6; RFC 5929, 4.
/// </summary>
/// <param name="EndPoint">The hash of the server's certificate; null: there is nothing to bind to.</param>
/// <param name="IsChosen">The mechanism is SCRAM-SHA-256-PLUS.</param>
public readonly record struct ScramBinding(byte[]? EndPoint, bool IsChosen)
{
    /// <summary>The GS2 header of the one type that PostgreSQL knows.</summary>
    public static ReadOnlySpan<byte> Header => "p=tls-server-end-point,,"u8;

    public bool IsOffered => EndPoint is not null;
}
