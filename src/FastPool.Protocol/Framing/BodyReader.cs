using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace FastPool.Protocol;

/// <summary>
/// Takes the fields of a body from the front, one after the other. A peer may send anything, so what does not fit is a false and
/// never an exception. After a false the position is where it was.
/// </summary>
public ref struct BodyReader(ReadOnlySpan<byte> body)
{
    private ReadOnlySpan<byte> _rest = body;

    /// <summary>The bytes that have not been taken yet.</summary>
    public readonly ReadOnlySpan<byte> Rest => _rest;

    public readonly bool AtEnd => _rest.IsEmpty;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadCString(out ReadOnlySpan<byte> value)
    {
        var length = _rest.IndexOf((byte)0);
        if (length < 0)
        {
            value = default;
            return false;
        }
        value = _rest.Slice(0, length);
        _rest = _rest.Slice(length + 1);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadInt32(out int value)
    {
        if (!BinaryPrimitives.TryReadInt32BigEndian(_rest, out value)) return false;
        _rest = _rest.Slice(sizeof(int));
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadInt16(out short value)
    {
        if (!BinaryPrimitives.TryReadInt16BigEndian(_rest, out value)) return false;
        _rest = _rest.Slice(sizeof(short));
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadByte(out byte value)
    {
        if (_rest.IsEmpty)
        {
            value = 0;
            return false;
        }
        value = _rest[0];
        _rest = _rest.Slice(1);
        return true;
    }

    /// <summary>
    /// Takes exactly <paramref name="length"/> bytes. A length below zero, which only a peer would send, is a false.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadBytes(int length, out ReadOnlySpan<byte> value)
    {
        if ((uint)length > (uint)_rest.Length)
        {
            value = default;
            return false;
        }
        value = _rest.Slice(0, length);
        _rest = _rest.Slice(length);
        return true;
    }

    /// <summary>Takes all that is left.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> ReadRest()
    {
        var value = _rest;
        _rest = default;
        return value;
    }
}
