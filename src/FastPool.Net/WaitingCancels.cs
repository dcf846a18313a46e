using FastPool.Core.Pools;

namespace FastPool.Net;

/// <summary>
/// Cancel requests of one loop that wait: in order of arrival for each kind of place, so that a place which becomes free is
/// the next one's at once, however many there are; and those whose connection failed, for another try.
/// </summary>
internal sealed class WaitingCancels
{
    private readonly Dictionary<ConnectionBudget, Queue<CancelConnection>> _queues = [];
    private readonly List<CancelConnection> _toRetry = [];

    internal bool IsEmpty => _queues.Count == 0 && _toRetry.Count == 0;

    internal IEnumerable<CancelConnection> All => _queues.Values.SelectMany(static queue => queue).Concat(_toRetry).Where(static cancel => !cancel.IsAbandoned);

    /// <summary>The kinds that somebody waits for, as it is now.</summary>
    internal IReadOnlyList<ConnectionBudget> Places => [.. _queues.Keys];

    internal bool HasAny(ConnectionBudget places) => _queues.ContainsKey(places);

    internal void Add(CancelConnection cancel)
    {
        if (!_queues.TryGetValue(cancel.Places, out var queue)) _queues.Add(cancel.Places, queue = new Queue<CancelConnection>());
        queue.Enqueue(cancel);
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

    /// <returns>Null when nobody waits for such a place.</returns>
    internal CancelConnection? FirstOf(ConnectionBudget places) => _queues.TryGetValue(places, out var queue) ? queue.Peek() : null;

    internal void RemoveFirst(ConnectionBudget places)
    {
        var queue = _queues[places];
        queue.Dequeue();
        if (queue.Count == 0) _queues.Remove(places);
    }
}
