using System.Runtime.CompilerServices;
using System.Collections;
using FastPool.Base;
using FastPool.Core.Sessions;

namespace FastPool.Net;

/// <summary>Connections of one loop in no order; each knows its place, so that leaving costs nothing.</summary>
internal sealed class ConnectionList<T>(Action<T, int> place) : IReadOnlyList<T>
    where T : class
{
    internal const int SmallestRoom = 16;

    private const int EmptyShare = 4; // A list that is used by less than a fourth is halved.

    private T[] _items = [];

    /// <summary>By when their time-outs are to be looked at.</summary>
    internal DueBlocks TimeOuts { get; } = new();

    /// <summary>By when their peers are to be looked at.</summary>
    internal DueBlocks Peers { get; } = new();

    public int Count { get; private set; }

    public T this[int index] => _items[index];

    internal void Add(T item)
    {
        if (Count == _items.Length) Array.Resize(ref _items, Math.Max(SmallestRoom, Count + Count / 2));
        _items[Count] = item;
        place(item, Count);
        TimeOuts.Added(Count);
        Peers.Added(Count);
        Count++;
    }

    /// <summary>That one is idle no more. On the way of a transaction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Touch(int index)
    {
        TimeOuts.Touch(index);
        Peers.Touch(index);
    }

    internal void RemoveAt(int index)
    {
        Check.That((uint)index < (uint)Count);
        var last = _items[--Count];
        _items[Count] = null!;
        if (index < Count)
        {
            _items[index] = last;
            place(last, index);
            TimeOuts.Moved(Count, index);
            Peers.Moved(Count, index);
        }
        if (Count < _items.Length / EmptyShare && _items.Length > SmallestRoom * EmptyShare)
            Array.Resize(ref _items, _items.Length / 2);
    }

    /// <summary>At rest: room that a crowd has needed is given back.</summary>
    internal void GiveBack()
    {
        SpareRoom.GiveBack(ref _items, Count, SmallestRoom);
        TimeOuts.GiveBack(Count);
        Peers.GiveBack(Count);
    }

    /// <summary>So many fit without another array.</summary>
    internal int Room => _items.Length;

    /// <summary>As it is now.</summary>
    internal T[] Copy() => _items[..Count];

    public IEnumerator<T> GetEnumerator()
    {
        for (var i = 0; i < Count; i++) yield return _items[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>The sessions of a list of connections, as the control plane sees them.</summary>
internal sealed class SessionList<TConnection,
    TSession>(IReadOnlyList<TConnection> connections, Func<TConnection, TSession> session) : ISnapshotList<TSession>
    where TConnection : class
{
    public int Count => connections.Count;

    public TSession this[int index] => session(connections[index]);

    /// <summary>Copies references to connections alone and looks into none of them: that would be a cache miss each.</summary>
    public IReadOnlyList<TSession> Snapshot() =>
        connections is ConnectionList<TConnection> list ? new SessionList<TConnection, TSession>(list.Copy(), session) : this;

    public IEnumerator<TSession> GetEnumerator()
    {
        for (var i = 0; i < connections.Count; i++) yield return session(connections[i]);
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
