using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace FastPool.Protocol;

/// <summary>
/// Puts fields into a destination from the front. A field that does not fit is a mistake of the caller, who knows the size
/// before, so it is an exception: half a message must never look like a whole one.
/// </summary>
public ref struct BodyWriter
{
    private readonly Span<byte> _destination;
    private int _position;

    /// <exception cref="ArgumentException">The destination is shorter than <paramref name="size"/> bytes.</exception>
    public BodyWriter(Span<byte> destination, int size)
    {
        if ((uint)size > (uint)destination.Length) ThrowTooShort(size, destination.Length);
        _destination = destination.Slice(0, size);
    }

    /// <summary>Writes the bytes and a NUL.</summary>
    /// <exception cref="ArgumentException">
    /// The value holds a NUL, which would end the field early and shift all that follows.
    /// </exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void CString(scoped ReadOnlySpan<byte> value)
    {
        if (value.Contains((byte)0)) ThrowHoldsNul();
        Bytes(value);
        Byte(0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Int32(int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(_destination.Slice(_position), value);
        _position += sizeof(int);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Int16(short value)
    {
        BinaryPrimitives.WriteInt16BigEndian(_destination.Slice(_position), value);
        _position += sizeof(short);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Byte(byte value) => _destination[_position++] = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Bytes(scoped ReadOnlySpan<byte> value)
    {
        value.CopyTo(_destination.Slice(_position));
        _position += value.Length;
    }

    /// <summary>Writes a Byte<i>n</i> field.</summary>
    /// <exception cref="ArgumentException">The value has not exactly <paramref name="length"/> bytes.</exception>
    public void Bytes(scoped ReadOnlySpan<byte> value, int length)
    {
        if (value.Length != length) ThrowWrongLength(value.Length, length);
        Bytes(value);
    }

    [DoesNotReturn]
    private static void ThrowTooShort(int size, int length) =>
        throw new ArgumentException($"a message of {size} bytes does not fit into {length}");

    [DoesNotReturn]
    private static void ThrowHoldsNul() => throw new ArgumentException("a C string cannot hold a NUL");

    [DoesNotReturn]
    private static void ThrowWrongLength(int actual, int wanted) =>
        throw new ArgumentException($"a field of {wanted} bytes was given {actual}");
}
