using System.Runtime.InteropServices;
using System.Text;

namespace FastPool.Native.Process;

/// <summary>The version that libcrypto gives of itself.</summary>
public static unsafe class OpenSslText
{
    /// <summary>
    /// The version as it stands in the library's file: loading the library would cost memory that a pooler without TLS can spare.
    /// </summary>
    /// <returns>Null when it is not found.</returns>
    public static string? Find()
    {
        var machine = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "aarch64" : "x86_64";
        string[] folders =
            [$"/usr/lib/{machine}-linux-gnu", "/usr/lib64", "/usr/lib", $"/lib/{machine}-linux-gnu", "/lib64", "/lib"];
        foreach (var name in (string[])["libcrypto.so.3", "libcrypto.so.1.1"])
            foreach (var folder in folders)
                if (FindIn($"{folder}/{name}") is { } text) return text;
        return null;
    }

    /// <summary>Looks for <c>OpenSSL 3.0.19 27 Jan 2026</c> and the NUL behind it.</summary>
    internal static string? FindIn(string path)
    {
        const int PieceBytes = 16 * 1024;
        const int TextBytes = 64;
        try
        {
            using var file = File.OpenHandle(path);
            Span<byte> piece = stackalloc byte[PieceBytes]; // On the stack: on the heap it would stay resident from the start on.
            for (long at = 0; ; at += PieceBytes - TextBytes) // A text may lie across two pieces.
            {
                var count = RandomAccess.Read(file, piece, at);
                if (Version(piece[..count]) is { } text) return text;
                if (count < PieceBytes) return null;
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string? Version(ReadOnlySpan<byte> bytes)
    {
        const int TextBytesMax = 60;
        while (true)
        {
            var start = bytes.IndexOf("OpenSSL "u8);
            if (start < 0 || start + "OpenSSL ".Length >= bytes.Length) return null;
            bytes = bytes[start..];
            var end = bytes.IndexOf((byte)0);
            var isVersion = end is > 0 and < TextBytesMax && bytes["OpenSSL ".Length] is >= (byte)'1' and <= (byte)'9';
            if (isVersion) return Encoding.ASCII.GetString(bytes[..end]);
            bytes = bytes[1..];
        }
    }

    /// <summary>Loads the library and asks it.</summary>
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
