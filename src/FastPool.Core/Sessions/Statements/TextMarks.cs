namespace FastPool.Core.Sessions;

/// <summary>The outcome of a look at a statement's text, so that a Bind need not look again.</summary>
[Flags]
internal enum TextMarks : byte
{
    None = 0,

    /// <summary>DEALLOCATE ALL or DISCARD ALL.</summary>
    Drops = 1,

    /// <summary>RESET or DISCARD ALL, of something that the client gave at its login.</summary>
    Resets = 2,

    /// <summary>It may change the state of the session.</summary>
    LeavesState = 4,

    /// <summary>Nobody has looked whether it <see cref="LeavesState"/>.</summary>
    Untraced = 8,

    /// <summary>Nobody has looked at all.</summary>
    Unknown = 16,
}
