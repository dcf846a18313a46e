using FastPool.Base;

namespace FastPool.Core.Pools;

/// <summary>An element of a <see cref="Chain{T}"/>: in one chain at a time.</summary>
internal interface IChained<T>
    where T : class, IChained<T>
{
    ref ChainPlace<T> Place { get; }
}

/// <summary>Where an item stands.</summary>
internal struct ChainPlace<T>
    where T : class, IChained<T>
{
    /// <summary>Null: in none.</summary>
    internal Chain<T>? Chain;
    internal T? Newer;
    internal T? Older;
}

/// <summary>
/// Items in the order in which they came. The items carry the links, so that coming and leaving allocate nothing, and
/// leaving from the middle costs no more than from an end.
/// </summary>
internal sealed class Chain<T>
    where T : class, IChained<T>
{
    internal T? Oldest { get; private set; }
    internal T? Newest { get; private set; }

    internal int Count { get; private set; }

    /// <summary>Adds the newest.</summary>
    internal void Add(T item)
    {
        ref var place = ref item.Place;
        Check.That(place.Chain is null);
        place.Chain = this; // Field by field: a whole struct with references costs three times as much, twice a transaction.
        if (Newest is { } newest)
        {
            place.Older = newest;
            newest.Place.Newer = item;
        }
        else
        {
            Oldest = item;
        }
        Newest = item;
        Count++;
    }

    /// <summary>Adds one that comes before all others: a client whose server was lost on the way, say.</summary>
    internal void AddOldest(T item)
    {
        ref var place = ref item.Place;
        Check.That(place.Chain is null);
        place = new ChainPlace<T> { Chain = this, Newer = Oldest };
        if (Oldest is null) Newest = item;
        else Oldest.Place.Older = item;
        Oldest = item;
        Count++;
    }

    internal void Remove(T item)
    {
        ref var place = ref item.Place;
        Check.That(place.Chain == this);
        if (place.Older is null) Oldest = place.Newer;
        else place.Older.Place.Newer = place.Newer;
        if (place.Newer is null) Newest = place.Older;
        else place.Newer.Place.Older = place.Older;
        place = default;
        Count--;
    }
}
