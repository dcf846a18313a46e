namespace FastPool.Protocol;

/// <summary>
/// The mechanisms that an AuthenticationSASL offers, the server's preference first: C strings, then an empty one.
/// </summary>
public ref struct SaslMechanisms(ReadOnlySpan<byte> mechanisms)
{
    private BodyReader _reader = new(mechanisms);
    private bool _ended;

    public ReadOnlySpan<byte> Current { get; private set; }

    /// <summary>After the last name: the empty one was missing, or was not the last byte.</summary>
    public bool IsMalformed { get; private set; }

    public bool MoveNext()
    {
        if (_ended) return false;
        if (!_reader.TryReadCString(out var name)) return End(malformed: true);
        if (name.IsEmpty) return End(malformed: !_reader.AtEnd);
        Current = name;
        return true;
    }

    private bool End(bool malformed)
    {
        _ended = true;
        IsMalformed = malformed;
        Current = default;
        return false;
    }
}
