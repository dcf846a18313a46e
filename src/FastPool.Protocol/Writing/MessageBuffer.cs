using FastPool.Base;
using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace FastPool.Protocol;

/// <summary>
/// A growing buffer for answers whose size is known only at their end. It keeps its array when cleared, so that a long result is
/// streamed through one allocation: write some rows, send <see cref="WrittenSpan"/>, <see cref="Clear"/>. A huge one it gives up.
/// </summary>
public sealed class MessageBuffer(int capacity = 4096) : IBufferWriter<byte>
{
    private const int KeptBytes = 1024 * 1024;

    private byte[] _bytes = new byte[capacity];
    private int _length;

    /// <summary>Bytes written.</summary>
    public int Length => _length;

    public ReadOnlySpan<byte> WrittenSpan => _bytes.AsSpan(0, _length);

    public ReadOnlyMemory<byte> WrittenMemory => _bytes.AsMemory(0, _length);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Clear()
    {
        _length = 0;
        if (_bytes.Length > KeptBytes) GiveUpHuge();
    }

    /// <summary>An array larger than the first is given up, unless something is written.</summary>
    public void GiveBack()
    {
        if (_length == 0) GiveUpHuge();
    }

    private void GiveUpHuge()
    {
        if (_bytes.Length <= capacity) return;
        var given = _bytes.Length;
        _bytes = new byte[capacity];
        GivenUp.Add(given); // Last: a collection before would find the huge one in use.
    }

    /// <summary>As <see cref="Clear"/>; no byte is left of what was written.</summary>
    public void Wipe()
    {
        Array.Clear(_bytes);
        Clear();
    }

    /// <summary>Appends a whole message.</summary>
    public void Write<T>(scoped in T message) where T : IMessage<T>, allows ref struct =>
        _length += message.Write(GetSpan(message.Size));

    /// <summary>Appends bytes as they are: a message of <see cref="PreparedMessages"/>, or a piece of one.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(GetSpan(bytes.Length));
        _length += bytes.Length;
    }

    /// <summary>Appends an ErrorResponse, see <see cref="PoolerError"/>.</summary>
    public void WriteError(ReadOnlySpan<byte> severity, ReadOnlySpan<byte> sqlState, ReadOnlySpan<byte> message) =>
        _length += PoolerError.Write(GetSpan(PoolerError.Size(severity, sqlState, message)), severity, sqlState, message);

    /// <summary>Appends a NoticeResponse, see <see cref="PoolerNotice"/>.</summary>
    public void WriteNotice(ReadOnlySpan<byte> message, ReadOnlySpan<byte> detail = default) =>
        _length += PoolerNotice.Write(GetSpan(PoolerNotice.Size(message, detail)), message, detail);

    /// <summary>
    /// Room for at least <paramref name="sizeHint"/> bytes behind what is written; <see cref="Advance"/> takes it.
    /// </summary>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _bytes.AsSpan(_length);
    }

    /// <inheritdoc cref="GetSpan"/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _bytes.AsMemory(_length);
    }

    /// <exception cref="ArgumentOutOfRangeException">More than there is room for.</exception>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(_bytes.Length - _length), nameof(count));
        _length += count;
    }

    internal void WriteByte(byte value)
    {
        Reserve(1);
        _bytes[_length++] = value;
    }

    internal void WriteInt16(short value)
    {
        BinaryPrimitives.WriteInt16BigEndian(GetSpan(sizeof(short)), value);
        _length += sizeof(short);
    }

    internal void WriteInt32(int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(GetSpan(sizeof(int)), value);
        _length += sizeof(int);
    }

    /// <summary>Writes what stands before the bytes that tell it: a length or a count.</summary>
    internal void PatchInt16(int position, short value) =>
        BinaryPrimitives.WriteInt16BigEndian(_bytes.AsSpan(position, sizeof(short)), value);

    internal void PatchInt32(int position, int value) =>
        BinaryPrimitives.WriteInt32BigEndian(_bytes.AsSpan(position, sizeof(int)), value);

    private void Reserve(int count)
    {
        if (_bytes.Length - _length >= count) return;
        Array.Resize(ref _bytes, checked(Math.Max(_bytes.Length * 2, _length + count)));
    }
}
