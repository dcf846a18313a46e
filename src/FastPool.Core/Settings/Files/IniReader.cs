namespace FastPool.Core.Settings;

/// <summary>The parts of an ini file.</summary>
public enum IniEventKind
{
    /// <summary>End of the file.</summary>
    End,

    /// <summary>[name].</summary>
    Section,

    /// <summary>name = value.</summary>
    Entry,

    /// <summary>%include value.</summary>
    Include,

    /// <summary>Anything else. The next line may be read all the same.</summary>
    SyntaxError,
}

/// <summary>One construct of an ini file.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Line">Where it stands, from 1.</param>
/// <param name="Name">Of the section or the key.</param>
/// <param name="Value">Of the entry, or the included file's name.</param>
public readonly record struct IniEvent(IniEventKind Kind, int Line, string Name, string Value);

/// <summary>
/// The grammar of the main file and of what it includes, one construct after the other. It knows neither sections nor keys: what
/// they mean, and opening included files, is the loader's.
/// </summary>
public sealed class IniReader
{
    private readonly string _text;
    private int _at;
    private int _line = 1;

    public IniReader(string file, string text)
    {
        File = file;
        var end = text.IndexOf('\0'); // A NUL byte ends the file.
        _text = end < 0 ? text : text[..end];
    }

    /// <summary>The file as it was named, for messages.</summary>
    public string File { get; }

    /// <summary>The next construct.</summary>
    public IniEvent Read()
    {
        while (true)
        {
            SkipSpace();
            if (_at == _text.Length) return new IniEvent(IniEventKind.End, _line, "", "");
            switch (_text[_at])
            {
                case '#' or ';':
                    _at = EndOfLine();
                    continue;
                case '%':
                    return ReadInclude();
                case '[':
                    return ReadSection();
                default:
                    return ReadEntry();
            }
        }
    }

    private IniEvent ReadInclude()
    {
        const string Word = "%include";
        var blank = _at + Word.Length;
        if (string.CompareOrdinal(_text, _at, Word, 0, Word.Length) != 0 || blank >= _text.Length || !IsBlank(_text[blank]))
        {
            return SyntaxError(_line);
        }

        _at = blank;
        return new IniEvent(IniEventKind.Include, _line, "", ReadValue());
    }

    private IniEvent ReadSection()
    {
        var close = _text.AsSpan(_at, EndOfLine() - _at).IndexOf(']');
        if (close < 0) return SyntaxError(_line);
        var name = _text.Substring(_at + 1, close - 1);
        _at += close + 1; // The rest of the line is read as if it began one.
        return new IniEvent(IniEventKind.Section, _line, name, "");
    }

    private IniEvent ReadEntry()
    {
        var key = _text[_at] switch { '\'' => ReadQuotedKey(), '"' => ReadName(), _ => ReadKey() };
        if (key is null) return SyntaxError(_line);
        SkipBlanks();
        if (_at == _text.Length || _text[_at] != '=') return SyntaxError(_line);
        _at++;
        return new IniEvent(IniEventKind.Entry, _line, key, ReadValue());
    }

    /// <summary>The empty key is grammar, though no section knows it.</summary>
    private string ReadKey()
    {
        var start = _at;
        while (_at < _text.Length && IsKeyByte(_text[_at])) _at++;
        return _text[start.._at];
    }

    /// <summary>'…': no escapes, any byte, even line ends. Unclosed, the error is on the last line of the file.</summary>
    private string? ReadQuotedKey()
    {
        var start = _at + 1;
        var length = _text.AsSpan(start).IndexOf('\'');
        var isClosed = length >= 0;
        var key = isClosed ? _text.AsSpan(start, length) : _text.AsSpan(start).TrimEnd('\n');
        _line += key.Count('\n');
        _at = isClosed ? start + length + 1 : _text.Length;
        return isClosed && !key.IsEmpty ? key.ToString() : null;
    }

    /// <summary>
    /// "…" on one line, for names that SQL would put in such quotes: "" stands for one of them. Beyond PgBouncer's grammar.
    /// </summary>
    private string? ReadName()
    {
        var line = _text.AsSpan(_at, EndOfLine() - _at);
        if (!QuotedText.TryRead(line, '"', out var name, out var length) || name.Length == 0) return null;
        _at += length;
        return name;
    }

    /// <summary>Everything to the end of the line, quotes and comment signs included, without the blanks around it.</summary>
    private string ReadValue()
    {
        SkipBlanks();
        var end = EndOfLine();
        var value = ByteText.TrimEnd(_text.AsSpan(_at, end - _at)).ToString();
        _at = end;
        return value;
    }

    private IniEvent SyntaxError(int line)
    {
        _at = EndOfLine();
        return new IniEvent(IniEventKind.SyntaxError, line, "", "");
    }

    private void SkipSpace()
    {
        for (; _at < _text.Length && ByteText.IsSpace(_text[_at]); _at++)
        {
            if (_text[_at] == '\n') _line++;
        }
    }

    private void SkipBlanks()
    {
        while (_at < _text.Length && IsBlank(_text[_at])) _at++;
    }

    private int EndOfLine()
    {
        var end = _at < _text.Length ? _text.IndexOf('\n', _at) : -1;
        return end < 0 ? _text.Length : end;
    }

    private static bool IsBlank(char c) => c is ' ' or '\t';

    private static bool IsKeyByte(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '*' or '-';
}
