using FastPool.Base;
using FastPool.Core.Auth;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Sessions.Handover;
using FastPool.Net.Names;
using Microsoft.Extensions.Logging;

namespace FastPool.Net;

/// <summary>What a group of loops is made of: the real thing in the binary, a simulated world in tests.</summary>
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
}

/// <summary>All loops of the process.</summary>
public sealed class LoopGroup : ILoops
{
    private readonly Loop[] _loops;
    private readonly PaddedCount[] _clientCounts;
    private readonly List<ClientAcceptor>[] _acceptors;
    private readonly HandedImport _import;
    private long _lastId;

    public LoopGroup(LoopGroupParts parts)
    {
        _import = new HandedImport(this, parts.Registry, parts.Statements);
        Dialer = new ServerDialer(parts.Resolver);
        Cancels = new CancelRelay(parts.Registry);
        DeriveKeys = parts.DeriveKeys ?? new KeyDeriver().Begin;
        var count = parts.Registry.LoopCount;
        Check.That(count is >= 1 and <= Limits.LoopsMax);
        _loops = new Loop[count];
        _clientCounts = new PaddedCount[count];
        _acceptors = new List<ClientAcceptor>[count];
        for (var i = 0; i < count; i++)
        {
            _acceptors[i] = [];
            var context = new SessionContext((byte)i, parts.Registry, parts.Tracked, parts.Verifiers, parts.Statements, parts.Random, parts.Log);
            _loops[i] = new Loop(this, context, parts.NewEngine(i, context.Buffers), parts.Clock);
        }
    }

    public int Count => _loops.Length;

    public IDescriptorSource Descriptors { get; } = new KernelDescriptors();

    /// <summary>Given after the construction, since the console needs the loops; before they start.</summary>
    public IConsole Console { get; set; } = null!;

    public TlsContexts Tls { get; } = new();

    internal PasswordChecker PamChecker { get; } = PasswordChecker.ForPam();

    internal PasswordChecker LdapChecker { get; } = PasswordChecker.ForLdap();

    /// <summary>Has keys derived off the loops, then calls the answer, on whatever thread.</summary>
    internal Action<KeyDerivation, Action> DeriveKeys { get; }

    internal ServerDialer Dialer { get; }
    internal CancelRelay Cancels { get; }

    internal IReadOnlyList<Loop> All => _loops;

    internal Loop this[int index] => _loops[index];

    internal long NextId() => Interlocked.Increment(ref _lastId);

    internal IReadOnlyList<ClientAcceptor> AcceptorsOf(int loop) => _acceptors[loop];

    internal IReadOnlyList<ListenerView> ListenersOf(int loop) =>
        [.. _acceptors[loop].Select(acceptor => new ListenerView(acceptor.Socket.Handle, acceptor.Socket.Address.ToString(), acceptor.Socket.Port))];

    /// <summary>Takes over what another process gives up; it may still change its mind. Before <see cref="Start"/>.</summary>
    public void TakeOver(HandedState state) => _import.Take(state);

    /// <summary>The other process is gone: goes on where it stopped. Before <see cref="Start"/>.</summary>
    public void GoOn() => _import.GoOn();

    /// <summary>Starts one thread a loop.</summary>
    public void Start()
    {
        foreach (var loop in _loops)
        {
            var thread = new Thread(() => Run(loop), maxStackSize: 1024 * 1024) { Name = $"loop {loop.Index}", IsBackground = true };
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
                loop.Contain("a turn", e); // What stands between the boundaries.
            }
        }
    }

    /// <summary>Accepts on the sockets, on every loop.</summary>
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
    public void StopListening(Func<ListeningSocket, bool> which, Action<ListeningSocket> whenAllStopped)
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
                foreach (var acceptor in stopped) whenAllStopped(acceptor.Socket);
            }));
        }
    }

    public void Post(int loop, Action<ILoopView> action) => _loops[loop].Post(new ActionLetter(action));

    // Each loop writes its own count and reads the others': balance, not bookkeeping, so a stale value does no harm.
    internal void CountClient(int loop, int change) => Volatile.Write(ref _clientCounts[loop].Value, _clientCounts[loop].Value + change);

    internal int LeastLoadedLoop(out int count)
    {
        var least = 0;
        count = int.MaxValue;
        for (var i = 0; i < _clientCounts.Length; i++)
        {
            var clients = Volatile.Read(ref _clientCounts[i].Value);
            if (clients >= count) continue;
            count = clients;
            least = i;
        }
        return least;
    }

    [System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Explicit, Size = 64)]
    private struct PaddedCount
    {
        [System.Runtime.InteropServices.FieldOffset(0)] internal int Value;
    }
}
