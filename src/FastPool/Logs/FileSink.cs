using FastPool.Native.Process;

namespace FastPool.Logs;

/// <summary>The logfile. Opened when there is something to write, so that a rotated file appears with its first line.</summary>
/// <param name="cannotOpen">Ends the process: a pooler whose log is gone is not to go on in silence.</param>
public sealed class FileSink(Action<string, int> cannotOpen) : ILogSink
{
    private const int Closed = -1;

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
        int result = Descriptor.Open(Path, OpenFor.Append);
        if (result < 0)
        {
            cannotOpen(Path, result);
            return false;
        }

        _descriptor = result;
        return true;
    }
}
