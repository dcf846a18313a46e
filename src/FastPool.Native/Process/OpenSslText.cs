using System.Runtime.InteropServices;

namespace FastPool.Native.Process;

/// <summary>The version that libcrypto gives of itself. Asked by -V alone, for it loads the library.</summary>
public static unsafe class OpenSslText
{
    /// <returns>Null when there is no OpenSSL on this machine.</returns>
    public static string? Read()
    {
        if (!NativeLibrary.TryLoad("libcrypto.so.3", out var library) && !NativeLibrary.TryLoad("libcrypto.so.1.1", out library))
        {
            return null;
        }

        if (!NativeLibrary.TryGetExport(library, "OpenSSL_version", out var function)) return null;
        return Marshal.PtrToStringUTF8(((delegate* unmanaged<int, nint>)function)(0));
    }
}
