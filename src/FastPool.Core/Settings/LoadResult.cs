namespace FastPool.Core.Settings;

/// <summary>The result of reading the configuration.</summary>
/// <param name="Settings">The new snapshot; null when it failed, and then nothing is to change.</param>
/// <param name="Messages">For the log, in order. On failure the last one says so: FATAL at start-up, WARNING at a reload.</param>
public readonly record struct LoadResult(Settings? Settings, IReadOnlyList<LogText> Messages);
