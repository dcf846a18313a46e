namespace FastPool.Core.Pools;

/// <summary>Where a server connection is; PgBouncer's names, as SHOW POOLS counts them (sv_*).</summary>
public enum ServerState : byte
{
    /// <summary>Connecting or logging in.</summary>
    Login,
    /// <summary>Ready for the next client.</summary>
    Idle,
    /// <summary>Idle longer than server_check_delay: needs the check query first.</summary>
    Used,
    /// <summary>Running the reset or the check query.</summary>
    Tested,
    /// <summary>Linked to a client, or on its way to one.</summary>
    Active,
    /// <summary>Done with its query, held back until cancel requests aimed at it are through.</summary>
    BeingCanceled,
    /// <summary>Told to close; its owner has not done so yet.</summary>
    Closing,
}

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
