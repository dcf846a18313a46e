namespace FastPool.Core.Settings;

/// <summary>The choice of session_warning: who hears of a client that uses what transaction pooling breaks.</summary>
public enum SessionWarningMode : byte
{
    Off,

    /// <summary>The log has a line for each such client.</summary>
    Log,

    /// <summary>And the client itself gets a notice, once.</summary>
    Notice,
}

/// <summary>The words of session_warning.</summary>
public static class SessionWarningWords
{
    public static WordTable<SessionWarningMode> Words { get; } = new(
        ("off", SessionWarningMode.Off),
        ("log", SessionWarningMode.Log),
        ("notice", SessionWarningMode.Notice));
}
