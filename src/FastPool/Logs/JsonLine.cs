using System.Buffers;
using System.Globalization;
using System.Text.Json;
using FastPool.Core.Settings;
using Microsoft.Extensions.Logging;

namespace FastPool.Logs;

/// <summary>
/// log_format = json: one object a line, whose keys do not change: time (UTC), pid, level, text, and of a line about a connection
/// connection, database, user and address. Not for several threads at once.
/// </summary>
internal sealed class JsonLine(int pid)
{
    private readonly ArrayBufferWriter<byte> _whole = new();

    /// <param name="wallUs">Microseconds since 1970.</param>
    /// <param name="level">How severe.</param>
    /// <param name="text">One char a byte; what is no UTF-8 is replaced.</param>
    public LogLine Build(long wallUs, LogLevel level, string text)
    {
        if (text.Length > LineBuilder.TextBytesMax) text = text[..LineBuilder.TextBytesMax];
        _whole.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(_whole, new JsonWriterOptions { Encoder = LogEncoder }))
        {
            json.WriteStartObject();
            json.WriteString("time", DateTime.UnixEpoch.AddMicroseconds(wallUs)
                .ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
            json.WriteNumber("pid", pid);
            json.WriteString("level", LevelWords.Word(level));
            var (connection, database, user, address, said) = Parts(text);
            json.WriteString("text", ByteText.ToNative(said.TrimEnd()));
            if (connection is not null)
            {
                json.WriteString("connection", connection);
                json.WriteString("database", ByteText.ToNative(database));
                json.WriteString("user", ByteText.ToNative(user));
                json.WriteString("address", address);
            }
            json.WriteEndObject();
        }

        _whole.Write("\n"u8);
        var bytes = _whole.WrittenSpan;
        return new LogLine(level, bytes, bytes[..^1]);
    }

    /// <summary>Read by programs and people alike: nothing is escaped without need.</summary>
    private static System.Text.Encodings.Web.JavaScriptEncoder LogEncoder =>
        System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    /// <summary>
    /// <c>C-0x…: db/user@host:port text</c> taken apart. Names may have any of these signs in them; the first of each counts, but
    /// for that before the address, of which the address has none.
    /// </summary>
    internal static (string? Connection, string Database, string User, string Address, string Text) Parts(string line)
    {
        if (!(line is ['C' or 'S', ..] && line.AsSpan(1).StartsWith("-0x")))
            return (null, "", "", "", line);
        var colon = line.IndexOf(": ", StringComparison.Ordinal);
        var blank = colon < 0 ? -1 : line.IndexOf(' ', colon + 2);
        if (blank < 0) return (null, "", "", "", line);
        var who = line[(colon + 2)..blank];
        var slash = who.IndexOf('/');
        var at = who.LastIndexOf('@');
        if (slash < 0 || at < slash) return (null, "", "", "", line);
        return (line[..colon], who[..slash], who[(slash + 1)..at], who[(at + 1)..], line[(blank + 1)..]);
    }
}
