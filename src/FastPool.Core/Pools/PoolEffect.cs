namespace FastPool.Core.Pools;

public enum PoolEffectKind : byte
{
    /// <summary>The server is the client's: link them.</summary>
    Grant,
    /// <summary>The pool knows the server's parameters: welcome the client.</summary>
    Welcome,
    /// <summary>Disconnect the waiting client with the refusal.</summary>
    Refuse,
    /// <summary>The waiting client is in no queue any more, as it wanted.</summary>
    Withdrawn,
    /// <summary>Tell the waiting client that it is queued (query_wait_notify).</summary>
    Notify,
    /// <summary>Open a server connection on the named loop, for the client alone if one is named.</summary>
    Dial,
    /// <summary>The owner of a login that gets no answer gives it up for the next host, if that is any better.</summary>
    TryElsewhere,
    /// <summary>The owner runs the check query, or the one that is named.</summary>
    RunCheck,
    /// <summary>The owner closes the server.</summary>
    Close,
    /// <summary>A pool that holds a place under the limit should give up an idle server.</summary>
    MakeRoom,
    /// <summary>A place under the limit is free: the first pool of its queue is to be told.</summary>
    RoomMade,
}

/// <summary>A pool's decision that a loop must carry out, once the pool's turn is over.</summary>
public readonly record struct PoolEffect(PoolEffectKind Kind, Pool Pool, PoolClient? Client = null, PooledServer? Server = null,
    object? Detail = null, byte Loop = 0);

/// <summary>Why a waiting client is disconnected: the text it gets, with SQLSTATE.</summary>
/// <param name="Detail">The cause behind it, for clients that may know (error_details); null: nothing more is known.</param>
public sealed record Refusal(string Message, string SqlState = "08P01", string? Detail = null);

/// <summary>A failed server login, as the pool judges it.</summary>
/// <param name="Reason">The reason text.</param>
/// <param name="ForWaiters">The error for clients that wait, when a retry cannot help; else null.</param>
public sealed record LoginFailure(string Reason, Refusal? ForWaiters)
{
    private const int ReasonCharsMax = 99;

    /// <summary>The server lives, and is not in the role that is wanted.</summary>
    public bool IsOfRole { get; init; }

    /// <summary>
    /// A host that lives may come to be in the role that is wanted: clients that come now wait for that, as the others do.
    /// </summary>
    public bool MayPass { get; init; }

    /// <summary>The place of the failure, and all that is known of it.</summary>
    public string? Detail { get; init; }

    /// <summary>Of several hosts: the last error of each; null: there is one host.</summary>
    public string? OfEachHost { get; init; }

    /// <summary>Later clients are told this at once, while logins fail.</summary>
    public string CachedReason => OfEachHost ?? Cut(Reason);

    /// <summary>As much of a host's error as clients are told.</summary>
    public static string Cut(string reason) => reason.Length > ReasonCharsMax ? reason[..ReasonCharsMax] : reason;

    /// <summary>The time from which the first of several hosts may be tried again; 0: server_login_retry alone says.</summary>
    public long RetryAtUs { get; init; }
}

/// <summary>A loop as the pools see it.</summary>
public interface IPoolHost
{
    byte Loop { get; }

    long NowUs { get; }

    /// <summary>Queues a decision; the loop carries it out after the pool's turn, never inside it.</summary>
    void Add(in PoolEffect effect);

    /// <summary>Spare node for an operation that another thread will run.</summary>
    PoolOperation Rent();

    void Return(PoolOperation operation);

    /// <summary>
    /// Calls <see cref="Pool.OnTimer"/> on this loop then, or earlier. One time a pool: the earliest counts. Called in the pool's
    /// turn.
    /// </summary>
    void SetTimer(Pool pool, long atUs);

    /// <summary>
    /// An operation that another thread had left has failed: the client or server that it was about is to be closed. Called in
    /// the pool's turn.
    /// </summary>
    void OnFailed(Exception failure, PoolClient? client, PooledServer? server);
}
