using System.Runtime.InteropServices;
using System.Text;

namespace FastPool.Native;

/// <summary>
/// A conversation with an LDAP directory through the system's libldap, which brings ldap.conf and its certificates along.
/// Calls wait, at most <see cref="TimeoutSeconds"/> each: never on a loop. Every int result is one of libldap's codes, 0 for
/// success.
/// </summary>
public sealed unsafe partial class LdapConnection : IDisposable
{
    public const int TimeoutSeconds = 3;

    private const string Library = SystemLibraries.Ldap;
    private const int OptionProtocolVersion = 0x11;
    private const int OptionTimeout = 0x5002;
    private const int OptionNetworkTimeout = 0x5005;
    private const int Version3 = 3;

    private nint _handle;

    private LdapConnection(nint handle) => _handle = handle;

    [LibraryImport(Library)] private static partial int ldap_initialize(nint* handle, byte* uris);
    [LibraryImport(Library)] private static partial int ldap_set_option(nint handle, int option, void* value);
    [LibraryImport(Library)] private static partial int ldap_start_tls_s(nint handle, void* serverControls, void* clientControls);
    [LibraryImport(Library)]
    private static partial int ldap_sasl_bind_s(nint handle, byte* dn, byte* mechanism,
        BerValue* credentials, void* serverControls, void* clientControls, void* serverCredentials);
    [LibraryImport(Library)]
    private static partial int ldap_search_ext_s(nint handle, byte* root, int scope, byte* filter,
        byte** attributes, int namesOnly, void* serverControls, void* clientControls, TimeValue* timeout, int sizeMax,
        nint* result);
    [LibraryImport(Library)] private static partial int ldap_count_entries(nint handle, nint result);
    [LibraryImport(Library)] private static partial nint ldap_first_entry(nint handle, nint result);
    [LibraryImport(Library)] private static partial byte* ldap_get_dn(nint handle, nint entry);
    [LibraryImport(Library)] private static partial void ldap_memfree(void* memory);
    [LibraryImport(Library)] private static partial int ldap_msgfree(nint result);
    [LibraryImport(Library)]
    private static partial int ldap_unbind_ext_s(nint handle, void* serverControls,
        void* clientControls);
    [LibraryImport(Library)] private static partial byte* ldap_err2string(int code);
    [LibraryImport(Library)] private static partial int ldap_dn2domain(byte* dn, byte** domain);
    [LibraryImport(Library)] private static partial int ldap_domain2hostlist(byte* domain, byte** hosts);

    public static bool IsAvailable => SystemLibraries.Load(Library) != 0;

    public static string ErrorText(int code) => Text(ldap_err2string(code));

    /// <summary>
    /// The servers that DNS names for the domain of a directory tree (SRV records), host:port separated by blanks; null: none.
    /// </summary>
    public static string? ServersOf(string baseDn)
    {
        fixed (byte* dn = CText.Of(baseDn))
        {
            byte* domain;
            if (ldap_dn2domain(dn, &domain) != 0 || domain is null) return null;
            byte* hosts;
            var code = ldap_domain2hostlist(domain, &hosts);
            ldap_memfree(domain);
            if (code != 0 || hosts is null) return null;
            var list = Text(hosts);
            ldap_memfree(hosts);
            return list;
        }
    }

    /// <summary>Nothing is connected before the first request.</summary>
    /// <param name="uris">One or more, separated by blanks.</param>
    public static int TryOpen(string uris, out LdapConnection? connection)
    {
        connection = null;
        nint handle;
        int code;
        fixed (byte* text = CText.Of(uris)) code = ldap_initialize(&handle, text);
        if (code != 0) return code;
        connection = new LdapConnection(handle);
        var version = Version3;
        var timeout = new TimeValue { Seconds = TimeoutSeconds };
        _ = ldap_set_option(handle, OptionNetworkTimeout, &timeout);
        _ = ldap_set_option(handle, OptionTimeout, &timeout);
        return ldap_set_option(handle, OptionProtocolVersion, &version);
    }

    public int TryStartTls() => ldap_start_tls_s(_handle, null, null);

    /// <summary>Logs in; with empty texts anonymously.</summary>
    public int TryBind(string dn, string password)
    {
        var secret = CText.Of(password);
        fixed (byte* name = CText.Of(dn), bytes = secret)
        {
            var credentials = new BerValue { Length = (nuint)(secret.Length - 1), Bytes = bytes };
            return ldap_sasl_bind_s(_handle, name, null, &credentials, null, null, null);
        }
    }

    /// <summary>Looks for entries; of the one, its name.</summary>
    /// <param name="scope">0: the base itself, 1: one level below it, 2: everything below it.</param>
    public int TryFind(string baseDn, int scope, string filter, out int count, out string? dn)
    {
        (count, dn) = (0, null);
        nint result = 0;
        fixed (byte* root = CText.Of(baseDn), filterText = CText.Of(filter), noAttributes = "1.1\0"u8)
        {
            var timeout = new TimeValue { Seconds = TimeoutSeconds };
            var attributes = stackalloc byte*[2];
            attributes[0] = noAttributes;
            attributes[1] = null;
            var code = ldap_search_ext_s(_handle, root, scope, filterText, attributes, 0, null, null, &timeout, 0, &result);
            if (code == 0)
            {
                count = ldap_count_entries(_handle, result);
                if (count == 1)
                {
                    var name = ldap_get_dn(_handle, ldap_first_entry(_handle, result));
                    dn = Text(name);
                    ldap_memfree(name);
                }
            }
            if (result != 0) _ = ldap_msgfree(result);
            return code;
        }
    }

    public void Dispose()
    {
        if (_handle != 0) _ = ldap_unbind_ext_s(_handle, null, null);
        _handle = 0;
    }

    private static string Text(byte* text) =>
        text is null ? "" : Encoding.Latin1.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text));

    private struct BerValue
    {
        internal nuint Length;
        internal byte* Bytes;
    }

    private struct TimeValue
    {
        internal nint Seconds;
        internal nint Microseconds;
    }
}
