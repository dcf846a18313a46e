using System.Buffers;
using System.Buffers.Text;
using System.Text;
using Microsoft.Extensions.Logging;

namespace FastPool.Logs;

/// <summary>
/// Puts a line together, in one buffer that is used again for each: YYYY-MM-DD HH:MM:SS.mmm TZ [pid] LEVEL text. Control bytes
/// are escaped, because names and texts of peers get into the log, and from there to a terminal. Not for several threads at
/// once.
/// </summary>
public sealed class LineBuilder(int pid)
{
    /// <summary>A longer text is cut.</summary>
    public const int TextBytesMax = 2047;

    private const int HeadBytesMax = 96;

    /// <summary>All of them but the tab, which moves nothing but a column.</summary>
    private static readonly SearchValues<char> Controls =
        SearchValues.Create([.. Enumerable.Range(0, ' ').Append(0x7f).Where(static c => c != '\t').Select(static c => (char)c)]);

    /// <summary>\x1b in place of a byte: a text may be nothing but such.</summary>
    public const int EscapedBytes = 4;

    private readonly byte[] _whole = new byte[HeadBytesMax + (EscapedBytes * TextBytesMax) + 1];

    /// <param name="stamp">Time and zone.</param>
    /// <param name="level">How severe.</param>
    /// <param name="text">One char a byte.</param>
    public LogLine Build(ReadOnlySpan<byte> stamp, LogLevel level, ReadOnlySpan<char> text)
    {
        var length = Append(0, stamp);
        length = Append(length, " ["u8);
        _ = Utf8Formatter.TryFormat(pid, _whole.AsSpan(length), out var digits);
        length = Append(length + digits, "] "u8);
        length = Append(length, LevelWords.Word(level));
        length = Append(length, " "u8);
        var start = length;
        length = AppendText(start, text);
        _whole[length] = (byte)'\n';
        return new LogLine(level, _whole.AsSpan(0, length + 1), _whole.AsSpan(start, length - start));
    }

    private int Append(int at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_whole.AsSpan(at));
        return at + bytes.Length;
    }

    /// <summary>
    /// A continued line begins with a tab, so that one entry is still told from the next; white space at the end goes.
    /// </summary>
    private int AppendText(int start, ReadOnlySpan<char> text)
    {
        if (text.Length > TextBytesMax) text = text[..TextBytesMax];
        text = text.TrimEnd(" \t\n\v\f\r");
        var length = start;
        while (true)
        {
            var end = text.IndexOfAny(Controls);
            length += Encoding.Latin1.GetBytes(end < 0 ? text : text[..end], _whole.AsSpan(length));
            if (end < 0) return length;
            length = AppendControl(length, (byte)text[end]);
            text = text[(end + 1)..];
        }
    }

    private int AppendControl(int at, byte control)
    {
        if (control == '\n') return Append(at, "\n\t"u8);
        at = Append(at, "\\x"u8);
        _ = Utf8Formatter.TryFormat(control, _whole.AsSpan(at), out var digits, new StandardFormat('x', 2));
        return at + digits;
    }
}
