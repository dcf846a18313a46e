namespace FastPool.Logs;

/// <summary>Somewhere that lines go. The log calls one thread at a time; a call may take long.</summary>
public interface ILogSink
{
    void Write(in LogLine line);

    /// <summary>Lets go of what is open: the next line opens it again, by then perhaps under another name.</summary>
    void Reopen();
}
