namespace FastPool.Core.Pools;

public enum PoolOperationKind : byte
{
    Join,
    AwaitWelcome,
    Acquire,
    Leave,
    Withdraw,
    AdoptLinked,
    AdoptIdle,
    LoginDone,
    LoginFailed,
    LoginSlow,
    LoginMayWork,
    Return,
    Arrived,
    BeginTest,
    CheckHost,
    BeginCancelWait,
    Remove,
    Evict,
    TakeRoom,
    Serve,
    Tick,
    Timer,
    Drain,
}

/// <summary>An operation on a pool that found the pool busy and waits for the thread at it.</summary>
public sealed class PoolOperation
{
    internal PoolOperation? Next;

    /// <summary>Link of a loop's spare ones.</summary>
    public PoolOperation? NextSpare { get; set; }

    internal PoolOperationKind Kind;
    internal PoolClient? Client;
    internal PooledServer? Server;
    internal object? Detail;
}
