using System.Reflection;
using System.Runtime.InteropServices;

namespace FastPool.Native;

/// <summary>
/// Libraries that are looked for only when something needs them, each under the file names of its versions, newest first.
/// </summary>
internal static class SystemLibraries
{
    internal const string Ssl = "libssl";
    internal const string Crypto = "libcrypto";
    internal const string Pam = "libpam";
    internal const string Ldap = "libldap";

    static SystemLibraries() =>
        NativeLibrary.SetDllImportResolver(typeof(SystemLibraries).Assembly, static (name, _, _) => Load(name));

    /// <returns>0 when the library is missing, or is none of these.</returns>
    internal static nint Load(string name)
    {
        foreach (var file in FilesOf(name))
        {
            if (NativeLibrary.TryLoad(file, out var handle)) return handle;
        }
        return 0;
    }

    private static ReadOnlySpan<string> FilesOf(string name) => name switch
    {
        Ssl => (string[])["libssl.so.3", "libssl.so.1.1"],
        Crypto => (string[])["libcrypto.so.3", "libcrypto.so.1.1"],
        Pam => (string[])["libpam.so.0"],
        Ldap => (string[])["libldap.so.2", "libldap-2.5.so.0", "libldap_r-2.4.so.2"],
        _ => [],
    };
}
