using FastPool.Core.Settings;

namespace FastPool.Control.Commands;

/// <summary>The detail of SHOW HELP's notice.</summary>
internal static class ConsoleHelp
{
    private const string Descriptors = "FDS|";
    private const string Suspend = "SUSPEND";

    private static readonly string[] Lines =
    [
        "SHOW HELP|CONFIG|DATABASES|POOLS|CLIENTS|SERVERS|USERS|VERSION",
        "SHOW PEERS|PEER_POOLS",
        "SHOW " + Descriptors + "SOCKETS|ACTIVE_SOCKETS|LISTS|MEM|STATE",
        "SHOW DNS_HOSTS|DNS_ZONES",
        "SHOW STATS|STATS_TOTALS|STATS_AVERAGES|TOTALS",
        "SET key = arg",
        "RELOAD",
        "PAUSE [<db>]",
        "RESUME [<db>]",
        "DISABLE <db>",
        "ENABLE <db>",
        "RECONNECT [<db>]",
        "KILL [<db>]",
        "KILL_CLIENT <client_id>",
        Suspend,
        "SHUTDOWN",
        "SHUTDOWN WAIT_FOR_SERVERS|WAIT_FOR_CLIENTS",
        "WAIT_CLOSE [<db>]",
    ];

    private static readonly string Older = Joined(Lines);

    /// <summary>Commands that PgBouncer 1.26 has no more work all the same.</summary>
    private static readonly string Newer = Joined(
        Lines.Where(static line => line != Suspend)
            .Select(static line => line.Replace(Descriptors, "", StringComparison.Ordinal)));

    public static string TextOf(ShownVersion version) => version >= ShownVersion.V126 ? Newer : Older;

    /// <summary>Every line begins with a tab; the whole with a line feed.</summary>
    private static string Joined(IEnumerable<string> lines) => string.Concat(lines.Select(static line => "\n\t" + line));
}
