namespace FastPool.Core.Pools;

/// <summary>
/// A client as its pool sees it. The first block belongs to the client's loop, the second to the thread that has the pool's
/// turn.
/// </summary>
public abstract class PoolClient : IChained<PoolClient>
{
    private byte _loop;
    private bool _isOnTheWay;

    protected PoolClient(byte loop, long connectUs)
    {
        _loop = loop;
        ConnectUs = connectUs;
    }

    /// <summary>When the connection was accepted.</summary>
    public long ConnectUs { get; }

    /// <summary>
    /// The loop whose thread alone touches this client, or to which it is on its way. It stays where it is while it waits, and
    /// when it is closed.
    /// </summary>
    public byte Loop => Volatile.Read(ref _loop); // Pairs: BeginMove.

    /// <summary>It has not come to its loop yet: nobody may touch it.</summary>
    public bool IsOnTheWay => Volatile.Read(ref _isOnTheWay); // Pairs: BeginMove, EndMove.

    /// <summary>Whether the thread of that loop may touch it. On that thread the answer is good until the work is done.</summary>
    public bool IsOn(int loop) => Loop == loop && !IsOnTheWay;

    /// <summary>It leaves its loop for that one.</summary>
    protected void BeginMove(byte loop)
    {
        Volatile.Write(ref _isOnTheWay, true); // Pairs: IsOn: who sees the new loop sees this too.
        Volatile.Write(ref _loop, loop);
    }

    /// <summary>It has come there.</summary>
    protected void EndMove() => Volatile.Write(ref _isOnTheWay, false); // Pairs: IsOnTheWay.

    public ClientState State { get; set; }

    /// <summary>A request with it cancels its query; 0: it has none yet. Given by <see cref="CancelKeys"/>.</summary>
    public ulong CancelKey { get; internal set; }

    /// <summary>The next in the same chain of <see cref="CancelKeys"/>, and under its lock.</summary>
    internal PoolClient? NextOfKeys;

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
