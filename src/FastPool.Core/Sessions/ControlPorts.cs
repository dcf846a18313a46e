using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions.Handover;

namespace FastPool.Core.Sessions;

/// <summary>The admin console, as a loop sees it: it takes a query and answers later, from any thread.</summary>
public interface IConsole
{
    /// <summary>What a client of the console is welcomed with, ReadyForQuery included. After it has entered its pool.</summary>
    byte[] Welcome(ClientSession client);

    /// <summary>
    /// The error for a message other than Query, ReadyForQuery included; the client is disconnected after it, with
    /// <c>bad packet</c> as FATAL.
    /// </summary>
    byte[] RefuseMessage(ClientSession client, byte type);

    /// <summary>
    /// Runs the query text of a console client (one char a byte, without the NUL and what follows it). The reply's last
    /// method follows, now, later or, for SHUTDOWN, never. A client whose PAUSE waits may send further queries.
    /// </summary>
    void Execute(ClientSession client, string query, IConsoleReply reply);

    /// <summary>
    /// A message of the extended protocol, with console_extended on; Terminate and Query are not among them. The reply's
    /// last method follows each, perhaps with no bytes.
    /// </summary>
    void ExecuteExtended(ClientSession client, byte type, byte[] body, IConsoleReply reply);

    /// <summary>A cancel request aimed at a console client: ends what it waits for and a global PAUSE or SUSPEND.</summary>
    void Cancel(ClientSession client);

    /// <summary>The client is gone; what it waits for need not be answered.</summary>
    void Forget(ClientSession client);
}

/// <summary>Where an answer of the console goes. Any thread; without effect once the client is gone.</summary>
public interface IConsoleReply
{
    /// <summary>Messages for the client; more follow, in parts of some ten kilobytes each. The bytes are the callee's from now on.</summary>
    void Part(ReadOnlyMemory<byte> messages);

    /// <summary>The last messages for the client, ReadyForQuery included. The bytes are the callee's from now on.</summary>
    void Answer(ReadOnlyMemory<byte> messages);

    /// <summary>Messages with descriptors: each goes out by itself, and only over a Unix socket, whose reader may take his time.</summary>
    /// <param name="messages">In order.</param>
    /// <param name="copies">Their descriptors, the callee's from now on: it disposes of them when they are sent, or will not be.</param>
    void Send(IReadOnlyList<DescriptorMessage> messages, DescriptorCopies copies);

    /// <summary>Disconnects the client with the reason as FATAL.</summary>
    void Disconnect(string reason);
}

/// <summary>A message that descriptors go along with: of <see cref="DescriptorCopies"/>.</summary>
public sealed record DescriptorMessage(byte[] Bytes, int[] Descriptors);

/// <summary>The loops, as the control plane sees them: work is posted, nothing is touched from outside.</summary>
public interface ILoops
{
    int Count { get; }

    /// <summary>For those who pass sockets on to another process.</summary>
    IDescriptorSource Descriptors { get; }

    /// <summary>Runs the action on the loop's own thread, soon. The effects that pools added to the host are carried out after it.</summary>
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

    /// <summary>What the loop has done since the start.</summary>
    LoopFigures Figures { get; }

    /// <summary>CPU time of the loop's thread since the start, microseconds.</summary>
    long BusyUs => 0;

    SafetyTable Safety { get; }

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
    /// <param name="closeReason">Not null once suspend_timeout is over: what is not parked, and who is in login, is closed with this.</param>
    /// <returns>True when all is parked.</returns>
    bool TrySuspend(string? closeReason);

    /// <summary>Stops accepting; everybody else goes on.</summary>
    /// <returns>True when no login and no cancel request is under way.</returns>
    bool TryEndLogins();

    /// <summary>
    /// Everything stands still where it is, in the middle of messages too, for a process of our own kind to go on with;
    /// logins end with <c>suspend_timeout</c>. To be called while <see cref="PoolerState.IsFrozen"/>, again until it returns true.
    /// </summary>
    /// <param name="closeReason">Not null once suspend_timeout is over: what does not settle is closed with this.</param>
    /// <param name="mayFinish">A client in a transaction on a server that cannot be handed over goes on: after it, the client can be.</param>
    bool TryFreeze(string? closeReason, bool mayFinish);

    /// <summary>Adds what stands still and what another process can go on with.</summary>
    void HandOver(HandedState state);

    /// <summary>Accepts again and takes up every parked socket.</summary>
    void Resume();

    /// <summary>Clients that stand still here and that <see cref="HandOver"/> passes over.</summary>
    int CountLeftBehind();

    /// <summary>Another process has what was handed over: lets go of that without a word, and of the console's sessions. The others go on.</summary>
    void Retire();

    /// <summary>After <see cref="Retire"/>: tells clients that are idle, and closes them.</summary>
    /// <returns>How many are left.</returns>
    int EndIdle();
}

/// <summary>What a loop has done since the start. Its own thread counts and reads.</summary>
public sealed class LoopFigures
{
    /// <summary>Turns of the loop: each is one wait for events.</summary>
    public long WakeUps;
    /// <summary>Messages that clients sent to servers.</summary>
    public long ClientMessages;
    /// <summary>Messages that servers sent, rows included.</summary>
    public long ServerMessages;
    /// <summary>Bytes received from clients.</summary>
    public long ClientBytes;
    /// <summary>Bytes received from servers.</summary>
    public long ServerBytes;
    /// <summary>Servers that came from other loops.</summary>
    public long Takeovers;
    /// <summary>Sends that left together with others, by io_uring.</summary>
    public long SendsTogether;
    /// <summary>Mistakes of our own that were thrown and contained. Each has a line in the log.</summary>
    public long BrokenInvariants;
}

/// <summary>A cancel request between its arrival and its delivery.</summary>
/// <param name="Client">The connection that brought it.</param>
/// <param name="Pool">Of the client whose query is to be canceled; null: the request is for a peer.</param>
/// <param name="PeerId">0: not for a peer.</param>
/// <param name="Carrier">The connection that carries it; null: it still waits for one.</param>
public readonly record struct CancelView(ClientSession Client, Pool? Pool, int PeerId, CancelCarrier? Carrier);

/// <summary>A server connection opened to deliver one cancel request.</summary>
/// <param name="Id">Serial number over clients and servers.</param>
/// <param name="IsConnecting">Not connected yet, so the request has not been sent.</param>
public sealed record CancelCarrier(long Id, EndAddress Remote, EndAddress Local, int UnixPort, long ConnectWallUs, bool IsConnecting);

/// <summary>A listening socket, for SHOW FDS.</summary>
/// <param name="Address">Local IP or <c>unix</c>.</param>
public sealed record ListenerView(int Descriptor, string Address, int Port);

/// <summary>What a session's transport object may tell of itself, on its loop's thread.</summary>
public interface IConnectionView
{
    int Descriptor { get; }

    /// <summary>Empty, or <c>protocol/cipher…</c> as in the tls column.</summary>
    string Tls { get; }

    BufferView Buffer { get; }

    /// <summary>The peer has closed, as far as the kernel knows at this moment.</summary>
    bool IsPeerGone => false;
}

/// <summary>How far a connection's bytes have come; all 0 when it holds no buffer.</summary>
/// <param name="Received">Bytes in the buffer.</param>
/// <param name="Parsed">Of these, bytes judged.</param>
/// <param name="PacketRemain">Bytes of the present packet still to come.</param>
/// <param name="Sent">Bytes passed on.</param>
public readonly record struct BufferView(int Received, int Parsed, int PacketRemain, int Sent);
