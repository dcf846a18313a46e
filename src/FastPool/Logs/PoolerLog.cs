using FastPool.Core.Settings;
using FastPool.Native.Process;
using Microsoft.Extensions.Logging;

namespace FastPool.Logs;

/// <summary>
/// The log: where lines of all threads become one after another. Each is built under the lock and leaves in one write, so that no
/// reader sees half of one. Every category is the same logger, for the log's format has no place for a category.
/// It is its own factory: LoggerFactory of Microsoft.Extensions.Logging brings dependency injection and options along, 2.27 → 3.01 MB.
/// </summary>
public sealed class PoolerLog : ILoggerProvider, ILoggerFactory
{
    private readonly Lock _gate = new();
    private readonly LocalClock _clock = new();
    private readonly LineBuilder _builder = new(Identity.Pid);
    private readonly byte[] _stamp = new byte[LocalClock.BytesMax];
    private readonly FileSink _file;
    private readonly SyslogSink _syslog = new();
    private readonly Action<int> _exit;
    private readonly PoolerLogger _logger;
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
            var line = _builder.Build(_stamp.AsSpan(0, _clock.Write(_stamp)), level, text);
            _stderr?.Write(line);
            _file.Write(line);
            _syslog.Write(line);
        }
    }

    /// <summary>Verbosity holds at once; the names of file and syslog when they are next opened.</summary>
    public void Apply(Settings settings)
    {
        lock (_gate)
        {
            _least = LevelWords.Least(settings.Verbose);
            _file.Path = settings.Logfile;
            (_syslog.Ident, _syslog.Facility, _syslog.IsWanted) = (settings.SyslogIdent, settings.SyslogFacility, settings.Syslog);
        }
    }

    /// <summary>The verbosity before there are settings.</summary>
    public void Apply(int verbose) => _least = LevelWords.Least(verbose);

    /// <summary>Closes file and syslog; the next line opens them. This is how logs are rotated.</summary>
    public void Reopen()
    {
        lock (_gate)
        {
            _file.Reopen();
            _syslog.Reopen();
        }
    }

    /// <summary>From now on the log is not on stderr: this process is in the background.</summary>
    public void LeaveStderr()
    {
        lock (_gate) _stderr = null;
    }

    public void Dispose() => Reopen();

    /// <summary>Goes to stderr even when quiet, for there is nowhere else to say it. The pid has no brackets here.</summary>
    private void CannotOpen(string path, int errno)
    {
        Span<byte> stamp = stackalloc byte[LocalClock.BytesMax];
        string when = ByteText.Of(stamp[.._clock.Write(stamp)]);
        string text = $"{when} {Identity.Pid} FATAL Cannot open logfile: '{path}': {SystemError.Text(errno)}\n";
        _ = Descriptor.Write(Descriptor.Stderr, CText.Of(text).AsSpan()[..^1]);
        _exit(1);
    }
}
