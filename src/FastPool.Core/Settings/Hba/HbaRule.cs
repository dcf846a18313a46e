namespace FastPool.Core.Settings;

/// <summary>The first word of a rule: which kind of connection it is for.</summary>
public enum HbaConnection
{
    /// <summary>Unix sockets.</summary>
    Local,

    /// <summary>TCP, with TLS or without.</summary>
    Host,

    /// <summary>TCP with TLS.</summary>
    HostSsl,

    /// <summary>TCP without TLS.</summary>
    HostNoSsl,
}

/// <summary>One rule of auth_hba_file. Source: PostgreSQL, The pg_hba.conf File.</summary>
public sealed class HbaRule
{
    /// <summary>Where it stands, from 1.</summary>
    public int Line { get; internal init; }

    public HbaConnection Connection { get; internal init; }

    /// <summary>Plain is the file's password.</summary>
    public AuthType Method { get; internal init; }

    /// <summary>map=. Null: names have to be equal.</summary>
    public IdentMap? Map { get; internal init; }

    /// <summary>Of method ldap: the rest of the line, unread.</summary>
    public string? LdapOptions { get; internal init; }

    internal HbaNames Databases { get; init; } = new();

    internal HbaNames Users { get; init; } = new();

    /// <summary>Null: any address.</summary>
    internal (HbaAddress Address, HbaAddress Mask)? Network { get; init; }

    internal bool Matches(in HbaRequest request, HbaAddress? address) =>
        MatchesConnection(request, address)
        && (request.PhysicalReplication
            ? Databases.IsReplication
            : Databases.Contains(request.Database) || (Databases.IsSameUser && request.Database == request.User))
        && Users.Contains(request.User);

    private bool MatchesConnection(in HbaRequest request, HbaAddress? address)
    {
        var isKind = Connection switch
        {
            HbaConnection.Local => request.Unix,
            HbaConnection.Host => !request.Unix,
            HbaConnection.HostSsl => !request.Unix && request.Tls,
            _ => !request.Unix && !request.Tls,
        };
        if (!isKind || Network is not var (network, mask)) return isKind;

        // An address with bits outside its mask equals nothing, which is what such a rule is worth.
        return address is { } client && client.Family == network.Family && (client.Bits & mask.Bits) == network.Bits;
    }
}
