using System.Text;

namespace FastPool.Control.Commands;

/// <summary>A word or string of a statement.</summary>
/// <param name="Text">Unquoted.</param>
/// <param name="RawLength">As it stands in the query.</param>
internal readonly record struct Token(string Text, int RawLength, bool IsQuoted);

/// <summary>The tokens of the console's grammar, read from left to right.</summary>
internal struct StatementReader(string text)
{
    private int _position;

    private readonly bool HasMore => _position < text.Length;

    /// <returns>True when there was at least one.</returns>
    public bool SkipBlanks()
    {
        var start = _position;
        while (HasMore && text[_position] is ' ' or '\t' or '\n' or '\r') _position++;
        return _position > start;
    }

    /// <summary>Takes the text, in any case, whatever follows it.</summary>
    public bool TryTake(string expected)
    {
        if (!text.AsSpan(_position).StartsWith(expected, StringComparison.OrdinalIgnoreCase)) return false;
        _position += expected.Length;
        return true;
    }

    /// <summary>A name of letters, digits and underscores, or anything in double quotes.</summary>
    public Token? ReadWord()
    {
        if (HasMore && text[_position] == '"') return ReadQuoted('"');
        var start = _position;
        while (HasMore && (char.IsAsciiLetterOrDigit(text[_position]) || text[_position] == '_')) _position++;
        return _position == start ? null : new Token(text[start.._position], _position - start, IsQuoted: false);
    }

    /// <summary>Anything in single quotes.</summary>
    public Token? ReadString() => HasMore && text[_position] == '\'' ? ReadQuoted('\'') : null;

    /// <summary>Nothing follows but blanks and one semicolon.</summary>
    public bool IsAtEnd()
    {
        SkipBlanks();
        if (HasMore && text[_position] == ';') _position++;
        SkipBlanks();
        return !HasMore;
    }

    /// <summary>Up to the closing quote; a quote within is written twice.</summary>
    private Token? ReadQuoted(char quote)
    {
        var unquoted = new StringBuilder();
        for (var i = _position + 1; i < text.Length; i++)
        {
            if (text[i] != quote)
            {
                unquoted.Append(text[i]);
            }
            else if (i + 1 < text.Length && text[i + 1] == quote)
            {
                unquoted.Append(quote);
                i++;
            }
            else
            {
                var start = _position;
                _position = i + 1;
                return new Token(unquoted.ToString(), _position - start, IsQuoted: true);
            }
        }
        return null;
    }
}
