using System.Buffers.Text;
using System.Text;
using Microsoft.Extensions.Logging;

namespace FastPool.Logs;

/// <summary>
/// Puts a line together, in one buffer that is used again for each: YYYY-MM-DD HH:MM:SS.mmm TZ [pid] LEVEL text. Not for several
/// threads at once.
/// </summary>
public sealed class LineBuilder(int pid)
{
    /// <summary>A longer text is cut.</summary>
    public const int TextBytesMax = 2047;

    private const int HeadBytesMax = 96;

    private readonly byte[] _whole = new byte[HeadBytesMax + (2 * TextBytesMax) + 1]; // A text may be all line feeds.

    /// <param name="stamp">Time and zone.</param>
    /// <param name="level">How severe.</param>
    /// <param name="text">One char a byte.</param>
    public LogLine Build(ReadOnlySpan<byte> stamp, LogLevel level, ReadOnlySpan<char> text)
    {
        int length = Append(0, stamp);
        length = Append(length, " ["u8);
        _ = Utf8Formatter.TryFormat(pid, _whole.AsSpan(length), out int digits);
        length = Append(length + digits, "] "u8);
        length = Append(length, LevelWords.Word(level));
        length = Append(length, " "u8);
        int start = length;
        length = AppendText(start, text);
        _whole[length] = (byte)'\n';
        return new LogLine(level, _whole.AsSpan(0, length + 1), _whole.AsSpan(start, length - start));
    }

    private int Append(int at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_whole.AsSpan(at));
        return at + bytes.Length;
    }

    /// <summary>A continued line begins with a tab, so that one entry is still told from the next; white space at the end goes.</summary>
    private int AppendText(int start, ReadOnlySpan<char> text)
    {
        if (text.Length > TextBytesMax) text = text[..TextBytesMax];
        int length = start;
        while (true)
        {
            int end = text.IndexOf('\n');
            var part = end < 0 ? text : text[..(end + 1)];
            length += Encoding.Latin1.GetBytes(part, _whole.AsSpan(length));
            if (end < 0) break;
            _whole[length++] = (byte)'\t';
            text = text[(end + 1)..];
        }

        while (length > start && _whole[length - 1] is (byte)' ' or (>= (byte)'\t' and <= (byte)'\r')) length--;
        return length;
    }
}
