using FastPool.Base;

namespace FastPool.Core.Pools;

/// <summary>
/// An element of a <see cref="DueHeap{T}"/>. It knows its place there, so that moving it or taking it out costs O(log n).
/// </summary>
public abstract class DueEntry
{
    private const int Nowhere = -1;

    internal int Place { get; set; } = Nowhere;

    /// <summary>The time by which it is ordered, microseconds.</summary>
    public long AtUs { get; internal set; }

    internal bool IsIn => Place != Nowhere;

    internal void TakeOut() => Place = Nowhere;
}

/// <summary>Entries by time, the earliest first. An entry is in it once at most. One thread at a time.</summary>
public sealed class DueHeap<T>
    where T : DueEntry
{
    private const int SmallestRoom = 4;

    private T[] _entries = [];

    public int Count { get; private set; }

    /// <summary>The earliest; null: there is none.</summary>
    public T? First => Count > 0 ? _entries[0] : null;

    /// <summary>Puts it in, or moves it to another time.</summary>
    public void Set(T entry, long atUs)
    {
        if (!entry.IsIn)
        {
            if (Count == _entries.Length) Array.Resize(ref _entries, Math.Max(SmallestRoom, Count * 2));
            Put(entry, Count++);
        }
        var isEarlier = atUs < entry.AtUs;
        entry.AtUs = atUs;
        if (!isEarlier) Sink(entry);
        Rise(entry);
    }

    public void Remove(T entry)
    {
        var place = entry.Place;
        var last = _entries[--Count];
        _entries[Count] = null!;
        entry.TakeOut();
        if (last == entry) return;
        Put(last, place);
        Sink(last);
        Rise(last);
    }

    /// <summary>At rest: room that a crowd has needed is given back.</summary>
    public void GiveBack() => SpareRoom.GiveBack(ref _entries, Count, SmallestRoom);

    /// <summary>So many fit without another array.</summary>
    internal int Room => _entries.Length;

    /// <summary>Takes out the earliest, if its time has come.</summary>
    public T? TakeDue(long nowUs)
    {
        if (First is not { } first || first.AtUs > nowUs) return null;
        Remove(first);
        return first;
    }

    private void Put(T entry, int place)
    {
        _entries[place] = entry;
        entry.Place = place;
    }

    private void Rise(T entry)
    {
        while (entry.Place > 0)
        {
            var above = _entries[(entry.Place - 1) / 2];
            if (above.AtUs <= entry.AtUs) return;
            Swap(above, entry);
        }
    }

    private void Sink(T entry)
    {
        while (true)
        {
            var below = entry.Place * 2 + 1;
            if (below >= Count) return;
            if (below + 1 < Count && _entries[below + 1].AtUs < _entries[below].AtUs) below++;
            if (entry.AtUs <= _entries[below].AtUs) return;
            Swap(entry, _entries[below]);
        }
    }

    private void Swap(T one, T other)
    {
        var place = one.Place;
        Put(one, other.Place);
        Put(other, place);
    }
}

/// <summary>When something is to be looked at.</summary>
public sealed class Due<T>(T subject) : DueEntry
{
    public T Subject { get; } = subject;

    public bool IsSet => IsIn;
}
