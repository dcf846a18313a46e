namespace FastPool.Core.Settings;

/// <summary>How a client proves its identity: auth_type, or the method of an HBA rule.</summary>
public enum AuthType
{
    Any,
    Trust,
    Plain,
    Md5,
    Cert,
    Hba,
    Ldap,
    Pam,
    ScramSha256,
    Peer,
    Reject,
}

/// <summary>Two vocabularies: peer and reject exist in HBA files only, and plain is called password there.</summary>
public static class AuthTypes
{
    /// <summary>The words of auth_type.</summary>
    public static WordTable<AuthType> Words { get; } = new(
        ("any", AuthType.Any),
        ("trust", AuthType.Trust),
        ("plain", AuthType.Plain),
        ("md5", AuthType.Md5),
        ("cert", AuthType.Cert),
        ("hba", AuthType.Hba),
        ("ldap", AuthType.Ldap),
        ("pam", AuthType.Pam),
        ("scram-sha-256", AuthType.ScramSha256));

    /// <summary>The methods of an HBA rule. Exact case, like every keyword of that file.</summary>
    public static bool TryParseHbaMethod(string word, out AuthType method)
    {
        AuthType? found = word switch
        {
            "trust" => AuthType.Trust,
            "reject" => AuthType.Reject,
            "md5" => AuthType.Md5,
            "password" => AuthType.Plain,
            "scram-sha-256" => AuthType.ScramSha256,
            "peer" => AuthType.Peer,
            "cert" => AuthType.Cert,
            "ldap" => AuthType.Ldap,
            _ => null,
        };
        method = found.GetValueOrDefault();
        return found is not null;
    }
}
