using FastPool.Native.Process;
using Microsoft.Extensions.Logging;

namespace FastPool.Logs;

/// <summary>syslog: the text alone, LOG and what is more severe.</summary>
public sealed class SyslogSink : ILogSink
{
    private bool _isOpen;

    /// <summary>The setting syslog.</summary>
    public bool IsWanted { get; set; }

    /// <summary>Takes effect when the log is next opened, as <see cref="Facility"/> does.</summary>
    public string Ident { get; set; } = "";

    public string Facility { get; set; } = "";

    public void Write(in LogLine line)
    {
        if (!IsWanted || line.Level < LogLevel.Information) return;
        if (!_isOpen) Syslog.Open(Ident, SyslogFacility.Of(Facility));
        _isOpen = true;
        Syslog.Write(LevelWords.SyslogPriority(line.Level), line.Text);
    }

    public void Reopen()
    {
        if (_isOpen) Syslog.Close();
        _isOpen = false;
    }
}
