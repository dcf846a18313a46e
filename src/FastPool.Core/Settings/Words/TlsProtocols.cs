namespace FastPool.Core.Settings;

/// <summary>Versions of TLS that may be negotiated.</summary>
[Flags]
public enum TlsProtocols
{
    None = 0,
    Tls10 = 1,
    Tls11 = 2,
    Tls12 = 4,
    Tls13 = 8,

    /// <summary>secure, default, and the empty setting.</summary>
    Secure = Tls12 | Tls13,

    /// <summary>all and tlsv1.</summary>
    All = Tls10 | Tls11 | Secure,
}

/// <summary>The lists of client_tls_protocols and server_tls_protocols.</summary>
public static class TlsProtocolList
{
    /// <summary>
    /// Items separated by comma or colon, in any case; ! takes the item away, from all when it is the first. Blanks may stand
    /// before an item but not after it.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out TlsProtocols protocols)
    {
        protocols = text.IsEmpty ? TlsProtocols.Secure : TlsProtocols.None;
        if (text.IsEmpty) return true;
        var isFirst = true;
        foreach (var range in text.SplitAny(',', ':'))
        {
            var item = text[range];
            while (!item.IsEmpty && ByteText.IsSpace(item[0])) item = item[1..];
            var takesAway = !item.IsEmpty && item[0] == '!';
            if (takesAway) item = item[1..];
            if (Named(item) is not { } named) return false;
            if (takesAway && isFirst) protocols = TlsProtocols.All;
            protocols = takesAway ? protocols & ~named : protocols | named;
            isFirst = false;
        }

        return true;
    }

    private static TlsProtocols? Named(ReadOnlySpan<char> item)
    {
        Span<char> lower = stackalloc char[8];
        if (item.ToLowerInvariant(lower) < 0) return null;
        return lower[..item.Length] switch
        {
            "all" or "tlsv1" => TlsProtocols.All,
            "secure" or "default" => TlsProtocols.Secure,
            "tlsv1.0" => TlsProtocols.Tls10,
            "tlsv1.1" => TlsProtocols.Tls11,
            "tlsv1.2" => TlsProtocols.Tls12,
            "tlsv1.3" => TlsProtocols.Tls13,
            _ => null,
        };
    }
}
