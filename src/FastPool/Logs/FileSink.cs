using FastPool.Native;
using FastPool.Native.Process;

namespace FastPool.Logs;

/// <summary>
/// The logfile. Opened when there is something to write, so that a rotated file appears with its first line. While the process
/// is root, which it is until it becomes another user, a link is followed only in a folder that root alone can write to. In
/// any other folder a user could lead root to any file.
/// </summary>
/// <param name="cannotOpen">Ends the process: a pooler whose log is gone is not to go on in silence.</param>
public sealed class FileSink(Action<string, int> cannotOpen) : ILogSink
{
    private const int Closed = -1;
    private const uint Root = 0;

    private int _descriptor = Closed;

    /// <summary>Takes effect when the file is next opened. Empty: no file.</summary>
    public string Path { get; set; } = "";

    public void Write(in LogLine line)
    {
        if (_descriptor == Closed && !TryOpen()) return;
        _ = Descriptor.Write(_descriptor, line.Whole); // A full disk loses lines, not the service.
    }

    public void Reopen()
    {
        if (_descriptor != Closed) _ = Descriptor.Close(_descriptor);
        _descriptor = Closed;
    }

    private bool TryOpen()
    {
        if (Path.Length == 0) return false;
        var mayLead = Identity.Uid != Root
            || FileTrust.IsFolderOf(Root, System.IO.Path.GetDirectoryName(Path) is { Length: > 0 } folder ? folder : ".");
        var result = Descriptor.Open(Path, mayLead ? OpenFor.Append : OpenFor.AppendNoLink);
        if (result >= 0 && !mayLead && !FileTrust.IsPlainFile(result))
        {
            _ = Descriptor.Close(result);
            result = -Errno.EPERM;
        }

        if (result < 0)
        {
            cannotOpen(Path, result);
            return false;
        }

        _descriptor = result;
        return true;
    }
}
