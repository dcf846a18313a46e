namespace FastPool.Simulation.Network;

/// <summary>
/// Bytes in order: appended behind, taken in front. Keeps its buffer, so that a steady stream allocates nothing.
/// </summary>
internal sealed class ByteQueue
{
    private byte[] _buffer = new byte[256];
    private int _start;
    private int _end;

    public int Count => _end - _start;

    public ReadOnlySpan<byte> Span => _buffer.AsSpan(_start, Count);

    public void Add(ReadOnlySpan<byte> bytes)
    {
        if (_end + bytes.Length > _buffer.Length) MakeRoom(bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(_end));
        _end += bytes.Length;
    }

    public void Take(int count)
    {
        _start += count;
        if (_start == _end) _start = _end = 0;
    }

    public void Clear() => _start = _end = 0;

    public byte[] ToArray() => Span.ToArray();

    private void MakeRoom(int more)
    {
        var count = Count;
        var target = count + more <= _buffer.Length / 2 ? _buffer : new byte[Math.Max(_buffer.Length * 2, count + more)];
        Span.CopyTo(target);
        _buffer = target;
        _start = 0;
        _end = count;
    }
}
