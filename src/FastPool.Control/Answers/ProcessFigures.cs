namespace FastPool.Control.Answers;

/// <summary>The process as the system sees it, and what it has done beside serving. Zero: not known.</summary>
public readonly record struct ProcessFigures
{
    public double CpuSeconds { get; init; }
    public long ResidentBytes { get; init; }
    public long VirtualBytes { get; init; }
    public long Threads { get; init; }
    public long OpenDescriptors { get; init; }
    public long MaxDescriptors { get; init; }
    /// <summary>Since 1970.</summary>
    public double StartSeconds { get; init; }
    public long ReloadsDone { get; init; }
    public long ReloadsFailed { get; init; }
    /// <summary>The last one failed: what is in the files is not what is in force.</summary>
    public bool IsLastReloadBad { get; init; }
    /// <summary>Since 1970; of the last one that succeeded, or of the start.</summary>
    public double LoadedSeconds { get; init; }
    public long LogLinesDropped { get; init; }
}
