using System.Diagnostics;
using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Control.Operations;

/// <summary>
/// Visits every connection on the thread of its loop, in slices. Between two of them the loop does its own work, so no loop is
/// held longer than about a millisecond, however many clients it has. The control thread waits meanwhile; one loop is visited
/// at a time, so a visitor may fill one list without a lock.
/// </summary>
internal sealed class LoopWalk(ILoops loops)
{
    /// <summary>Connections of one slice: about 100 µs of reading.</summary>
    internal const int SliceMax = 256;

    /// <summary>A loop that does not answer for so long is not going to.</summary>
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(10);

    /// <summary>Nothing yet: they are added while their loops are visited.</summary>
    public DescriptorCopies NewCopies() => new(loops.Descriptors);

    /// <inheritdoc cref="ILoops.HeldResultBytes"/>
    public long HeldResultBytes => loops.HeldResultBytes;

    /// <summary>Some client may be in the list of no loop.</summary>
    public bool AreClientsOnTheWay => loops.AreClientsOnTheWay;

    /// <summary>
    /// Each client stays on its loop, and those that were on their way have come, until the answer is disposed of.
    /// </summary>
    /// <param name="most">
    /// So long they are waited for; null: as long as a loop has elsewhere. They arrive unless a loop does not answer.
    /// </param>
    public IDisposable HoldClients(TimeSpan? most = null)
    {
        var hold = new ClientHold(loops);
        if (loops.AreClientsOnTheWay) SpinWait.SpinUntil(() => !loops.AreClientsOnTheWay, most ?? AnswerMax);
        return hold;
    }

    private sealed class ClientHold : IDisposable
    {
        private readonly ILoops _loops;

        internal ClientHold(ILoops loops)
        {
            _loops = loops;
            loops.HoldClients();
        }

        public void Dispose() => _loops.LetClientsGo();
    }

    /// <summary>
    /// Every client that is there when its loop is first visited and still is when its slice comes, once: none moves meanwhile.
    /// </summary>
    public void Clients(Action<ILoopView, ClientSession> visit)
    {
        using var hold = HoldClients();
        for (var loop = 0; loop < loops.Count; loop++)
        {
            Walk(loop, static view => view.Clients, (view, client) =>
            {
                if (client.State != ClientState.Closed) visit(view, client);
            });
        }
    }

    /// <summary>
    /// Every server that belongs to its loop when its slice comes; one that moves meanwhile may be seen twice or not at all.
    /// </summary>
    public void Servers(Action<ILoopView, ServerSession> visit)
    {
        for (var loop = 0; loop < loops.Count; loop++)
        {
            Walk(loop, static view => view.Servers, (view, server) =>
            {
                if (server.Loop == view.Loop) visit(view, server);
            });
        }
    }

    /// <summary>Every cancel request under way.</summary>
    public void Cancels(Action<ILoopView, CancelView> visit)
    {
        for (var loop = 0; loop < loops.Count; loop++) Walk(loop, static view => view.Cancels, visit);
    }

    /// <summary>Every pool of the list, on the first loop: an operation on a pool may come from any.</summary>
    public void Pools(IReadOnlyList<Pool> pools, Action<Pool, IPoolHost> visit)
    {
        if (pools.Count > 0) Walk(0, _ => pools, (view, pool) => visit(pool, view.Host));
    }

    /// <summary>One loop, once.</summary>
    public void One(int loop, Action<ILoopView> visit) => Run(loop, visit);

    /// <summary>Every loop, once.</summary>
    public void Each(Action<ILoopView> visit)
    {
        for (var loop = 0; loop < loops.Count; loop++) Run(loop, visit);
    }

    /// <summary>
    /// Every loop at once, so that one which does not answer keeps the others from nothing. The first failure is thrown when
    /// all have answered or the time is over.
    /// </summary>
    /// <param name="visit">For any thread, and several at a time.</param>
    /// <param name="most">For all of them together; null: as long as a single loop has elsewhere.</param>
    public void AtOnce(Action<ILoopView> visit, TimeSpan? most = null)
    {
        var visits = Enumerable.Range(0, loops.Count).Select(_ => new LoopVisit(visit)).ToArray();
        for (var loop = 0; loop < visits.Length; loop++) loops.Post(loop, visits[loop].Run);
        var since = Stopwatch.GetTimestamp();
        Exception? first = null;
        for (var loop = 0; loop < visits.Length; loop++)
        {
            try
            {
                var left = (most ?? AnswerMax) - Stopwatch.GetElapsedTime(since);
                visits[loop].Wait(loop, left > TimeSpan.Zero ? left : TimeSpan.Zero);
            }
            catch (Exception failure) when (failure is TimeoutException or InvalidOperationException)
            {
                first ??= failure;
            }
            visits[loop].Dispose();
        }
        if (first is not null) throw first;
    }

    /// <summary>The list itself may change between slices.</summary>
    private void Walk<T>(int loop, Func<ILoopView, IReadOnlyList<T>> list, Action<ILoopView, T> visit)
    {
        IReadOnlyList<T>? all = null;
        var next = 0;
        do
        {
            Run(loop, view =>
            {
                all ??= list(view) is ISnapshotList<T> now ? now.Snapshot() : [.. list(view)];
                var end = Math.Min(next + SliceMax, all.Count);
                for (; next < end; next++) visit(view, all[next]);
            });
        }
        while (next < all!.Count);
    }

    private void Run(int loop, Action<ILoopView> action)
    {
        using var visit = new LoopVisit(action);
        loops.Post(loop, visit.Run);
        visit.Wait(loop, AnswerMax);
    }

    /// <summary>One action under way to a loop and back.</summary>
    private sealed class LoopVisit(Action<ILoopView> action) : IDisposable
    {
        private readonly Lock _lock = new();
        private readonly ManualResetEventSlim _isDone = new();
        private bool _isAbandoned;
        private Exception? _failure;

        public void Run(ILoopView view)
        {
            lock (_lock)
            {
                if (_isAbandoned) return; // The walk has given up: what the action fills is in use no more.
                try
                {
                    action(view);
                }
                catch (Exception failure)
                {
                    _failure = failure;
                }
                _isDone.Set();
            }
        }

        public void Wait(int loop, TimeSpan timeout)
        {
            if (!_isDone.Wait(timeout)) Abandon(loop);
            if (_failure is not null) throw new InvalidOperationException(_failure.Message, _failure);
        }

        private void Abandon(int loop)
        {
            lock (_lock)
            {
                if (_isDone.IsSet) return;
                _isAbandoned = true;
            }
            throw new TimeoutException($"loop {loop} does not answer");
        }

        public void Dispose()
        {
            lock (_lock) _isDone.Dispose();
        }
    }
}
