using FastPool.Base;

namespace FastPool.Core.Pools;

/// <summary>
/// A server connection as its pool sees it. It is also the letter by which it moves between loops: at most one such
/// move is under way, so posting it allocates nothing.
/// </summary>
public abstract class PooledServer : Letter, IChained<PooledServer>
{
    protected PooledServer(Pool pool, byte loop, long dialStartUs, bool isCloseNeeded = false)
    {
        Pool = pool;
        Loop = loop;
        DialStartUs = dialStartUs;
        Generation = isCloseNeeded ? pool.Generation - 1 : pool.Generation;
    }

    public Pool Pool { get; }

    /// <summary>
    /// The owner. Changes only while the server is on its way to a client of another loop: the old owner writes it
    /// last, then posts; the new one reads it after taking the letter.
    /// </summary>
    public byte Loop { get; set; }

    public long DialStartUs { get; }

    /// <summary>Last packet from the server. Written by the owner, before it submits the return.</summary>
    public long LastActivityUs { get; set; }

    /// <summary>The pool's generation at launch; an older one means close_needed.</summary>
    public int Generation { get; }

    /// <summary>The one client that it was opened for, and that it ends with; null: it serves all.</summary>
    public PoolClient? OnlyClient { get; protected set; }

    /// <summary>
    /// The address under which the database's only host name was found; null: it has an address of its own, or several hosts.
    /// </summary>
    public HostAddress? Origin { get; set; }

    /// <summary>
    /// Marked by RECONNECT, a changed configuration or a changed answer of the DNS: closed as soon as it is free.
    /// </summary>
    public bool IsCloseNeeded => Generation != Pool.Generation || Origin is { IsGone: true };

    /// <summary>
    /// It has sent a message that answers nothing: closed when it is looked at next. Written by its owner, read in the pool's
    /// turn.
    /// </summary>
    public bool IsDirty => Volatile.Read(ref _isDirty); // Pairs: MarkDirty.

    public void MarkDirty() => Volatile.Write(ref _isDirty, true); // Pairs: IsDirty.

    public ServerState State { get; internal set; } = ServerState.Login;

    /// <summary>
    /// The work to do where the server arrives, when the server itself is posted: Leave, Arrive, Check or Close. Written by the
    /// sender before posting.
    /// </summary>
    public ServerEvent Errand { get; set; }

    /// <summary>The client at the end of the errand, or null.</summary>
    public PoolClient? ErrandClient { get; set; }

    /// <summary>The reason for a closing errand.</summary>
    public string ErrandReason { get; set; } = "";

    private bool _isDirty;

    // Mover-held from here.
    private ChainPlace<PooledServer> _place;

    ref ChainPlace<PooledServer> IChained<PooledServer>.Place => ref _place;

    internal PooledServer? Newer => _place.Newer;

    /// <summary>The list of free servers that it stands in; null: in none.</summary>
    internal Chain<PooledServer>? List => _place.Chain;

    internal PoolClient? Grantee;
    internal SharedLimit? PromisedTo;
    internal long TestSinceUs;
    internal bool IsTestSlow;
}
