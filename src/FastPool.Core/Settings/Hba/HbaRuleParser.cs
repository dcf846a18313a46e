namespace FastPool.Core.Settings;

/// <summary>Reads one rule. A fault in it is told as a warning or, as in PgBouncer, not at all.</summary>
internal sealed class HbaRuleParser(string path, IdentMaps maps, IFileReader files, List<LogText> log)
{
    private readonly HbaNamesParser _databases = new(files, isDatabase: true, log);
    private readonly HbaNamesParser _users = new(files, isDatabase: false, log);

    /// <param name="tokens">At the line's first token.</param>
    /// <param name="line">Its number.</param>
    internal HbaRule? Parse(ref HbaTokens tokens, int line)
    {
        if (tokens.Kind != HbaTokenKind.Word || Connection(tokens.Text) is not { } connection) return Bad(line, "unknown type");
        tokens.Next();
        if (_databases.Parse(ref tokens, path) is not { } databases) return null;
        if (_users.Parse(ref tokens, path) is not { } users) return null;

        (HbaAddress, HbaAddress)? network = null;
        if (connection != HbaConnection.Local && !TryNetwork(ref tokens, line, out network)) return null;

        if (tokens.Kind != HbaTokenKind.Word || !AuthTypes.TryParseHbaMethod(tokens.Text, out var method))
        {
            return Bad(line, $"unsupported method: buf={tokens.Text}");
        }

        string? ldapOptions = null;
        if (method == AuthType.Ldap) ldapOptions = tokens.TakeRest();
        tokens.Next();
        if (!TryMap(ref tokens, line, out var map)) return null;
        if (!tokens.IsEnd) return Bad(line, "unsupported parameters");
        return new HbaRule
        {
            Line = line,
            Connection = connection,
            Databases = databases,
            Users = users,
            Network = network,
            Method = method,
            Map = map,
            LdapOptions = ldapOptions,
        };
    }

    private static HbaConnection? Connection(string word) => word switch
    {
        "local" => HbaConnection.Local,
        "host" => HbaConnection.Host,
        "hostssl" => HbaConnection.HostSsl,
        "hostnossl" => HbaConnection.HostNoSsl,
        _ => null,
    };

    /// <summary>all, address/bits, or address and mask.</summary>
    private bool TryNetwork(ref HbaTokens tokens, int line, out (HbaAddress Address, HbaAddress Mask)? network)
    {
        network = null;
        if (tokens.Kind != HbaTokenKind.Word)
        {
            return Refuse(line, $"did not find address - {(int)tokens.Kind} - '{tokens.Text}'");
        }

        var word = tokens.Text;
        tokens.Next();
        if (word == "all") return true;

        var slash = word.IndexOf('/');
        var addressText = slash < 0 ? word : word[..slash];
        if (!HbaAddress.TryParse(addressText, out var address)) return Refuse(line, $"failed to parse address - {addressText}");
        HbaAddress mask;
        if (slash >= 0)
        {
            if (!address.TryMask(word.AsSpan(slash + 1), out mask)) return Refuse(line, "invalid mask");
        }
        else
        {
            if (tokens.Kind != HbaTokenKind.Word) return Refuse(line, "did not find mask");
            if (!HbaAddress.TryParse(tokens.Text, out mask) || mask.Family != address.Family)
            {
                return Refuse(line, $"failed to parse mask: {tokens.Text}");
            }

            tokens.Next();
        }

        if ((address.Bits & mask.Bits) != address.Bits)
        {
            log.Add(LogText.Warning($"address does not match mask in {path} line #{line}: {address} / {mask}"));
        }

        network = HbaAddress.Unmapped(address, mask);
        return true;
    }

    private bool TryMap(ref HbaTokens tokens, int line, out IdentMap? map)
    {
        const string Option = "map=";
        map = null;
        if (tokens.Kind != HbaTokenKind.Word) return true;
        var word = tokens.Text;
        if (!word.StartsWith(Option, StringComparison.Ordinal))
        {
            return Refuse(line, $"Ident map {word} is malformed. It is not in map=value format.");
        }

        var name = word[Option.Length..];
        map = maps.Find(name);
        if (map is null) return Refuse(line, $"Ident map {name} is not found in ident config file");
        tokens.Next();
        return true;
    }

    private HbaRule? Bad(int line, string reason)
    {
        Refuse(line, reason);
        return null;
    }

    private bool Refuse(int line, string reason)
    {
        log.Add(LogText.Warning($"hba line {line}: {reason}"));
        return false;
    }
}
