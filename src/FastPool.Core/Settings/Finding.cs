namespace FastPool.Core.Settings;

/// <summary>Something that is wrong with a configuration, or probably not meant.</summary>
/// <param name="IsError">A start or a reload would fail with it.</param>
/// <param name="File">Where it stands.</param>
/// <param name="Line">From 1; 0: the file as a whole.</param>
/// <param name="Text">The fault.</param>
/// <param name="Remedy">The way out; empty: the text says it.</param>
public sealed record Finding(bool IsError, string File, int Line, string Text, string Remedy);
