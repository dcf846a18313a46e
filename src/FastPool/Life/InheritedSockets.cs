using FastPool.Native.Process;

namespace FastPool.Life;

/// <summary>Listening sockets that the service manager opened for us. Source: sd_listen_fds(3).</summary>
public static class InheritedSockets
{
    private const int First = 3;

    /// <summary>
    /// The descriptors, which a child of ours does not inherit in turn. None unless they are meant for this process.
    /// </summary>
    /// <param name="listenPid">LISTEN_PID.</param>
    /// <param name="listenDescriptors">LISTEN_FDS.</param>
    /// <param name="pids">Ours, and in the background that of the process which went there.</param>
    public static IReadOnlyList<int> Take(string? listenPid, string? listenDescriptors, params ReadOnlySpan<int> pids)
    {
        var count = Count(listenPid, listenDescriptors, pids);
        var descriptors = new int[count];
        for (var i = 0; i < count; i++)
        {
            descriptors[i] = First + i;
            _ = Descriptor.SetInherited(descriptors[i], isInherited: false);
        }

        return descriptors;
    }

    internal static int Count(string? listenPid, string? listenDescriptors, ReadOnlySpan<int> pids)
    {
        const int CountMax = 1024; // More than any unit names; a number out of nowhere is not to exhaust memory.
        if (!int.TryParse(listenPid, out var pid) || !pids.Contains(pid)) return 0;
        return int.TryParse(listenDescriptors, out var count) && count is > 0 and <= CountMax ? count : 0;
    }
}
