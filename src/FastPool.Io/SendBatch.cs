using FastPool.Base;
using FastPool.Native;

namespace FastPool.Io;

/// <summary>
/// Small sends of one turn that go to the kernel together. Their bytes are copied, so that the loop's buffer is free for
/// the next receive. Belongs to a loop.
/// </summary>
internal sealed class SendBatch
{
    /// <summary>A result: it has not been made.</summary>
    internal const int NotMade = int.MinValue;

    private readonly Entry[] _entries = new Entry[Limits.SendsTogetherMax];
    private int _used;

    internal SendBatch() => Results.AsSpan().Fill(NotMade);

    private struct Entry
    {
        internal Endpoint Endpoint;
        internal int Start;
        internal int Length;
    }

    internal int Count { get; private set; }

    /// <summary>Of each, bytes taken, 0 when full, a negated errno when broken, or <see cref="NotMade"/>.</summary>
    internal int[] Results { get; } = new int[Limits.SendsTogetherMax];

    /// <summary>Pinned.</summary>
    internal byte[] Bytes { get; } = BufferPool.NewPinned(Limits.SendsTogetherMax * Limits.SendTogetherBytes);

    internal (Endpoint Endpoint, int Start, int Length) this[int index] =>
        (_entries[index].Endpoint, _entries[index].Start, _entries[index].Length);

    /// <returns>False when there is no room, or bytes for the same endpoint stand before those of another: both must not be under
    /// way at once.</returns>
    internal bool TryAdd(Endpoint endpoint, ReadOnlySpan<byte> data)
    {
        if (!TryOpen(endpoint, data.Length)) return false;
        Append(data);
        return true;
    }

    /// <inheritdoc cref="TryAdd(Endpoint, ReadOnlySpan{byte})"/>
    internal bool TryAdd(Endpoint endpoint, ReadOnlySpan<Segment> segments, int length)
    {
        if (!TryOpen(endpoint, length)) return false;
        foreach (var segment in segments) Append(segment.Buffer.AsSpan(segment.Start, segment.Length));
        return true;
    }

    private bool TryOpen(Endpoint endpoint, int length)
    {
        if (length > Bytes.Length - _used) return false;
        if (endpoint.Has(EndpointFlags.Deferred)) return ReferenceEquals(_entries[Count - 1].Endpoint, endpoint);
        if (Count == _entries.Length) return false;
        endpoint.Flags |= EndpointFlags.Deferred;
        _entries[Count++] = new Entry { Endpoint = endpoint, Start = _used };
        return true;
    }

    private void Append(ReadOnlySpan<byte> data)
    {
        data.CopyTo(Bytes.AsSpan(_used));
        _used += data.Length;
        _entries[Count - 1].Length += data.Length;
    }

    internal void Clear()
    {
        for (var i = 0; i < Count; i++)
        {
            _entries[i].Endpoint.Flags &= ~EndpointFlags.Deferred;
            _entries[i].Endpoint = null!;
        }
        Count = 0;
        _used = 0;
    }
}
