using System.Runtime.InteropServices;
using System.Text;

namespace FastPool.Native;

/// <summary>Who this process runs as.</summary>
public static class Identity
{
    public static int UserId => (int)Libc.getuid();
    public static int EffectiveUserId => (int)Libc.geteuid();

    /// <summary>A group by name or number; null when there is none.</summary>
    public static unsafe int? GroupIdOf(string group)
    {
        if (int.TryParse(group, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var id)) return id;
        const int gidOffset = 16; // struct group: name, password, gid.
        fixed (byte* name = Libc.CString(group))
        {
            var found = Libc.getgrnam(name);
            return found is null ? null : *(int*)(found + gidOffset);
        }
    }

    public static unsafe int TryChangeGroup(string path, int group)
    {
        fixed (byte* bytes = Libc.CString(path)) return Libc.Result(Libc.chown(bytes, uint.MaxValue, (uint)group));
    }

    public static unsafe void FillRandom(Span<byte> bytes)
    {
        fixed (byte* at = bytes)
        {
            nint filled = 0;
            while (filled < bytes.Length)
            {
                var more = Libc.getrandom(at + filled, (nuint)(bytes.Length - filled), 0);
                if (more > 0) filled += more;
            }
        }
    }

    /// <summary>The system user of that id, or null when there is none.</summary>
    public static unsafe string? NameOf(int userId)
    {
        const int bufferBytes = 16 * 1024;
        const int passwdBytes = 48; // struct passwd of Linux on 64 bits; its first word is the name.
        var passwd = stackalloc byte[passwdBytes];
        var buffer = stackalloc byte[bufferBytes];
        void* found;
        if (Libc.getpwuid_r((uint)userId, passwd, buffer, bufferBytes, &found) != 0 || found is null) return null;
        return Encoding.Latin1.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(*(byte**)passwd));
    }
}
