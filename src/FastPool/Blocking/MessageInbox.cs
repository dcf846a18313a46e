using System.Numerics;
using FastPool.Life;
using FastPool.Protocol;

namespace FastPool.Blocking;

/// <summary>Bytes as they come in, and the messages in them, for connections whose calls wait.</summary>
/// <param name="invalid">The text for bytes that are no message.</param>
internal sealed class MessageInbox(int capacity, string invalid)
{
    private const uint PacketMax = int.MaxValue;

    private byte[] _buffer = new byte[capacity];
    private int _start;
    private int _end;

    /// <summary>Bytes that belong to no message yet.</summary>
    internal bool HasPartial => _end > _start;

    /// <summary>The next message, if it is there whole; its body is good until more comes in.</summary>
    /// <exception cref="FatalError">This is no message.</exception>
    internal bool TryTake(out byte type, out ReadOnlySpan<byte> body)
    {
        body = default;
        var unread = _buffer.AsSpan(_start, _end - _start);
        var status = MessageHeader.TryRead(unread, PacketMax, out type, out var length);
        if (status == HeaderStatus.Bad || (status == HeaderStatus.Complete && type == 0)) throw new FatalError(invalid);
        if (status != HeaderStatus.Complete || length > unread.Length)
        {
            MakeRoom(status == HeaderStatus.Complete ? length : MessageHeader.Size);
            return false;
        }
        body = unread[MessageHeader.Size..length];
        _start += length;
        return true;
    }

    private void MakeRoom(int needed)
    {
        if (_start > 0)
        {
            Array.Copy(_buffer, _start, _buffer, 0, _end - _start);
            (_start, _end) = (0, _end - _start);
        }
        if (_buffer.Length >= needed) return;
        var before = _buffer;
        Array.Resize(ref _buffer, (int)Math.Min(BitOperations.RoundUpToPowerOf2((uint)needed), (uint)Array.MaxLength));
        Array.Clear(before);
    }

    /// <summary>No byte is left of what has come.</summary>
    internal void Wipe()
    {
        Array.Clear(_buffer);
        _start = _end = 0;
    }

    /// <summary>Where more is to be put, after <see cref="TryTake"/> has found too little.</summary>
    internal Span<byte> Room => _buffer.AsSpan(_end);

    internal void Add(int count) => _end += count;
}
