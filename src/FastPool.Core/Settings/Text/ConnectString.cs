namespace FastPool.Core.Settings;

/// <summary>
/// key=value pairs separated by spaces, as values of [databases], [users] and [peers]. Nothing of libpq's escapes: a quoted
/// value knows '' only, and only a space separates.
/// </summary>
public ref struct ConnectString(ReadOnlySpan<char> text)
{
    private ReadOnlySpan<char> _rest = text;

    /// <summary>True after <see cref="Read"/> met what is no pair.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>The next pair.</summary>
    /// <returns>False at the end, and where the text is broken.</returns>
    public bool Read(out ReadOnlySpan<char> key, out string value)
    {
        key = default;
        value = "";
        SkipSpaces();
        if (_rest.IsEmpty) return false;
        var end = _rest.IndexOfAny('=', ' ');
        if (end <= 0) return Broken();
        key = _rest[..end];
        _rest = _rest[end..];
        SkipSpaces();
        if (_rest.IsEmpty || _rest[0] != '=') return Broken();
        _rest = _rest[1..];
        SkipSpaces();

        var isRead = !_rest.IsEmpty && _rest[0] == '\'' ? ReadQuoted(out value) : ReadWord(out value);
        return (isRead && value.Length > 0) || Broken(); // An empty value is none.
    }

    private bool ReadWord(out string value)
    {
        var end = _rest.IndexOf(' ');
        if (end < 0) end = _rest.Length;
        value = _rest[..end].ToString();
        _rest = _rest[end..];
        return true;
    }

    private bool ReadQuoted(out string value)
    {
        var isClosed = QuotedText.TryRead(_rest, '\'', out value, out var length);
        if (isClosed) _rest = _rest[length..];
        return isClosed;
    }

    private void SkipSpaces() => _rest = _rest.TrimStart(' ');

    private bool Broken()
    {
        IsBroken = true;
        return false;
    }
}
