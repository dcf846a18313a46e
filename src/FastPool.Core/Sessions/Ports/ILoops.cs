using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions.Handover;

namespace FastPool.Core.Sessions;

/// <summary>The loops, as the control plane sees them: work is posted, nothing is touched from outside.</summary>
public interface ILoops
{
    int Count { get; }

    /// <summary>For passing sockets on to another process.</summary>
    IDescriptorSource Descriptors { get; }

    /// <summary>Bytes of results that are held for slow clients, of all loops (result_buffer_total). Any thread.</summary>
    long HeldResultBytes { get; }

    /// <summary>
    /// No client leaves for another loop from now on. Once none is on its way (<see cref="AreClientsOnTheWay"/>) each is in the
    /// list of its loop. Any thread; <see cref="LetClientsGo"/> follows.
    /// </summary>
    void HoldClients()
    {
    }

    /// <summary>The end of one <see cref="HoldClients"/>.</summary>
    void LetClientsGo()
    {
    }

    /// <summary>Some client may be in the list of no loop.</summary>
    bool AreClientsOnTheWay => false;

    /// <summary>
    /// Runs the action on the loop's own thread, soon. The effects that pools added to the host are carried out after it.
    /// </summary>
    void Post(int loop, Action<ILoopView> action);
}

/// <summary>A list that changes, and can say cheaply what it is now.</summary>
public interface ISnapshotList<out T> : IReadOnlyList<T>
{
    /// <summary>The same for ever, to be read on the same thread.</summary>
    IReadOnlyList<T> Snapshot();
}

/// <summary>A loop's connections, on its own thread.</summary>
public interface ILoopView
{
    int Loop { get; }

    long NowUs { get; }

    /// <summary>For operations on pools: any pool, whichever loops its servers belong to.</summary>
    IPoolHost Host { get; }

    /// <summary>Those in login and those that brought a cancel request too.</summary>
    IReadOnlyList<ClientSession> Clients { get; }

    IReadOnlyList<ServerSession> Servers { get; }

    /// <summary>Cancel requests under way; their clients are in <see cref="Clients"/> as well.</summary>
    IReadOnlyList<CancelView> Cancels => [];

    /// <summary>Peers that a cancel request was forwarded to since the start, by id.</summary>
    IReadOnlyCollection<int> PeersUsed => [];

    /// <summary>Listening sockets, in the order of their creation; the same for every loop that shares them.</summary>
    IReadOnlyList<ListenerView> Listeners => [];

    /// <summary>The loop's work since the start.</summary>
    LoopFigures Figures { get; }

    /// <summary>TLS connections whose records are the pooler's own, and the library's.</summary>
    (int Own, int Library) TlsCounts => (0, 0);

    /// <summary>CPU time of the loop's thread since the start, microseconds.</summary>
    long BusyUs => 0;

    /// <summary>It accepts newcomers; otherwise it rests.</summary>
    bool IsInUse => true;

    SafetyTable Safety { get; }

    EndingTable Endings { get; }

    /// <summary>Disconnects the client; the message is sent as FATAL. Without effect on one that is gone already.</summary>
    void Close(ClientSession client, string reason);

    /// <summary>
    /// Without effect on one that is gone already. One that is still logging in leaves its pool by <see cref="Pool.Remove"/>:
    /// a deliberate close is no failed login.
    /// </summary>
    void Close(ServerSession server, string reason);

    /// <summary>
    /// Stops accepting and parks what has nothing buffered; closes used and tested servers with
    /// <c>close unsafe file descriptors on suspend</c>. Called again until it returns true. Console sessions go on.
    /// </summary>
    /// <param name="closeReason">Not null once suspend_timeout is over: connections that are not parked, or still in login,
    /// are closed with this.</param>
    /// <returns>True when all is parked.</returns>
    bool TrySuspend(string? closeReason);

    /// <summary>Stops accepting; all other connections go on.</summary>
    /// <returns>True when no login and no cancel request is under way.</returns>
    bool TryEndLogins();

    /// <summary>
    /// Everything stands still where it is, in the middle of messages too, for a process of our own kind to go on with;
    /// logins end with <c>suspend_timeout</c>. To be called while <see cref="PoolerState.IsFrozen"/>, again until it returns
    /// true.
    /// </summary>
    /// <param name="closeReason">Not null once suspend_timeout is over: what does not settle is closed with this.</param>
    /// <param name="mayFinish">A client in a transaction on a server that cannot be handed over goes on: after it, the client can
    /// be.</param>
    bool TryFreeze(string? closeReason, bool mayFinish);

    /// <summary>Adds what stands still and what another process can go on with.</summary>
    void HandOver(HandedState state);

    /// <summary>
    /// The process that was to have the connections has not come to that: TLS keys that were given are used here again. On every
    /// loop before the first goes on, for a connection may move between loops from then on.
    /// </summary>
    void TakeBackKeys();

    /// <summary>Accepts again and takes up every parked socket.</summary>
    void Resume();

    /// <summary>Clients that stand still here and that <see cref="HandOver"/> passes over.</summary>
    int CountLeftBehind();

    /// <summary>
    /// Another process has what was handed over: lets go of that without a word, and of the console's sessions. The others go on.
    /// </summary>
    void Retire();

    /// <summary>After <see cref="Retire"/>: tells clients that are idle, and closes them.</summary>
    /// <returns>How many are left.</returns>
    int EndIdle();

    /// <summary>
    /// The process is about to end: tells clients, and closes them. Sessions of the console, from where it may have been ended,
    /// go with it.
    /// </summary>
    /// <param name="permille">So many of a thousand, the same first each time, and only those between two transactions. Null:
    /// all, whatever they do.</param>
    /// <returns>How many are left.</returns>
    int Drain(int? permille);
}
