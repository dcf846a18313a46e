using FastPool.Native.Process;

namespace FastPool.Logs;

/// <summary>stderr: whole lines. A reader that went away is no failure.</summary>
public sealed class StderrSink : ILogSink
{
    public void Write(in LogLine line) => _ = Descriptor.Write(Descriptor.Stderr, line.Whole);

    public void Reopen()
    {
    }
}
