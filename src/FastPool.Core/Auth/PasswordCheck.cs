namespace FastPool.Core.Auth;

/// <summary>The authorities outside the pooler that can check a password.</summary>
public enum PasswordAuthority : byte
{
    Pam,
    Ldap,
}

/// <summary>
/// A password that an outside authority has to check, which may take long: made by a login, answered by a thread that may
/// wait, and then the login's again. One side at a time has it.
/// </summary>
/// <param name="host">The client's address, <c>unix</c> over a Unix socket.</param>
/// <param name="options">Of LDAP: as they stand in auth_ldap_options or the HBA line.</param>
public sealed class PasswordCheck(PasswordAuthority authority, string user, string password, string host, string options)
{
    private volatile bool _isAbandoned;

    public PasswordAuthority Authority => authority;
    public string User => user;
    public string Password => password;
    public string Host => host;
    public string Options => options;

    /// <summary>The answer.</summary>
    public bool IsRight { get; set; }

    /// <summary>The text for the log; never the password.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>The client has gone: the authority need not be asked any more. Any thread.</summary>
    public bool IsAbandoned
    {
        get => _isAbandoned;
        set => _isAbandoned = value;
    }
}
