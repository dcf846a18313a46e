namespace FastPool.Core.Settings;

/// <summary>The choice of session_state: whether the state of a client's session goes with it from server to server.</summary>
public enum SessionStateMode : byte
{
    /// <summary>As PgBouncer: it stays on the server.</summary>
    Off,

    /// <summary>It is kept. The server is asked after a transaction in which something may have been set.</summary>
    Keep,

    /// <summary>It is kept. The server is asked after each transaction.</summary>
    Always,
}

/// <summary>The words of session_state.</summary>
public static class SessionStateWords
{
    public static WordTable<SessionStateMode> Words { get; } = new(
        ("off", SessionStateMode.Off),
        ("keep", SessionStateMode.Keep),
        ("always", SessionStateMode.Always));
}
