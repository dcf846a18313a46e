namespace FastPool.Logs;

/// <summary>The names that syslog_facility knows, with the numbers of syslog.h.</summary>
public static class SyslogFacility
{
    private const int User = 1;
    private const int Daemon = 3;
    private const int Auth = 4;
    private const int AuthPriv = 10;
    private const int Local0 = 16;
    private const int Shift = 3; // The lower bits are the priority.

    /// <summary>An unknown name means daemon.</summary>
    public static int Of(string name) => Number(name) << Shift;

    public static bool IsKnown(string name) => name == "daemon" || Number(name) != Daemon;

    private static int Number(string name) => name switch
    {
        "auth" => Auth,
        "authpriv" => AuthPriv,
        "user" => User,
        ['l', 'o', 'c', 'a', 'l', >= '0' and <= '7'] => Local0 + (name[^1] - '0'),
        _ => Daemon,
    };
}
