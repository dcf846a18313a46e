namespace FastPool.Core.Sessions;

/// <summary>How far a canceled request is read past.</summary>
public enum CanceledRequest : byte
{
    None,
    /// <summary>The next message says how far.</summary>
    Begin,
    /// <summary>Up to a Sync, as behind an error of the extended protocol.</summary>
    Segment,
    /// <summary>The present message is its last.</summary>
    LastMessage,
}
