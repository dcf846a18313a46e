namespace FastPool.Protocol;

/// <summary>
/// The parameters of a StartupMessage in the order of the packet: a key and a value each, C strings, then an empty key. Pairs in
/// front of a layout error are still given, since their own errors are reported first.
/// Source: PostgreSQL, Message Formats (StartupMessage).
/// </summary>
public ref struct StartupParameters(ReadOnlySpan<byte> parameters)
{
    private BodyReader _reader = new(parameters);
    private bool _ended;

    public ReadOnlySpan<byte> Key { get; private set; }

    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>After the last pair: the empty key was missing, or was not the last byte.</summary>
    public bool IsMalformed { get; private set; }

    public bool MoveNext()
    {
        if (_ended) return false;
        if (!_reader.TryReadCString(out var key)) return End(malformed: true);
        if (key.IsEmpty) return End(malformed: !_reader.AtEnd);
        if (!_reader.TryReadCString(out var value)) return End(malformed: true);
        Key = key;
        Value = value;
        return true;
    }

    private bool End(bool malformed)
    {
        _ended = true;
        IsMalformed = malformed;
        Key = default;
        Value = default;
        return false;
    }
}
