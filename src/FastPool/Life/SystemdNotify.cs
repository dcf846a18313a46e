using System.Text;
using FastPool.Native.Process;

namespace FastPool.Life;

/// <summary>
/// Tells the service manager where this process stands. Without NOTIFY_SOCKET there is nobody to tell. Source: sd_notify(3).
/// </summary>
public sealed class SystemdNotify(string? socketPath)
{
    public void Ready() => Send("READY=1");

    /// <summary>A reload begins; <see cref="Ready"/> ends it, well or not.</summary>
    /// <summary>
    /// This process is the service from now on. It says so before the old one ends, because the service manager would take
    /// that end for the end of the service.
    /// </summary>
    public void IsMain(int pid) => Send($"MAINPID={pid}");

    public void Reloading() => Send($"RELOADING=1\nMONOTONIC_USEC={LocalClock.MonotonicUs()}");

    public void Stopping() => Send("STOPPING=1");

    /// <summary>The statistics line.</summary>
    /// <param name="statsLine">As it is logged, or would be.</param>
    public void Status(string statsLine) => Send(StatusOf(statsLine));

    /// <summary>The text that systemctl shows is for people: microseconds with a mu, in UTF-8.</summary>
    internal static string StatusOf(string statsLine)
    {
        const string MuBytes = "\u00CE\u00BC"; // U+03BC in UTF-8, one char a byte.
        return $"STATUS={statsLine.Replace(" us", $" {MuBytes}s", StringComparison.Ordinal)}";
    }

    private void Send(string message)
    {
        if (!string.IsNullOrEmpty(socketPath)) _ = UnixSocket.Send(socketPath, Encoding.Latin1.GetBytes(message));
    }
}
