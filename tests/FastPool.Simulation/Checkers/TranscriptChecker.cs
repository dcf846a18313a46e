using System.Text;
using FastPool.Simulation.Clients;
using FastPool.Simulation.Postgres;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Checkers;

/// <summary>
/// Each client saw, byte for byte, what a connection of its own would have shown, up to where it ended: no reply missing,
/// doubled, out of order or another client's. Between messages may stand what a server says unasked; at the end one
/// FATAL of the pooler's, with a text that the faults of the world explain.
/// </summary>
internal sealed class TranscriptChecker(World world) : Checker(world)
{
    private static readonly string[] FaultTexts =
    [
        "server conn crashed?", "server connection closed", "query_wait_timeout", "query_timeout", "query timeout",
            "idle server got dirty",
        "client_login_timeout", "client_login_timeout (server down)", "server login has been failing, cached error: ",
        "the database system is starting up", "sorry, too many clients already", "connect failed", "connect timeout",
            "var change failed", "invalid server parameter", "session state query failed",
    ];

    internal override void AtEnd()
    {
        foreach (var client in World.Clients) CheckClient(client);
    }

    private void CheckClient(FakeClient client)
    {
        client.Direct.Backend.Pump();
        var actual = CutFatal(client, client.Received.Span);
        var expected = client.Direct.Backend.Output.Span;
        int a = 0, e = 0;
        var late = new LateReports(World.Plan.State != StateScope.Basic && client.StartupValues.Length > 0);
        while (a < actual.Length)
        {
            if (late.TryTake(actual[a..], expected[e..], out var told, out var due))
            {
                a += told;
                e += due;
                continue;
            }
            var unasked = UnaskedLength(actual[a..]);
            if (unasked > 0)
            {
                a += unasked;
                continue;
            }
            var length = Math.Min(Wire.Frame(expected[e..], out _), actual.Length - a);
            var isSame = length > 0 && actual.Slice(a, length).SequenceEqual(expected.Slice(e, length));
            if (!isSame && (World.Plan.HasFaults || World.Plan.HasPins) && (!client.IsContent || e == expected.Length)
                && EndsInCutFatal(actual[a..], expected[e..])) break;
            if (!isSame && client.HasSeenCutCancel(actual[a..])) break;
            Holds(isSame,
                $"{client.Progress}\nafter {a} bytes it saw  {Show(actual[a..])}\nin place of {Show(expected[e..])}\nbehind      {Show(actual[Math.Max(0, a - 160)..a])}\n{client.Said}");
            a += length;
            e += length;
        }
        while (late.TryTake([], expected[e..], out _, out var due)) e += due;
        if (client.IsContent) Holds(late.AreAllHere, $"{client.Progress}: {late}\n{client.Said}");
        if (client.IsContent) Holds(e == expected.Length, $"{client.Progress}: {expected.Length - e} bytes are missing");
    }

    /// <summary>A notification, or the farewell of a server that is shut down.</summary>
    private static int UnaskedLength(ReadOnlySpan<byte> bytes)
    {
        var length = Wire.Frame(bytes, out var type);
        if (type == 'A') return length > 0 ? length : bytes.Length;
        // It ended in the middle of that.
        if (type == 'N' && length == 0
            && "SNOTICE"u8.StartsWith(
            bytes.Slice(Math.Min(5, bytes.Length), Math.Min(7, bytes.Length - Math.Min(5, bytes.Length))))) return bytes.Length;
        if (type == 'N' && length > 0 && bytes[..length].IndexOf("client being queued"u8) >= 0) return length;
        return type == 'E' && length > 0 && bytes[..length].IndexOf("57P01"u8) >= 0 ? length : 0;
    }

    /// <summary>
    /// The reply breaks off, perhaps, and the beginning of a FATAL follows: the client left in the middle of it, or its socket
    /// was full.
    /// </summary>
    private static bool EndsInCutFatal(ReadOnlySpan<byte> actual, ReadOnlySpan<byte> expected)
    {
        var common = actual.CommonPrefixLength(expected);
        for (var i = 0; i <= common && i < actual.Length; i++)
        {
            var rest = actual[i..];
            if (rest[0] != 'E' || Wire.Frame(rest, out _) != 0) continue;
            var head = rest[Math.Min(5, rest.Length)..];
            if ("SFATAL\0"u8.StartsWith(head[..Math.Min(head.Length, "SFATAL\0"u8.Length)])) return true;
        }
        return false;
    }

    private ReadOnlySpan<byte> CutFatal(FakeClient client, ReadOnlySpan<byte> bytes)
    {
        var at = bytes.LastIndexOf("SFATAL\0C"u8) - 5;
        if (at < 0 || Wire.Frame(bytes[at..], out var type) != bytes.Length - at || type != 'E') return bytes;
        if (bytes[at..].IndexOf("57P01"u8) >= 0) return bytes;
        var text = Encoding.Latin1.GetString(bytes[at..]);
        // Not in the length, which may have that byte too.
        var message = text[(text.IndexOf("\0M", 5, StringComparison.Ordinal) + 2)..].TrimEnd('\0');
        if (World.Plan.MineChance > 0 && message == "internal error") return bytes[..at];
        if (World.Plan.HasPins && message.StartsWith("too many pinned servers (", StringComparison.Ordinal)) return bytes[..at];
        Holds(World.Plan.HasFaults
            && FaultTexts.Any(known => message.StartsWith(known, StringComparison.Ordinal)),
            $"{client.Progress} was told: {message}\n{client.Said}");
        return bytes[..at];
    }

    private static string Show(ReadOnlySpan<byte> bytes) =>
        string.Concat(Encoding.Latin1.GetString(bytes[..Math.Min(600, bytes.Length)])
            .Select(c => c is < ' ' or > '~' ? $"\\{(int)c:x}" : c.ToString()));
}
