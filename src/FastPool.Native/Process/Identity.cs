using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace FastPool.Native.Process;

/// <summary>The user of the process: its numbers, and the change to another user.</summary>
public static unsafe class Identity
{
    public static int Pid => Libc.GetPid();

    public static int ParentPid => Libc.GetPPid();

    /// <summary>The real user.</summary>
    public static uint Uid => Libc.GetUid();

    /// <summary>The user whose rights the process has.</summary>
    public static uint EffectiveUid => Libc.GetEUid();

    /// <summary>The group whose rights the process has, beside those that it is a member of.</summary>
    public static uint EffectiveGid => Libc.GetEGid();

    /// <summary>Looks a user up, in the password file or wherever the system keeps users.</summary>
    /// <returns>False when no user has that name.</returns>
    public static bool TryFindUser(string name, out uint uid, out uint gid)
    {
        const int EntryBytes = 64; // struct passwd has 48.
        const int UidAt = 16;
        const int GidAt = 20;
        const int BufferBytes = 16384; // The value of getconf GETPW_R_SIZE_MAX is only a start: LDAP entries are longer.
        var entry = stackalloc byte[EntryBytes];
        byte* found = null;
        fixed (byte* wanted = CText.Of(name))
        fixed (byte* buffer = new byte[BufferBytes])
        {
            var isFound = Libc.GetPwNam(wanted, entry, buffer, BufferBytes, &found) == 0 && found != null;
            uid = isFound ? *(uint*)(entry + UidAt) : 0;
            gid = isFound ? *(uint*)(entry + GidAt) : 0;
            return isFound;
        }
    }

    /// <summary>The system user of that id, or null when there is none.</summary>
    public static string? NameOf(int userId)
    {
        const int EntryBytes = 64; // struct passwd has 48; its first word is the name.
        const int BufferBytes = 16384;
        var entry = stackalloc byte[EntryBytes];
        var buffer = stackalloc byte[BufferBytes];
        byte* found = null;
        if (Libc.GetPwUid((uint)userId, entry, buffer, BufferBytes, &found) != 0 || found is null) return null;
        return Encoding.Latin1.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(*(byte**)entry));
    }

    /// <summary>A group by name or number; null when there is none.</summary>
    public static int? GroupIdOf(string group)
    {
        const int GidAt = 16; // struct group: name, password, gid.
        if (int.TryParse(group, NumberStyles.None, CultureInfo.InvariantCulture, out var id)) return id;
        fixed (byte* name = CText.Of(group))
        {
            var found = Libc.GetGrNam(name);
            return found is null ? null : *(int*)(found + GidAt);
        }
    }

    /// <summary>Leaves one supplementary group. Only root may.</summary>
    public static int ResetGroups(uint gid) => Libc.SetGroups(1, &gid);

    /// <summary>For all threads of the process, as all of these: the C library sees to it.</summary>
    public static int SetGroup(uint gid) => Libc.SetGid(gid);

    public static int SetUser(uint uid) => Libc.SetUid(uid);

    /// <summary>A session of its own, without a terminal.</summary>
    public static int NewSession() => Libc.SetSid();

    /// <summary>
    /// 0 when a process with that number is there and may be signalled; -EPERM: it is there; -ESRCH: it is not.
    /// </summary>
    public static int Probe(int pid) => Libc.Kill(pid, 0);

    /// <summary>Writing to a connection that is gone is an errno here, not the end of the process.</summary>
    public static void IgnoreBrokenPipes()
    {
        const int BrokenPipe = 13; // SIGPIPE
        const int Ignore = 1; // SIG_IGN
        _ = Libc.Signal(BrokenPipe, Ignore);
    }

    /// <summary>
    /// Gives a signal its default effect, whatever the parent has left: nohup and shells ignore some for their children.
    /// </summary>
    public static void ResetSignal(int signal)
    {
        const int Default = 0; // SIG_DFL
        _ = Libc.Signal(signal, Default);
    }

    /// <summary>Soft and hard limit of open descriptors; ulong.MaxValue: none.</summary>
    public static int DescriptorLimit(out ulong soft, out ulong hard)
    {
        const int OpenFiles = 7; // RLIMIT_NOFILE
        var limits = stackalloc ulong[2];
        var result = Libc.GetRLimit(OpenFiles, limits);
        (soft, hard) = (limits[0], limits[1]);
        return result;
    }

    /// <summary>Lets the process have as many open descriptors as it may ask for.</summary>
    /// <returns>False: it had that many before.</returns>
    public static bool TryRaiseDescriptorLimit()
    {
        const int OpenFiles = 7; // RLIMIT_NOFILE
        if (DescriptorLimit(out var soft, out var hard) < 0 || soft >= hard) return false;
        var limits = stackalloc ulong[2] { hard, hard };
        return Libc.SetRLimit(OpenFiles, limits) >= 0;
    }

    /// <summary>Ends the process as it stands: no handlers, no finalizers, no waiting for threads.</summary>
    public static void Exit(int status) => Libc.Exit(status);
}
