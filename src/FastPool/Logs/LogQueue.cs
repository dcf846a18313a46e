using Microsoft.Extensions.Logging;

namespace FastPool.Logs;

/// <summary>
/// Lines on their way to the sinks, written in their order by a thread of its own: a pipe without a reader, or a slow disk,
/// holds up that thread alone. There is an end to what waits; lines beyond it are dropped and counted, and a line in their
/// place says so.
/// </summary>
/// <param name="gate">The caller of each method but <see cref="Flush"/> holds it.</param>
/// <param name="write">Writes one entry; may take long.</param>
/// <param name="lineOfDropped">The line that stands for so many others.</param>
internal sealed class LogQueue(object gate, Action<LogEntry> write, Func<long, LogEntry> lineOfDropped)
{
    /// <summary>Some seconds of a busy log.</summary>
    internal const int BytesMax = 1024 * 1024;

    /// <summary>The end of the process waits so long for a sink that takes nothing.</summary>
    private const int PatienceMs = 1000;

    private readonly Queue<LogEntry> _entries = new();
    private Thread? _thread;
    private int _bytes;
    private long _dropped;
    private long _written;
    private bool _isWriting;

    /// <summary>Since the start.</summary>
    internal long DroppedCount { get; private set; }

    internal void Start()
    {
        _thread = new Thread(Work) { Name = "log", IsBackground = true };
        _thread.Start();
    }

    internal void Add(LogEntry entry)
    {
        if (entry.MayBeDropped && _bytes + entry.Whole.Length > BytesMax)
        {
            _dropped++;
            DroppedCount++;
            return;
        }

        AddLineOfDropped();
        Enqueue(entry);
    }

    /// <summary>Waits until all is written, or until the sinks have taken nothing for a while.</summary>
    internal void Flush()
    {
        if (Thread.CurrentThread == _thread) return;
        lock (gate)
        {
            long before = -1;
            while ((_entries.Count > 0 || _isWriting) && before != _written)
            {
                before = _written;
                var until = Environment.TickCount64 + PatienceMs;
                while ((_entries.Count > 0 || _isWriting) && before == _written && until > Environment.TickCount64)
                    Monitor.Wait(gate, (int)Math.Max(1, until - Environment.TickCount64));
            }
        }
    }

    private void AddLineOfDropped()
    {
        if (_dropped == 0) return;
        var line = lineOfDropped(_dropped);
        _dropped = 0;
        Enqueue(line);
    }

    private void Enqueue(LogEntry entry)
    {
        _bytes += entry.Whole.Length;
        _entries.Enqueue(entry);
        Monitor.PulseAll(gate);
    }

    private void Work()
    {
        while (true)
        {
            var entry = Take();
            try
            {
                write(entry);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // A line that cannot be written is lost, and not the process.
            }

            lock (gate)
            {
                _isWriting = false;
                _written++;
                if (_entries.Count == 0) AddLineOfDropped();
                Monitor.PulseAll(gate);
            }
        }
    }

    private LogEntry Take()
    {
        lock (gate)
        {
            while (_entries.Count == 0) Monitor.Wait(gate);
            var entry = _entries.Dequeue();
            _bytes -= entry.Whole.Length;
            _isWriting = true;
            return entry;
        }
    }
}

/// <summary>A line that waits, or something that is to be done with the sinks when the lines before it are written.</summary>
/// <param name="Whole">See <see cref="LogLine.Whole"/>; empty: no line.</param>
/// <param name="TextStart">Where the text begins in it; it ends with the last byte but one.</param>
/// <param name="Action">Null: it is a line.</param>
internal readonly record struct LogEntry(LogLevel Level, byte[] Whole, int TextStart, Action? Action)
{
    internal bool MayBeDropped => Action is null && Level != LogLevel.Critical;

    internal LogLine Line => new(Level, Whole, Whole.AsSpan(TextStart..^1));
}
