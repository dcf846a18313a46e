namespace FastPool.Life;

/// <summary>The start cannot go on. The text is the FATAL line, the process ends with status 1.</summary>
internal sealed class FatalError(string text) : Exception(text);
