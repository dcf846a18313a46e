using System.Buffers.Binary;
using FastPool.Native.Process;

namespace FastPool.Logs;

/// <summary>
/// In place of stderr when that leads to the systemd journal: entries with a priority, without stamp and pid, which the journal
/// has itself. Source: systemd, Native Journal Protocol.
/// </summary>
public sealed class JournalSink(string ident) : ILogSink
{
    private const string SocketPath = "/run/systemd/journal/socket";
    private const int LengthBytes = 8;

    private readonly byte[] _entry = new byte[512 + (LineBuilder.EscapedBytes * LineBuilder.TextBytesMax)];

    /// <summary>True when a stream is the one that JOURNAL_STREAM names as device:inode.</summary>
    public static bool Leads(string? journalStream, ulong device, ulong inode) => journalStream == $"{device}:{inode}";

    public void Write(in LogLine line)
    {
        var length = Build(line, _entry);
        if (UnixSocket.Send(SocketPath, _entry.AsSpan(0, length)) >= 0) return;

        // The journal also takes lines with a priority in front from the stream itself.
        length = Append(_entry, 0, [(byte)'<', (byte)('0' + LevelWords.SyslogPriority(line.Level)), (byte)'>']);
        length = Append(_entry, length, line.Text);
        length = Append(_entry, length, "\n"u8);
        _ = Descriptor.Write(Descriptor.Stderr, _entry.AsSpan(0, length));
    }

    public void Reopen()
    {
    }

    /// <summary>An entry: fields name=value, but for the text, which may hold line feeds and goes with its length.</summary>
    internal int Build(in LogLine line, Span<byte> entry)
    {
        const int IdentBytesMax = 255;
        var length = Append(entry, 0, "PRIORITY="u8);
        entry[length++] = (byte)('0' + LevelWords.SyslogPriority(line.Level));
        length = Append(entry, length, "\nSYSLOG_IDENTIFIER="u8);
        length += System.Text.Encoding.Latin1.GetBytes(ident.AsSpan(0, Math.Min(ident.Length, IdentBytesMax)), entry[length..]);
        length = Append(entry, length, "\nMESSAGE\n"u8);
        BinaryPrimitives.WriteInt64LittleEndian(entry[length..], line.Text.Length);
        length = Append(entry, length + LengthBytes, line.Text);
        return Append(entry, length, "\n"u8);
    }

    private static int Append(Span<byte> entry, int at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(entry[at..]);
        return at + bytes.Length;
    }
}
