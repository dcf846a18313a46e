namespace FastPool.Base;

/// <summary>
/// Bytes a connection keeps from one turn to the next: a cut header, a message that must be whole, the query of a
/// waiting client, what a slow peer has not taken. Empty costs no buffer.
/// </summary>
public struct HeldBytes
{
    private byte[]? _buffer;
    private int _start;
    private int _end;

    public readonly int Count => _end - _start;
    public readonly bool IsEmpty => _end == _start;
    public readonly byte[] Buffer => _buffer!;
    public readonly int Start => _start;
    public readonly ReadOnlySpan<byte> Span => _buffer.AsSpan(_start, _end - _start);

    /// <summary>So many bytes more fit behind those that are here.</summary>
    internal readonly int Room => _buffer is null ? 0 : _buffer.Length - _end;

    /// <summary>None yet, in a buffer that takes so many, a power of two.</summary>
    internal static HeldBytes WithRoom(int bytes, BufferPool pool) => new() { _buffer = pool.Rent(bytes) };

    /// <param name="inFront">
    /// So many bytes stay free before the first, for the caller to write there, if the buffer has room for them: none is taken
    /// that is larger for their sake.
    /// </param>
    public void Append(ReadOnlySpan<byte> bytes, BufferPool pool, int inFront = 0)
    {
        if (bytes.IsEmpty) return;
        EnsureRoom(bytes.Length, pool, inFront);
        bytes.CopyTo(_buffer.AsSpan(_end));
        _end += bytes.Length;
    }

    /// <summary>Drops the first bytes; the last drop gives the buffer back.</summary>
    public void Consume(int count, BufferPool pool)
    {
        Check.That(count <= Count);
        _start += count;
        if (_start == _end) Clear(pool);
    }

    public void Clear(BufferPool pool)
    {
        if (_buffer is null) return;
        var buffer = _buffer;
        _buffer = null; // First: a collection would find it in use.
        pool.Return(buffer);
        _start = _end = 0;
    }

    /// <summary>Takes buffer and bytes away from here; the new owner clears them.</summary>
    public HeldBytes Take()
    {
        var taken = this;
        this = default;
        return taken;
    }

    private void EnsureRoom(int more, BufferPool pool, int inFront)
    {
        if (_buffer is null)
        {
            _buffer = pool.Rent(more);
            _start = _end = Math.Min(inFront, _buffer.Length - more);
            return;
        }
        if (_buffer.Length - _end >= more) return;
        var count = Count;
        if (_buffer.Length - count >= more && _start >= count)
        {
            Span.CopyTo(_buffer);
        }
        else
        {
            var larger = pool.Rent(Math.Max(checked(count + more), (int)Math.Min(2L * count, Array.MaxLength)));
            Span.CopyTo(larger);
            (var smaller, _buffer) = (_buffer, larger);
            pool.Return(smaller);
        }
        _start = 0;
        _end = count;
    }
}
