namespace FastPool.Protocol;

/// <summary>
/// The fields of an ErrorResponse or NoticeResponse: a code byte and a C string each, then a 0. Walked with MoveNext, or asked by
/// code. A malformed field ends the walk and shows in <see cref="IsMalformed"/>.
/// Source: PostgreSQL, Error and Notice Message Fields.
/// </summary>
public ref struct ErrorFields(ReadOnlySpan<byte> fields)
{
    public const byte SeverityCode = (byte)'S';
    /// <summary>As <see cref="SeverityCode"/>, never localized; PostgreSQL 9.6 and later.</summary>
    public const byte PlainSeverityCode = (byte)'V';
    public const byte SqlStateCode = (byte)'C';
    public const byte MessageCode = (byte)'M';
    public const byte DetailCode = (byte)'D';

    private readonly ReadOnlySpan<byte> _fields = fields;
    private BodyReader _reader = new(fields);
    private bool _ended;

    /// <summary>The current field's code.</summary>
    public byte Code { get; private set; }

    /// <summary>The current field's text, without its NUL.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>After the last field: the terminator was missing, or was not the last byte.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>ERROR, FATAL, PANIC, WARNING, NOTICE..., possibly localized; empty when absent.</summary>
    public readonly ReadOnlySpan<byte> Severity => Get(SeverityCode);

    /// <summary>Five characters; empty when absent.</summary>
    public readonly ReadOnlySpan<byte> SqlState => Get(SqlStateCode);

    /// <summary>The primary message; empty when absent.</summary>
    public readonly ReadOnlySpan<byte> Message => Get(MessageCode);

    public bool MoveNext()
    {
        if (_ended) return false;
        if (!_reader.TryReadByte(out var code)) return End(malformed: true);
        if (code == 0) return End(malformed: !_reader.AtEnd);
        if (!_reader.TryReadCString(out var value)) return End(malformed: true);
        Code = code;
        Value = value;
        return true;
    }

    /// <summary>The first field with this code, wherever the walk stands.</summary>
    public readonly bool TryGet(byte code, out ReadOnlySpan<byte> value)
    {
        var walk = new ErrorFields(_fields);
        while (walk.MoveNext())
        {
            if (walk.Code != code) continue;
            value = walk.Value;
            return true;
        }
        value = default;
        return false;
    }

    private bool End(bool malformed)
    {
        _ended = true;
        IsMalformed = malformed;
        Code = 0;
        Value = default;
        return false;
    }

    private readonly ReadOnlySpan<byte> Get(byte code)
    {
        TryGet(code, out var value);
        return value;
    }
}
