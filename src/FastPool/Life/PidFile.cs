using FastPool.Core.Settings;
using FastPool.Logs;
using FastPool.Native;
using FastPool.Native.Process;
using Microsoft.Extensions.Logging;

namespace FastPool.Life;

/// <summary>The setting pidfile: tells others our pid, and us that another instance runs.</summary>
internal sealed class PidFile(string path, ILogger log)
{
    private bool _isOurs;

    /// <summary>The number in the content of a pid file.</summary>
    /// <returns>The pid; Not above 0 when it says none that could be looked for.</returns>
    internal static int Parse(ReadOnlySpan<byte> content) => CNumber.Atoi(ByteText.Of(content));

    /// <summary>Removes the file of a process that is gone; ends the start when one may be there still.</summary>
    internal void Check()
    {
        const int ContentBytesMax = 128;
        if (path.Length == 0) return;
        var descriptor = Descriptor.Open(path, OpenFor.Read);
        if (descriptor == -Errno.ENOENT) return;
        if (descriptor < 0) throw new FatalError($"could not open pidfile '{path}': {Errno.Text(descriptor)}");
        Span<byte> content = stackalloc byte[ContentBytesMax];
        var length = Descriptor.Read(descriptor, content);
        _ = Descriptor.Close(descriptor);
        if (length < 0) throw new FatalError($"could not read pidfile '{path}': {Errno.Text(length)}");
        if (!IsStale(Parse(content[..length]))) throw new FatalError($"pidfile '{path}' exists, another instance running?");
        log.StalePidFile();
        var result = Descriptor.Unlink(path);
        if (result < 0) throw new FatalError($"could not remove stale pidfile: {Errno.Text(result)}");
    }

    /// <summary>Makes the file.</summary>
    internal void Write()
    {
        if (path.Length == 0) return;
        var descriptor = Descriptor.Open(path, OpenFor.Create);
        if (descriptor < 0) throw new FatalError($"could not open pidfile '{path}': {Errno.Text(descriptor)}");
        _isOurs = true;
        var result = Descriptor.Write(descriptor, CText.Of($"{Identity.Pid}\n").AsSpan()[..^1]);
        _ = Descriptor.Close(descriptor);
        if (result < 0) throw new FatalError($"could not write pidfile '{path}': {Errno.Text(result)}");
    }

    /// <summary>Removes the file if it is ours.</summary>
    internal void Remove()
    {
        if (_isOurs) _ = Descriptor.Unlink(path);
        _isOurs = false;
    }

    /// <summary>A file with our own pid is from an earlier life: in a container each start has the same number.</summary>
    private static bool IsStale(int pid) =>
        pid > 0 && (pid == Identity.Pid || Identity.Probe(pid) == -Errno.ESRCH);
}
