using FastPool.Core.Auth;
using FastPool.Native;

namespace FastPool.Net;

/// <summary>One login by LDAP: a bind as the user, whose entry is made up from the name or looked for first.</summary>
internal static class LdapLogin
{
    internal static bool Check(PasswordCheck check)
    {
        if (LdapOptions.Parse(check.Options, out var warning) is not { } options) return Fail(check, warning);
        if (!LdapConnection.IsAvailable) return Fail(check, "could not initialize LDAP: libldap not found");
        var server = options.Server.Length > 0 ? options.Server : LdapConnection.ServersOf(options.BaseDn!);
        if (server is null) return Fail(check, $"LDAP authentication could not find DNS SRV records for \"{options.BaseDn}\"");
        var dn = options.IsSearch ? Find(check, options, server) : options.DnOf(check.User);
        if (dn is null) return false;
        using var connection = Open(check, options, server);
        if (connection is null) return false;
        var code = connection.TryBind(dn, check.Password);
        return code == 0 || Fail(check, $"LDAP login failed for user {dn} on server {server}: {LdapConnection.ErrorText(code)}");
    }

    private static LdapConnection? Open(PasswordCheck check, LdapOptions options, string server)
    {
        var scheme = options.IsSecure ? "ldaps" : "ldap";
        var uris =
            string.Join(' ', server.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(host => $"{scheme}://{(host.Contains(':', StringComparison.Ordinal) ? host : $"{host}:{options.Port}")}"));
        var code = LdapConnection.TryOpen(uris, out var connection);
        if (code != 0)
        {
            Fail(check, $"could not initialize LDAP: {LdapConnection.ErrorText(code)}");
        }
        else if (options.StartsTls && (code = connection!.TryStartTls()) != 0)
        {
            Fail(check, $"could not start LDAP TLS session: {LdapConnection.ErrorText(code)}");
        }
        if (code == 0) return connection;
        connection?.Dispose();
        return null;
    }

    /// <returns>The entry's name; null: there is none, or more than one, or no answer.</returns>
    private static string? Find(PasswordCheck check, LdapOptions options, string server)
    {
        if (check.User.AsSpan().IndexOfAny("*()\\/") >= 0)
            return FailToFind(check, "invalid character in user name for LDAP authentication");
        using var connection = Open(check, options, server);
        if (connection is null) return null;
        var code = connection.TryBind(options.BindDn, options.BindPassword);
        if (code != 0)
            return FailToFind(check,
            $"could not perform initial LDAP bind for ldapbinddn \"{options.BindDn}\" on server \"{server}\": {LdapConnection.ErrorText(code)}");
        var filter = options.FilterFor(check.User);
        code = connection.TryFind(options.BaseDn!, options.Scope, filter, out var count, out var dn);
        if (code != 0)
            return FailToFind(check,
            $"could not search LDAP for filter \"{filter}\" on server \"{server}\": {LdapConnection.ErrorText(code)}");
        if (count == 1) return dn;
        Fail(check, $"LDAP user \"{check.User}\" {(count == 0 ? "does not exist" : "is not unique")}");
        return FailToFind(check,
            $"LDAP search for filter \"{filter}\" on server \"{server}\" returned {(count == 0 ? "no" : count)} entries");
    }

    private static string? FailToFind(PasswordCheck check, string warning)
    {
        Fail(check, warning);
        return null;
    }

    private static bool Fail(PasswordCheck check, string warning)
    {
        check.Warnings.Add(warning);
        return false;
    }
}
