using FastPool.Base;
using FastPool.Core.Settings;

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
        _target = pool.Database.Entry.TargetSessionAttrs;
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
    /// The address under which the host's name was found; null: the host is named by its address.
    /// </summary>
    public HostAddress? Origin { get; set; }

    /// <summary>
    /// Marked by RECONNECT, a changed configuration or a changed answer of the DNS: closed as soon as it is free.
    /// </summary>
    public bool IsCloseNeeded => Generation != Pool.Generation || Origin is { IsGone: true } || IsMisplaced || IsLost
        || IsStandInNoMore;

    /// <summary>Where it is connected to; null: not known, for an earlier process has connected it.</summary>
    public Host? Place { get; set; }

    /// <summary>The database wants a server in another role than the one that this server's host is in by now.</summary>
    public bool IsMisplaced => Volatile.Read(ref _isMisplaced) // Pairs: MarkMisplaced.
        || (_target != TargetSessionAttrs.Any && Place is { } place && !_target.MayServe(place.Role));

    /// <summary>Since it was opened its host has not answered a check: the connection is likely to be dead.</summary>
    public bool IsLost => Place is { } place && place.LostUs > DialStartUs;

    /// <summary>
    /// The host that <c>load_balance_hosts=disable</c> prefers, and that was silent when this server was opened elsewhere; null:
    /// it is where it should be.
    /// </summary>
    public Host? StandsInFor { get; set; }

    /// <summary>The preferred host was only slow: it has let somebody in since this server was opened.</summary>
    private bool IsStandInNoMore => StandsInFor is { } preferred && preferred.LastLoginUs > DialStartUs;

    /// <summary>Its database is for sessions that write.</summary>
    public bool MustWrite => _target.Writes();

    /// <summary>It has said itself that it is of no use any more.</summary>
    public void MarkMisplaced() => Volatile.Write(ref _isMisplaced, true); // Pairs: IsMisplaced.

    /// <summary>Its host may be in another role by now, or down: that matters where a role is wanted.</summary>
    public void DoubtHost()
    {
        if (_target != TargetSessionAttrs.Any) Place?.Doubt();
    }

    /// <summary>Its host is in this role now.</summary>
    /// <returns>True: that was not known.</returns>
    public bool NoteRole(HostRole role, long nowUs)
    {
        var isOfUse = _target.MayServe(role);
        // A primary may have read-only sessions too. This one is no standby's any more: its next login tells.
        if (!isOfUse || (_target == TargetSessionAttrs.ReadOnly && role == HostRole.Primary)) MarkMisplaced();
        return Place?.NoteRole(role, nowUs) ?? !isOfUse;
    }

    /// <summary>The reason to close it when it is free.</summary>
    /// <param name="usual">The reason in the cases that PgBouncer has too.</param>
    public string CloseReason(string usual) => IsMisplaced ? "server is not in the role that is wanted"
        : IsLost ? "host did not answer a check" : IsStandInNoMore ? "preferred host answers" : usual;

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

    private readonly TargetSessionAttrs _target;
    private bool _isDirty;
    private bool _isMisplaced;

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
