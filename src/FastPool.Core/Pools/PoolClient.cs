namespace FastPool.Core.Pools;

/// <summary>
/// A client as its pool sees it. The first block belongs to the client's loop, the second to the thread that has the pool's
/// turn.
/// </summary>
public abstract class PoolClient : IChained<PoolClient>
{
    protected PoolClient(byte loop, long connectUs)
    {
        Loop = loop;
        ConnectUs = connectUs;
    }

    /// <summary>When the connection was accepted.</summary>
    public long ConnectUs { get; }

    /// <summary>The loop whose thread alone touches this client.</summary>
    public byte Loop { get; }

    public ClientState State { get; set; }

    public Pool? Pool { get; set; }

    /// <summary>It shares no server: one is opened for it and ends with it (replication).</summary>
    public virtual bool NeedsOwnServer => false;

    /// <summary>When the present wait began; 0 when not waiting. Written before the wait is submitted.</summary>
    public long WaitStartUs { get; set; }

    // Mover-held from here.
    private ChainPlace<PoolClient> _place;

    ref ChainPlace<PoolClient> IChained<PoolClient>.Place => ref _place;

    /// <summary>The client that came next to the same queue.</summary>
    internal PoolClient? Newer => _place.Newer;

    /// <summary>Where it waits; null: it does not.</summary>
    internal Chain<PoolClient>? Queue => _place.Chain;

    internal bool HasLeft;
    internal bool IsWithdrawn;
    internal bool IsNotified;
    internal bool AwaitsWelcome;
    internal bool IsDialed;
}
