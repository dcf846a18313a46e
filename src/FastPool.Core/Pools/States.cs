namespace FastPool.Core.Pools;

/// <summary>Where a client stands towards its pool.</summary>
public enum ClientState : byte
{
    /// <summary>Not logged in; in no pool.</summary>
    Login,
    /// <summary>Logged in, linked or idle.</summary>
    Active,
    /// <summary>In the pool's queue, for a server or for the welcome.</summary>
    Waiting,
    Closed,
}
