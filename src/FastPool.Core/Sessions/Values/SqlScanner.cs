using System.Text;

namespace FastPool.Core.Sessions;

/// <summary>The kind of a piece of an SQL text.</summary>
internal enum SqlToken : byte
{
    End,
    /// <summary>A keyword, or a name without quotes.</summary>
    Word,
    /// <summary>A name between double quotes.</summary>
    QuotedName,
    Semicolon,
    /// <summary>A string, a number, an operator, anything within parentheses.</summary>
    Other,
}

/// <summary>
/// Cuts an SQL text where PostgreSQL would: comments, strings and quoted names are whole. It knows no grammar. Source:
/// PostgreSQL, Lexical Structure.
/// </summary>
/// <param name="hasBackslashes">standard_conforming_strings is off.</param>
internal ref struct SqlScanner(ReadOnlySpan<byte> text, bool hasBackslashes)
{
    private ReadOnlySpan<byte> _rest = text;
    private int _depth;

    /// <summary>The present token as it is written.</summary>
    internal ReadOnlySpan<byte> Token { get; private set; }

    /// <summary>Goes on to the next token.</summary>
    internal SqlToken Next()
    {
        while (true)
        {
            SkipSpace();
            if (_rest.IsEmpty) return SqlToken.End;
            var kind = Cut();
            if (_depth == 0) return kind;
        }
    }

    private SqlToken Cut()
    {
        switch (_rest[0])
        {
            case (byte)';': return Take(1, SqlToken.Semicolon);
            case (byte)'"': return Take(QuotedLength(_rest, '"', hasEscapes: false), SqlToken.QuotedName);
            case (byte)'\'': return Take(QuotedLength(_rest, '\'', hasBackslashes), SqlToken.Other);
            case (byte)'$' when DollarLength() is > 0 and var length: return Take(length, SqlToken.Other);
            case (byte)'(': _depth++; return Take(1, SqlToken.Other);
            case (byte)')': _depth -= _depth > 0 ? 1 : 0; return Take(1, SqlToken.Other);
            case var first when IsInWord(first): return CutWord();
            default: return Take(1, SqlToken.Other);
        }
    }

    private SqlToken CutWord()
    {
        var length = 1;
        while (length < _rest.Length && (IsInWord(_rest[length]) || _rest[length] == '$')) length++;
        var isEscaped = length == 1 && (_rest[0] | 0x20) == 'e' && _rest.Length > 1 && _rest[1] == '\'';
        if (isEscaped) return Take(1 + QuotedLength(_rest[1..], '\'', hasEscapes: true), SqlToken.Other);
        return Take(length, char.IsAsciiDigit((char)_rest[0]) ? SqlToken.Other : SqlToken.Word);
    }

    private SqlToken Take(int length, SqlToken kind)
    {
        Token = _rest[..length];
        _rest = _rest[length..];
        return kind;
    }

    private static bool IsInWord(byte b) => char.IsAsciiLetterOrDigit((char)b) || b == '_' || b >= 0x80;

    private void SkipSpace()
    {
        while (true)
        {
            _rest = _rest.TrimStart(" \t\r\n\f\v"u8);
            if (_rest.StartsWith("--"u8))
            {
                var end = _rest.IndexOfAny((byte)'\n', (byte)'\r');
                _rest = end < 0 ? default : _rest[end..];
            }
            else if (_rest.StartsWith("/*"u8))
            {
                SkipComment();
            }
            else
            {
                return;
            }
        }
    }

    /// <summary>Comments nest.</summary>
    private void SkipComment()
    {
        var depth = 0;
        while (!_rest.IsEmpty)
        {
            var step = 1;
            if (_rest.StartsWith("/*"u8)) (depth, step) = (depth + 1, 2);
            else if (_rest.StartsWith("*/"u8)) (depth, step) = (depth - 1, 2);
            _rest = _rest[step..];
            if (depth == 0) return;
        }
    }

    /// <summary>From a quote to the one that ends it; a doubled one does not.</summary>
    private static int QuotedLength(ReadOnlySpan<byte> sql, char quote, bool hasEscapes)
    {
        for (var at = 1; at < sql.Length; at++)
        {
            if (hasEscapes && sql[at] == '\\') at++;
            else if (sql[at] != quote) continue;
            else if (at + 1 < sql.Length && sql[at + 1] == quote) at++;
            else return at + 1;
        }
        return sql.Length;
    }

    /// <returns>0: the dollar begins no string.</returns>
    private readonly int DollarLength()
    {
        var end = 1;
        while (end < _rest.Length && IsInWord(_rest[end])) end++;
        if (end == _rest.Length || _rest[end] != '$' || char.IsAsciiDigit((char)_rest[1])) return 0;
        var tag = _rest[..(end + 1)];
        var closing = _rest[tag.Length..].IndexOf(tag);
        return closing < 0 ? _rest.Length : tag.Length + closing + tag.Length;
    }

    /// <summary>The name that a token stands for: without quotes, or in lower case.</summary>
    internal static byte[] NameOf(SqlToken kind, ReadOnlySpan<byte> token)
    {
        if (kind == SqlToken.Word)
        {
            var folded = token.ToArray();
            Ascii.ToLowerInPlace(folded, out _);
            return folded;
        }
        var name = new List<byte>(token.Length);
        for (var at = 1; at < token.Length - 1; at++)
        {
            name.Add(token[at]);
            if (token[at] == '"') at++;
        }
        return [.. name];
    }
}
