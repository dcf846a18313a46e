using FastPool.Base;
using FastPool.Core.Settings;
using FastPool.Native;
using FastPool.Native.Process;
using Microsoft.Extensions.Logging;

namespace FastPool.Logs;

/// <summary>
/// The log: where lines of all threads become one after another. Each is built under the lock and leaves in one write, so that
/// no reader sees half of one. While the process starts it is written at once; from <see cref="WriteBehind"/> on by a thread
/// of its own, and no thread waits for a sink. Every category is the same logger, because the log's format has no place for a
/// category. It is its own factory: LoggerFactory of Microsoft.Extensions.Logging brings dependency injection and options
/// along, 2.27 → 3.01 MB.
/// </summary>
public sealed class PoolerLog : ILoggerProvider, ILoggerFactory
{
    private readonly object _gate = new(); // Of the kind that can be waited on.
    private readonly LocalClock _clock = new();
    private readonly LineBuilder _builder = new(Identity.Pid);
    private readonly byte[] _stamp = new byte[LocalClock.BytesMax];
    private readonly FileSink _file;
    private readonly SyslogSink _syslog = new();
    private readonly Action<int> _exit;
    private readonly PoolerLogger _logger;
    private readonly Clock _wallClock = new SystemClock();
    private JsonLine? _json; // Null: lines are text. Under the gate.
    private LogQueue? _queue; // Null: lines are written at once.
    private ILogSink? _stderr; // Null when quiet or in the background.
    private volatile LogLevel _least = LogLevel.Information; // Written by a reload or SET, read by every thread that logs.

    /// <param name="stderr">Null: quiet.</param>
    /// <param name="exit">Ends the process with a status, when the logfile cannot be opened. It must not log.</param>
    public PoolerLog(ILogSink? stderr, Action<int> exit)
    {
        _stderr = stderr;
        _exit = exit;
        _file = new FileSink(CannotOpen);
        _logger = new PoolerLogger(this);
    }

    /// <summary>Lines less severe are dropped before their text is made.</summary>
    public bool IsEnabled(LogLevel level) => level >= _least && level != LogLevel.None;

    public ILogger CreateLogger(string categoryName) => _logger;

    /// <summary>There is one provider, this.</summary>
    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    /// <summary>One line into every sink.</summary>
    /// <param name="level">How severe.</param>
    /// <param name="text">One char a byte.</param>
    public void Write(LogLevel level, string text)
    {
        lock (_gate)
        {
            var line = Build(level, text);
            if (_queue is null) Write(line);
            else _queue.Add(EntryOf(line));
        }

        if (level == LogLevel.Critical) Flush();
    }

    private LogLine Build(LogLevel level, string text) =>
        _json is { } json ? json.Build(_wallClock.WallUs, level, text) : BuildText(level, text);

    private LogLine BuildText(LogLevel level, string text) => _builder.Build(_stamp.AsSpan(0, _clock.Write(_stamp)), level, text);

    private static LogEntry EntryOf(in LogLine line) =>
        new(line.Level, line.Whole.ToArray(), line.Whole.Length - 1 - line.Text.Length, null);

    private void Write(in LogLine line)
    {
        _stderr?.Write(line);
        _file.Write(line);
        _syslog.Write(line);
    }

    // ---- behind -----------------------------------------------------------------------------------------------------

    /// <summary>From now on no thread waits for a line to be written.</summary>
    public void WriteBehind()
    {
        lock (_gate)
        {
            if (_queue is not null) return;
            _queue =
                new LogQueue(_gate, Write, count =>
                EntryOf(Build(LogLevel.Warning, $"dropped {count} log lines, the log takes them too slowly")));
            _queue.Start();
        }
    }

    private void Write(LogEntry entry)
    {
        if (entry.Action is { } action) action();
        else Write(entry.Line);
    }

    /// <summary>Lines that the sinks did not take in time.</summary>
    internal long DroppedCount
    {
        get
        {
            lock (_gate) return _queue?.DroppedCount ?? 0;
        }
    }

    /// <summary>Waits until what has been said is written; not for ever. Any thread.</summary>
    public void Flush() => _queue?.Flush();

    /// <summary>Something is done with the sinks, between the lines before it and those after it.</summary>
    private void InOrder(Action action)
    {
        lock (_gate)
        {
            if (_queue is null) action();
            else _queue.Add(new LogEntry(LogLevel.None, [], 0, action));
        }
    }

    // ---- settings ---------------------------------------------------------------------------------------------------

    /// <summary>Verbosity holds at once; the names of file and syslog when they are next opened.</summary>
    public void Apply(Settings settings)
    {
        _least = LevelWords.Least(settings.Verbose);
        lock (_gate) _json = settings.Own.LogsJson ? _json ?? new JsonLine(Identity.Pid) : null;
        InOrder(() =>
        {
            _file.Path = settings.Logfile;
            (_syslog.Ident, _syslog.Facility, _syslog.IsWanted) =
                (settings.SyslogIdent, settings.SyslogFacility, settings.Syslog);
        });
    }

    /// <summary>The verbosity before there are settings.</summary>
    public void Apply(int verbose) => _least = LevelWords.Least(verbose);

    /// <summary>Closes file and syslog; the next line opens them. This is how logs are rotated.</summary>
    public void Reopen() => InOrder(() =>
    {
        _file.Reopen();
        _syslog.Reopen();
    });

    /// <summary>From now on the log is not on stderr: this process is in the background.</summary>
    public void LeaveStderr() => InOrder(() => _stderr = null);

    public void Dispose() => Reopen();

    /// <summary>
    /// Goes to stderr even when quiet, because there is no other place to say it. The pid has no brackets here.
    /// </summary>
    private void CannotOpen(string path, int errno)
    {
        Span<byte> stamp = stackalloc byte[LocalClock.BytesMax];
        string when;
        lock (_gate) when = ByteText.Of(stamp[.._clock.Write(stamp)]);
        var text = $"{when} {Identity.Pid} FATAL Cannot open logfile: '{path}': {Errno.Text(errno)}\n";
        _ = Descriptor.Write(Descriptor.Stderr, CText.Of(text).AsSpan()[..^1]);
        _exit(1);
    }
}
