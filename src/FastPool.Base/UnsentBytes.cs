namespace FastPool.Base;

/// <summary>
/// Bytes that a slow peer has not taken, first in, first out. A few are in one buffer. Those behind them are kept in pieces of
/// one size: many megabytes grow without being copied, and each piece goes back as soon as the peer has taken it.
/// </summary>
public struct UnsentBytes
{
    /// <summary>Bytes of a piece.</summary>
    public const int PieceBytes = 64 * 1024;

    /// <summary>So much is kept in one buffer: more than one receive brings.</summary>
    private const int OneBufferBytes = 256 * 1024;

    private HeldBytes _first; // Not empty while there are pieces behind it.
    private HeldPieces? _behind;

    public readonly bool IsEmpty => _first.IsEmpty;

    public readonly int Count => _first.Count + (_behind?.ByteCount ?? 0);

    /// <summary>It is more than one buffer has.</summary>
    public readonly bool HasPieces => _behind is not null;

    /// <summary>The first of them; empty only if there are none.</summary>
    public readonly ReadOnlySpan<byte> Front => _first.Span;

    public void Append(ReadOnlySpan<byte> bytes, BufferPool pool)
    {
        if (_behind is null)
        {
            var taken = Math.Min(bytes.Length, Math.Max(0, OneBufferBytes - _first.Count));
            _first.Append(bytes[..taken], pool);
            bytes = bytes[taken..];
            if (bytes.IsEmpty) return;
            _behind = new HeldPieces();
        }
        _behind.Append(bytes, pool);
    }

    /// <summary>Drops the first bytes.</summary>
    /// <param name="count">At most those of <see cref="Front"/>.</param>
    public void Consume(int count, BufferPool pool)
    {
        _first.Consume(count, pool);
        if (!_first.IsEmpty || _behind is null) return;
        _first = _behind.TakeFirst();
        if (_behind.ByteCount == 0) _behind = null;
    }

    public void Clear(BufferPool pool)
    {
        while (!IsEmpty) Consume(_first.Count, pool);
    }

    /// <summary>A copy of them all.</summary>
    public readonly byte[] ToArray()
    {
        var all = new byte[Count];
        _first.Span.CopyTo(all);
        _behind?.CopyTo(all.AsSpan(_first.Count));
        return all;
    }

    /// <summary>A queue of full pieces; the last may have room.</summary>
    private sealed class HeldPieces
    {
        private HeldBytes[] _pieces = new HeldBytes[4];
        private int _head;
        private int _count;

        internal int ByteCount { get; private set; }

        internal void Append(ReadOnlySpan<byte> bytes, BufferPool pool)
        {
            while (!bytes.IsEmpty)
            {
                if (_count == 0 || _pieces[Place(_count - 1)].Room == 0) Add(HeldBytes.WithRoom(PieceBytes, pool));
                ref var last = ref _pieces[Place(_count - 1)];
                var taken = Math.Min(last.Room, bytes.Length);
                last.Append(bytes[..taken], pool);
                ByteCount += taken;
                bytes = bytes[taken..];
            }
        }

        internal HeldBytes TakeFirst()
        {
            var first = _pieces[_head].Take();
            _head = Place(1);
            _count--;
            ByteCount -= first.Count;
            return first;
        }

        internal void CopyTo(Span<byte> to)
        {
            for (var i = 0; i < _count; i++)
            {
                var piece = _pieces[Place(i)].Span;
                piece.CopyTo(to);
                to = to[piece.Length..];
            }
        }

        private int Place(int index) => (_head + index) & (_pieces.Length - 1);

        private void Add(HeldBytes piece)
        {
            if (_count == _pieces.Length)
            {
                var larger = new HeldBytes[_count * 2];
                for (var i = 0; i < _count; i++) larger[i] = _pieces[Place(i)];
                (_pieces, _head) = (larger, 0);
            }
            _pieces[Place(_count++)] = piece;
        }
    }
}
