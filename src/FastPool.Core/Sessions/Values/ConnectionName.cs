using FastPool.Base;

namespace FastPool.Core.Sessions;

/// <summary>How a connection is called in the log and on the console.</summary>
public static class ConnectionName
{
    private const long PointerBase = 0x5600_0000_0000;
    private const long PointerStep = 0x400;

    /// <summary>A token like an address: unique for the life of the process, and so among live sockets.</summary>
    public static string Pointer(long id) => $"0x{PointerBase + id * PointerStep:x}";

    /// <summary><c>C-0x…: db/user@host:port </c>, with a blank at the end.</summary>
    public static string Prefix(char kind, long id, string? database, string? user, EndAddress remote, int unixPid,
        int unixPort) =>
        $"{kind}-{Pointer(id)}: {database ?? "(nodb)"}/{user ?? "(nouser)"}@{Host(remote, unixPid, unixPort)} ";

    /// <summary><c>S-0x…: peer-1@host:port </c>, of a connection to another pooler.</summary>
    public static string PeerPrefix(char kind, long id, int peerId, EndAddress remote, int unixPort) =>
        $"{kind}-{Pointer(id)}: peer-{peerId}@{Host(remote, 0, unixPort)} ";

    /// <summary><c>1.2.3.4:5</c>, <c>[::1]:5</c>, <c>unix(pid):port</c>, <c>unix:port</c> or <c>(bad-af):0</c>.</summary>
    public static string Host(EndAddress remote, int unixPid, int unixPort)
    {
        if (remote.IsUnix) return unixPid > 0 ? $"unix({unixPid}):{unixPort}" : $"unix:{unixPort}";
        if (remote.IsV6) return $"[{remote}]:{remote.Port}";
        return $"{remote}:{remote.Port}";
    }

    /// <summary>The same for others than this machine: <c>unix(pid@machine):port</c>.</summary>
    public static string HostOnMachine(EndAddress remote, int unixPid, int unixPort) =>
        remote.IsUnix ? $"unix({unixPid}@{System.Net.Dns.GetHostName()}):{unixPort}" : Host(remote, unixPid, unixPort);
}
