namespace FastPool.Simulation.Postgres;

/// <summary>A fault that a test plants in the servers, to see that the checkers find it.</summary>
internal enum Leak
{
    None,

    /// <summary>The pooler's commands take nothing away.</summary>
    Undo,

    /// <summary>The pooler's commands bring nothing.</summary>
    Set,

    /// <summary>DISCARD ALL of the pooler's does nothing.</summary>
    Discard,

    /// <summary>The answer to the question leaves out the settings.</summary>
    Settings,

    /// <summary>The answer leaves out what is prepared.</summary>
    Prepared,

    /// <summary>The answer leaves out what cannot travel.</summary>
    Pins,

    /// <summary>The answer leaves out the variables that are not reported.</summary>
    Unreported,

    /// <summary>A change of a reported variable is not told.</summary>
    Report,
}
