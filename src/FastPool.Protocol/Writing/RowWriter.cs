using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace FastPool.Protocol;

/// <summary>
/// Writes a result set of text values into a buffer: BeginDescription, Column..., End; then for every row BeginRow, a value for
/// each column, End; then Complete. Lengths and counts are filled in by <see cref="End"/>. Strings go out as Latin-1, the form in
/// which outside text is kept.
/// </summary>
/// <param name="buffer">Where the messages go.</param>
/// <param name="formats">Of the columns: 0 text, 1 binary. Empty: all in text form.</param>
/// <param name="types">Of the columns, in a row; needed for those in binary form alone.</param>
public ref struct RowWriter(MessageBuffer buffer, ReadOnlySpan<short> formats = default, ReadOnlySpan<ColumnType> types = default)
{
    private const int NullLength = -1;
    private const short TextFormat = 0;
    private const int NoTypmod = -1;

    /// <summary>The longest Int64 or UInt64: 20 characters.</summary>
    private const int NumberLengthMax = 20;

    private readonly MessageBuffer _buffer = buffer;
    private readonly ReadOnlySpan<short> _formats = formats;
    private readonly ReadOnlySpan<ColumnType> _types = types;
    private int _start;
    private int _count;

    public void BeginDescription() => Begin(RowDescription.Type);

    /// <summary>A column of no table, with values in text form.</summary>
    public void Column(string name, ColumnType type)
    {
        Latin1(name);
        _buffer.WriteByte(0);
        DescribeColumn(type);
    }

    /// <inheritdoc cref="Column(string, ColumnType)"/>
    public void Column(scoped ReadOnlySpan<byte> name, ColumnType type)
    {
        _buffer.Write(name);
        _buffer.WriteByte(0);
        DescribeColumn(type);
    }

    public void BeginRow() => Begin(DataRow.Type);

    public void Null()
    {
        _buffer.WriteInt32(NullLength);
        _count++;
    }

    public void Text(scoped ReadOnlySpan<byte> value)
    {
        _buffer.WriteInt32(value.Length);
        _buffer.Write(value);
        _count++;
    }

    /// <param name="value">Null is NULL.</param>
    public void Text(string? value)
    {
        if (value is null)
        {
            Null();
            return;
        }
        var position = _buffer.Length;
        _buffer.WriteInt32(0);
        // The length is that of the bytes: a character beyond Latin-1 becomes a question mark, and so does a pair of surrogates.
        _buffer.PatchInt32(position, Latin1(value));
        _count++;
    }

    /// <summary>A number, in decimal or as its type's binary form.</summary>
    public void Number(long value)
    {
        if (IsBinary)
        {
            BinaryNumber(value);
            return;
        }
        Span<byte> digits = stackalloc byte[NumberLengthMax];
        Utf8Formatter.TryFormat(value, digits, out var length);
        Text(digits.Slice(0, length));
    }

    /// <inheritdoc cref="Number(long)"/>
    public void Number(ulong value)
    {
        if (IsBinary)
        {
            BinaryNumber((long)value);
            return;
        }
        Span<byte> digits = stackalloc byte[NumberLengthMax];
        Utf8Formatter.TryFormat(value, digits, out var length);
        Text(digits.Slice(0, length));
    }

    /// <summary>A numeric with three places behind the point.</summary>
    public void Thousandths(long value)
    {
        if (IsBinary)
        {
            NumericForm.Write(_buffer, value, NumericForm.PlacesMax);
            _count++;
            return;
        }
        Span<byte> digits = stackalloc byte[NumberLengthMax + 1];
        Utf8Formatter.TryFormat(value / 1000m, digits, out var length, new StandardFormat('F', NumericForm.PlacesMax));
        Text(digits.Slice(0, length));
    }

    /// <summary>A bytea: <c>\x</c> and hexadecimal digits, or the bytes themselves.</summary>
    public void Bytes(byte[]? value)
    {
        if (value is not null && IsBinary) Text(value.AsSpan());
        else Text(value is null ? null : @"\x" + Convert.ToHexStringLower(value));
    }

    private readonly bool IsBinary => _count < _formats.Length && _formats[_count] == 1;

    private void BinaryNumber(long value)
    {
        switch (_types[_count])
        {
            case { Oid: 23 }:
                _buffer.WriteInt32(sizeof(int));
                _buffer.WriteInt32((int)value);
                break;
            case { Oid: 20 }:
                _buffer.WriteInt32(sizeof(long));
                _buffer.WriteInt32((int)(value >> 32));
                _buffer.WriteInt32((int)value);
                break;
            default:
                NumericForm.Write(_buffer, value, places: 0);
                break;
        }
        _count++;
    }

    /// <summary>Ends a description or a row.</summary>
    public readonly void End()
    {
        _buffer.PatchInt32(_start + 1, _buffer.Length - _start - 1);
        _buffer.PatchInt16(_start + MessageHeader.Size, checked((short)_count));
    }

    /// <summary>CommandComplete.</summary>
    public readonly void Complete(scoped ReadOnlySpan<byte> tag) => _buffer.Write(new CommandComplete { Tag = tag });

    private void Begin(byte type)
    {
        _start = _buffer.Length;
        _count = 0;
        _buffer.WriteByte(type);
        _buffer.WriteInt32(0);
        _buffer.WriteInt16(0);
    }

    private void DescribeColumn(ColumnType type)
    {
        _buffer.WriteInt32(0); // Table OID.
        _buffer.WriteInt16(0); // Attribute number.
        _buffer.WriteInt32(type.Oid);
        _buffer.WriteInt16(type.Length);
        _buffer.WriteInt32(NoTypmod);
        _buffer.WriteInt16(_count < _formats.Length ? _formats[_count] : TextFormat);
        _count++;
    }

    private readonly int Latin1(string value)
    {
        var length = Encoding.Latin1.GetBytes(value, _buffer.GetSpan(value.Length));
        _buffer.Advance(length);
        return length;
    }
}
