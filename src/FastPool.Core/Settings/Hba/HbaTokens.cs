namespace FastPool.Core.Settings;

/// <summary>Kinds of tokens. The numbers are part of a message and must stay.</summary>
internal enum HbaTokenKind
{
    Quoted = 0,
    Word = 1,
    Comma = 2,
    Unterminated = 3,
    End = 4,
}

/// <summary>
/// The tokens of one line of an HBA or ident file: words, quoted text (never a keyword), commas. # outside quotes ends the line.
/// </summary>
internal ref struct HbaTokens
{
    private ReadOnlySpan<char> _rest;

    /// <summary>Stands at the line's first token.</summary>
    internal HbaTokens(ReadOnlySpan<char> line)
    {
        _rest = line;
        Text = "";
        Next();
    }

    internal HbaTokenKind Kind { get; private set; }

    /// <summary>Of the last word or quoted text: later tokens of other kinds leave it, and messages print it.</summary>
    internal string Text { get; private set; }

    internal readonly bool IsEnd => Kind == HbaTokenKind.End;

    internal readonly bool IsWord(string word) => Kind == HbaTokenKind.Word && Text == word;

    internal void Next() => Kind = Read();

    /// <summary>All of the line after the current token, read by another grammar; then the line is at its end.</summary>
    internal string TakeRest()
    {
        var rest = ByteText.Trim(_rest).ToString();
        _rest = [];
        Kind = HbaTokenKind.End;
        return rest;
    }

    private HbaTokenKind Read()
    {
        while (!_rest.IsEmpty && ByteText.IsSpace(_rest[0])) _rest = _rest[1..];
        if (_rest.IsEmpty || _rest[0] == '#')
        {
            _rest = [];
            return HbaTokenKind.End;
        }

        if (_rest[0] == ',')
        {
            _rest = _rest[1..];
            return HbaTokenKind.Comma;
        }

        return _rest[0] == '"' ? ReadQuoted() : ReadWord();
    }

    private HbaTokenKind ReadQuoted()
    {
        if (!QuotedText.TryRead(_rest, '"', out var text, out var length)) return HbaTokenKind.Unterminated;
        Text = text;
        _rest = _rest[length..];
        return HbaTokenKind.Quoted;
    }

    private HbaTokenKind ReadWord()
    {
        var end = 0;
        while (end < _rest.Length && _rest[end] is not (',' or '#' or '"') && !ByteText.IsSpace(_rest[end])) end++;
        Text = _rest[..end].ToString();
        _rest = _rest[end..];
        return HbaTokenKind.Word;
    }
}
