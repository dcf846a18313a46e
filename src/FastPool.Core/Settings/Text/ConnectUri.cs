namespace FastPool.Core.Settings;

/// <summary>
/// A URI in place of pairs: <c>postgresql://user:password@host:port/dbname?key=value</c>. Source: PostgreSQL, libpq, Connection
/// URIs; its keys are those of [databases], and libpq's for TLS.
/// </summary>
internal static class ConnectUri
{
    private static readonly string[] Schemes = ["postgresql://", "postgres://"];

    internal static bool IsUri(string text) => Schemes.Any(scheme => text.StartsWith(scheme, StringComparison.Ordinal));

    /// <param name="uri">Without a blank.</param>
    /// <param name="pairs">Keys and values, decoded.</param>
    /// <returns>Null, or what is wrong, without a secret in it.</returns>
    internal static string? TryRead(ReadOnlySpan<char> uri, List<(string Key, string Value)> pairs)
    {
        var rest = uri[(uri.IndexOf("://", StringComparison.Ordinal) + 3)..];
        var query = CutFrom(ref rest, '?');
        var name = CutFrom(ref rest, '/');
        var at = rest.LastIndexOf('@');
        if (at >= 0)
        {
            var user = rest[..at];
            rest = rest[(at + 1)..];
            var password = CutFrom(ref user, ':');
            if (!TryAdd(pairs, "user", user) || !TryAdd(pairs, "password", password)) return "a wrong % in user or password";
        }
        if (ReadHosts(rest, pairs) is { } problem) return problem;
        if (!TryAdd(pairs, "dbname", name)) return "a wrong % in the name of the database";
        foreach (var range in query.Split('&'))
        {
            var value = query[range];
            if (value.IsEmpty) continue;
            var key = value;
            value = CutFrom(ref key, '=');
            if (key is "sslrootcert" && value is "system") // The system's own authorities, whatever the global setting names.
            {
                pairs.Add((OwnWord("sslrootcert"), ""));
                continue;
            }
            if (PercentText.Decoded(key) is not { Length: > 0 } word || value.IsEmpty || !TryAdd(pairs, OwnWord(word), value))
                return "behind the ? stands no key=value";
        }
        return null;
    }

    /// <summary>Our key for what libpq has under another name.</summary>
    private static string OwnWord(string word) => word switch
    {
        "sslmode" => "server_tls_sslmode",
        "sslnegotiation" => "server_tls_sslnegotiation",
        "sslrootcert" => "server_tls_ca_file",
        "sslcert" => "server_tls_cert_file",
        "sslkey" => "server_tls_key_file",
        _ => word,
    };

    /// <summary>One port is for all hosts, as in host= and port=.</summary>
    private static string? ReadHosts(ReadOnlySpan<char> text, List<(string Key, string Value)> pairs)
    {
        if (text.IsEmpty) return null;
        var hosts = new List<string>();
        string? onlyPort = null;
        foreach (var range in text.Split(','))
        {
            var host = text[range];
            ReadOnlySpan<char> port = default;
            if (host is ['[', ..])
            {
                var end = host.IndexOf(']');
                if (end < 0 || (end + 1 < host.Length && host[end + 1] != ':')) return "a wrong [address]";
                if (end + 1 < host.Length) port = host[(end + 2)..];
                host = host[1..end];
            }
            else
            {
                port = CutFrom(ref host, ':');
            }
            if (PercentText.Decoded(host) is not { } decoded || decoded.Contains(',')) return "a wrong host";
            hosts.Add(decoded);
            if (port.ContainsAnyExceptInRange('0', '9')) return "a wrong port";
            if (onlyPort is not null && !port.SequenceEqual(onlyPort)) return "hosts with different ports";
            onlyPort = port.ToString();
        }
        var list = string.Join(',', hosts);
        if (list.Length > 0) pairs.Add(("host", list));
        if (onlyPort!.Length > 0) pairs.Add(("port", onlyPort));
        return null;
    }

    /// <summary>Takes the sign and what is behind it away.</summary>
    /// <returns>The part behind it; empty: there is none.</returns>
    private static ReadOnlySpan<char> CutFrom(scoped ref ReadOnlySpan<char> text, char sign)
    {
        var at = text.IndexOf(sign);
        if (at < 0) return default;
        var behind = text[(at + 1)..];
        text = text[..at];
        return behind;
    }

    private static bool TryAdd(List<(string Key, string Value)> pairs, string key, ReadOnlySpan<char> value)
    {
        if (PercentText.Decoded(value) is not { } decoded) return false;
        if (decoded.Length > 0) pairs.Add((key, decoded));
        return true;
    }
}
