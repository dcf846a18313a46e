using System.Globalization;
using System.Text;

namespace FastPool.Core.Auth;

/// <summary>
/// The LDAP server and how it is asked: auth_ldap_options, or the rest of an HBA line. Parsed anew for each login, so that no
/// line's options leak into another's.
/// </summary>
public sealed class LdapOptions
{
    private const int DefaultPort = 389;
    private const int DefaultSecurePort = 636;
    private const int TextMax = 1023;
    private const int ScopeBase = 0;
    private const int ScopeOne = 1;
    private const int ScopeSubtree = 2;

    /// <summary>Hosts separated by blanks; empty: DNS tells.</summary>
    public string Server { get; private set; } = "";
    public int Port { get; private set; }
    public bool IsSecure { get; private set; }
    public bool StartsTls { get; private set; }
    public string? Prefix { get; private set; }
    public string? Suffix { get; private set; }
    public string? BaseDn { get; private set; }
    public string BindDn { get; private set; } = "";
    public string BindPassword { get; private set; } = "";
    public string? SearchAttribute { get; private set; }
    public string? SearchFilter { get; private set; }

    /// <summary>0: the base, 1: one level, 2: the subtree.</summary>
    public int Scope { get; private set; } = ScopeSubtree;

    public bool IsSearch => BaseDn is not null;

    /// <param name="warning">The fault, for the log.</param>
    /// <returns>Null with a warning.</returns>
    public static LdapOptions? Parse(string text, out string warning)
    {
        var options = new LdapOptions();
        warning = text.Length > TextMax ? "LDAP options are too long" : options.Read(text) ?? options.Check() ?? "";
        return warning.Length == 0 ? options : null;
    }

    private string? Read(string text)
    {
        var at = 0;
        while (true)
        {
            while (at < text.Length && text[at] is ' ' or '\t' or ',') at++;
            if (at == text.Length) return null;
            var key = Word(text, ref at, stopsAtEquals: true);
            if (at == text.Length || text[at] != '=') return null; // From the first item on that is no pair, nothing counts.
            at++;
            if (Set(key, Word(text, ref at, stopsAtEquals: false)) is { } problem) return problem;
        }
    }

    private static string Word(string text, ref int at, bool stopsAtEquals)
    {
        var word = new StringBuilder();
        var isQuoted = false;
        for (; at < text.Length; at++)
        {
            var c = text[at];
            if (c == '"')
            {
                if (isQuoted && at + 1 < text.Length && text[at + 1] == '"')
                {
                    word.Append('"');
                    at++;
                    continue;
                }
                isQuoted = !isQuoted;
                continue;
            }
            if (!isQuoted && (c is ' ' or '\t' || (c == ',' && !stopsAtEquals) || (c == '=' && stopsAtEquals))) break;
            word.Append(c);
        }
        return word.ToString();
    }

    private string? Set(string key, string value)
    {
        switch (key)
        {
            case "ldapserver": Server = value; return null;
            case "ldapport": return SetPort(value);
            case "ldapscheme":
                if (value is not ("ldap" or "ldaps")) return $"invalid ldapscheme value: \"{value}\"";
                IsSecure = value == "ldaps";
                return null;
            case "ldaptls": StartsTls = value == "1"; return null;
            case "ldapprefix": Prefix = value; return null;
            case "ldapsuffix": Suffix = value; return null;
            case "ldapbasedn": BaseDn = value; return null;
            case "ldapbinddn": BindDn = value; return null;
            case "ldapbindpasswd": BindPassword = value; return null;
            case "ldapsearchattribute": SearchAttribute = value; return null;
            case "ldapsearchfilter": SearchFilter = value; return null;
            case "ldapurl": return SetUrl(value);
            default: return $"invalid LDAP option: \"{key}\"";
        }
    }

    private string? SetPort(string value)
    {
        if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65535)
            return $"invalid LDAP port number: \"{value}\"";
        Port = port;
        return null;
    }

    /// <summary>Source: RFC 4516.</summary>
    private string? SetUrl(string url)
    {
        var end = url.IndexOf("://", StringComparison.Ordinal);
        if (end < 0) return $"could not parse LDAP URL \"{url}\": Bad URL";
        var scheme = url[..end];
        if (scheme is not ("ldap" or "ldaps")) return $"unsupported LDAP URL scheme: {scheme}";
        IsSecure = scheme == "ldaps";
        var parts = url[(end + 3)..].Split('?');
        var slash = parts[0].IndexOf('/', StringComparison.Ordinal);
        var address = slash < 0 ? parts[0] : parts[0][..slash];
        var colon = address.LastIndexOf(':');
        if (colon > address.LastIndexOf(']'))
        {
            if (SetPort(address[(colon + 1)..]) is not null) return $"could not parse LDAP URL \"{url}\": Bad URL";
            address = address[..colon];
        }
        Server = address;
        if (slash >= 0) BaseDn = Uri.UnescapeDataString(parts[0][(slash + 1)..]);
        if (parts.Length > 1 && parts[1].Length > 0) SearchAttribute = Uri.UnescapeDataString(parts[1].Split(',')[0]);
        if (parts.Length > 2 && parts[2].Length > 0)
        {
            Scope = parts[2] switch { "base" => ScopeBase, "one" => ScopeOne, "sub" => ScopeSubtree, _ => -1 };
            if (Scope < 0) return $"could not parse LDAP URL \"{url}\": Bad scope";
        }
        if (parts.Length > 3 && parts[3].Length > 0) SearchFilter = Uri.UnescapeDataString(parts[3]);
        return null;
    }

    private string? Check()
    {
        if (Port == 0) Port = IsSecure ? DefaultSecurePort : DefaultPort;
        var hasAffix = Prefix is not null || Suffix is not null;
        var hasSearch = BaseDn is not null || BindDn.Length > 0 || BindPassword.Length > 0 || SearchAttribute is not null
            || SearchFilter is not null;
        if (hasAffix && hasSearch) return "cannot mix options for simple bind and search+bind modes";
        if (!hasAffix && BaseDn is null)
            return "authentication method \"ldap\" requires argument \"ldapbasedn\", \"ldapprefix\", or \"ldapsuffix\" to be set";
        if (SearchAttribute is not null && SearchFilter is not null)
            return "cannot use ldapsearchattribute together with ldapsearchfilter";
        return Server.Length == 0 && string.IsNullOrEmpty(BaseDn) ? "LDAP server not specified, and no ldapbasedn" : null;
    }

    /// <summary>The entry of the user, in the mode without a search.</summary>
    public string DnOf(string user) => Prefix + user + Suffix;

    /// <summary>The search filter for the user, in the mode with a search.</summary>
    public string FilterFor(string user) =>
        SearchFilter?.Replace("$username", user, StringComparison.Ordinal) ?? $"({SearchAttribute ?? "uid"}={user})";
}
