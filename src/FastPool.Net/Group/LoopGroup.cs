using FastPool.Base;
using FastPool.Core.Auth;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Sessions.Handover;
using FastPool.Io;
using FastPool.Net.Names;
using Microsoft.Extensions.Logging;

namespace FastPool.Net;

/// <summary>The parts of a group of loops: the real thing in the binary, a simulated world in tests.</summary>
public sealed record LoopGroupParts(
    PoolRegistry Registry,
    TrackedParameters Tracked,
    ScramVerifiers Verifiers,
    StatementTable Statements,
    RandomSource Random,
    ILogger Log,
    Clock Clock,
    IHostResolver Resolver,
    Func<int, BufferPool, Engine> NewEngine)
{
    /// <summary>Has keys derived and calls the answer, on whatever thread; null: on threads of its own.</summary>
    public Action<KeyDerivation, Action>? DeriveKeys { get; init; }

    /// <summary>
    /// The time for which a loop's thread had a processor, and that for which it waited for one, since its start, microseconds.
    /// Asked on that thread; null: as the system tells.
    /// </summary>
    public Func<int, (long RanUs, long WaitedUs)>? ThreadTimes { get; init; }
}

/// <summary>All loops of the process.</summary>
public sealed class LoopGroup : ILoops
{
    private readonly Loop[] _loops;
    private readonly LoopView[] _views;
    private readonly SharedParts _shared;
    private readonly List<ClientAcceptor>[] _acceptors;
    private readonly HandedImport _import;

    public LoopGroup(LoopGroupParts parts)
    {
        var count = parts.Registry.LoopCount;
        Check.That(count is >= 1 and <= Limits.LoopsMax);
        _import = new HandedImport(this, parts.Registry, parts.Statements);
        _shared = new SharedParts(parts.Registry, parts.DeriveKeys);
        Cancels = new CancelRelay(parts.Registry);
        _loops = new Loop[count];
        _views = new LoopView[count];
        _acceptors = new List<ClientAcceptor>[count];
        var dialer = new ServerDialer(parts.Resolver);
        for (var i = 0; i < count; i++)
        {
            _acceptors[i] = [];
            var context =
                new SessionContext((byte)i, parts.Registry, parts.Tracked, parts.Verifiers, parts.Statements, parts.Random,
                parts.Log);
            var loop = new Loop(_loops, _shared, dialer, context, parts.NewEngine(i, context.Buffers), parts.Clock);
            var times = parts.ThreadTimes ?? (static _ => Native.ThreadTime.Times);
            var janitor = new LoopJanitor(loop, this, new ClientBalance(loop, () => times(loop.Index)));
            (loop.OnTick, loop.OnRest) = (janitor.Tick, janitor.GiveBack);
            loop.BeginCancel = (requester, key) => Cancels.Begin(loop, requester, key);
            loop.CancelAbandoned = server => Cancels.BeginAbandoned(loop, server);
            loop.CancelKept = server => Cancels.BeginKept(loop, server);
            _loops[i] = loop;
            _views[i] = new LoopView(loop, this);
        }
        parts.Registry.OnStirred = TickSoon;
        _shared.LoopsInUse.OnChanged = OnUseChanged;
    }

    /// <summary>The loop has come into use, or has come to rest. Any thread.</summary>
    private void OnUseChanged(int index) => _loops[index].Post(new ActionLetter(_ =>
    {
        foreach (var acceptor in _acceptors[index]) acceptor.OnUseChanged();
    }));

    /// <summary>All of them are in use, until fewer have turned out to do.</summary>
    internal void UseAll() => _shared.LoopsInUse.TryChange(_shared.LoopsInUse.Count, Count);

    /// <summary>Pools are to be looked through, and a quiet loop would do so late. Any thread.</summary>
    private void TickSoon()
    {
        foreach (var loop in _loops) loop.Post(new ActionLetter(static loop => loop.TickNow()));
    }

    public int Count => _loops.Length;

    /// <summary>Which descriptors connections leave alone.</summary>
    public DescriptorReserve Reserve => _shared.Descriptors;

    public IDescriptorSource Descriptors { get; } = new KernelDescriptors();

    /// <summary>Given after the construction, because the console needs the loops; before they start.</summary>
    public IConsole Console
    {
        get => _shared.Console;
        set => _shared.Console = value;
    }

    public TlsContexts Tls => _shared.Tls;

    /// <summary>Commands that have told a password are asked again after a reload.</summary>
    public void ForgetPasswords() => _shared.Passwords.ForgetAll();

    internal CancelRelay Cancels { get; }

    public long HeldResultBytes => _shared.Results.Taken;

    public void HoldClients() => _shared.ClientMoves.Hold();

    public void LetClientsGo() => _shared.ClientMoves.LetGo();

    public bool AreClientsOnTheWay => _shared.ClientMoves.AreAny;

    internal IReadOnlyList<Loop> All => _loops;

    internal ILoopView ViewOf(int loop) => _views[loop];

    internal long NextId() => _shared.NextId();

    internal IReadOnlyList<ClientAcceptor> AcceptorsOf(int loop) => _acceptors[loop];

    internal IReadOnlyList<ListenerView> ListenersOf(int loop) =>
        [.. _acceptors[loop]
            .Select(acceptor =>
            new ListenerView(acceptor.Socket.Handle, acceptor.Socket.Address.ToString(), acceptor.Socket.Port))];

    /// <summary>Takes over what another process gives up; it may still change its mind. Before <see cref="Start"/>.</summary>
    public void TakeOver(HandedState state)
    {
        UseAll(); // Their load was measured by that process, which is gone.
        _import.Take(state);
    }

    /// <summary>The other process is gone: goes on where it stopped. Before <see cref="Start"/>.</summary>
    public void GoOn() => _import.GoOn();

    /// <summary>Starts one thread a loop.</summary>
    public void Start()
    {
        foreach (var loop in _loops)
        {
            var thread =
                new Thread(() => Run(loop), maxStackSize: 1024 * 1024) { Name = $"loop {loop.Index}", IsBackground = true };
            thread.Start();
        }
    }

    private void Run(Loop loop)
    {
        while (true)
        {
            try
            {
                loop.RunTurn();
            }
            catch (Exception e)
            {
                loop.Contain("a turn", e); // A fault outside the work of any one connection.
            }
        }
    }

    /// <summary>Accepts on the sockets, on every loop that is in use.</summary>
    public void Listen(IReadOnlyList<ListeningSocket> sockets)
    {
        foreach (var loop in _loops)
        {
            var target = loop;
            target.Post(new ActionLetter(_ =>
            {
                foreach (var socket in sockets)
                {
                    var acceptor = new ClientAcceptor(target, socket);
                    _acceptors[target.Index].Add(acceptor);
                    acceptor.Listen();
                }
            }));
        }
    }

    /// <summary>Stops accepting on the sockets; the caller closes them when every loop has.</summary>
    /// <param name="which">Those that are meant.</param>
    /// <param name="acceptsRest">Connections in the kernel's backlog are accepted; else they are another process's.</param>
    /// <param name="whenAllStopped">Called once for each, on the thread of a loop.</param>
    public void StopListening(Func<ListeningSocket, bool> which, bool acceptsRest, Action<ListeningSocket> whenAllStopped)
    {
        var remaining = _loops.Length;
        foreach (var loop in _loops)
        {
            var target = loop;
            target.Post(new ActionLetter(_ =>
            {
                var stopped = _acceptors[target.Index].Where(acceptor => which(acceptor.Socket)).ToList();
                foreach (var acceptor in stopped)
                {
                    target.Engine.StopListening(acceptor.Socket.Handle);
                    _acceptors[target.Index].Remove(acceptor);
                }
                if (Interlocked.Decrement(ref remaining) > 0) return;
                foreach (var acceptor in stopped)
                {
                    if (acceptsRest) acceptor.AcceptRest();
                    whenAllStopped(acceptor.Socket);
                }
            }));
        }
    }

    public void Post(int loop, Action<ILoopView> action) => _loops[loop].Post(new ActionLetter(_ => action(ViewOf(loop))));
}
