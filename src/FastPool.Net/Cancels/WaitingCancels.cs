using FastPool.Core.Pools;

namespace FastPool.Net;

/// <summary>
/// Cancel requests of one loop that wait. For each kind of place they stand in order of arrival, so that a place which becomes
/// free is the next one's at once, however many there are. Those whose connection failed wait for another try. Other loops see
/// by the places since when the first has waited.
/// </summary>
internal sealed class WaitingCancels(int loop)
{
    private readonly Dictionary<ConnectionBudget, Queue<CancelConnection>> _queues = [];
    private readonly List<CancelConnection> _toRetry = [];

    internal bool IsEmpty => _queues.Count == 0 && _toRetry.Count == 0;

    internal IEnumerable<CancelConnection> All =>
        _queues.Values.SelectMany(static queue => queue).Concat(_toRetry).Where(static cancel => !cancel.IsAbandoned);

    /// <summary>The kinds of which a place is waited for now.</summary>
    internal IReadOnlyList<ConnectionBudget> Places => [.. _queues.Keys];

    internal void Add(CancelConnection cancel)
    {
        if (_queues.TryGetValue(cancel.Places, out var queue))
        {
            queue.Enqueue(cancel);
            return;
        }
        queue = new Queue<CancelConnection>();
        queue.Enqueue(cancel);
        _queues.Add(cancel.Places, queue);
        cancel.Places.SetWaiting(loop, cancel.SinceUs);
    }

    internal void AddForRetry(CancelConnection cancel) => _toRetry.Add(cancel);

    /// <summary>Those whose pause is over stand in their queues again.</summary>
    internal void TakeBack(long nowUs)
    {
        foreach (var cancel in _toRetry)
        {
            if (cancel.IsAbandoned || nowUs >= cancel.RetryAtUs) Add(cancel);
        }
        _toRetry.RemoveAll(cancel => cancel.IsAbandoned || nowUs >= cancel.RetryAtUs);
    }

    /// <summary>At rest: room that a crowd has needed is given back.</summary>
    internal void GiveBack()
    {
        _queues.TrimExcess();
        foreach (var queue in _queues.Values) queue.TrimExcess();
        _toRetry.TrimExcess();
    }

    /// <summary>Of those that wait for such a place. There is one.</summary>
    internal CancelConnection FirstOf(ConnectionBudget places) => _queues[places].Peek();

    internal void RemoveFirst(ConnectionBudget places)
    {
        var queue = _queues[places];
        queue.Dequeue();
        if (queue.Count == 0) _queues.Remove(places);
        places.SetWaiting(loop, queue.TryPeek(out var next) ? next.SinceUs : long.MaxValue);
    }

    /// <summary>Those for which a round of starts is under way; null: none is.</summary>
    internal ConnectionBudget? Served { get; set; }
}
