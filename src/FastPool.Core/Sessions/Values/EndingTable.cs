namespace FastPool.Core.Sessions;

/// <summary>How often clients were told that, and closed.</summary>
/// <param name="Reason">Without the parts that differ each time: names, numbers.</param>
/// <param name="User">Of a login: the name, if it is one that the settings know. Else empty.</param>
/// <param name="IsLogin">It was not in yet.</param>
public readonly record struct EndingRow(string Reason, string User, bool IsLogin, long Count);

/// <summary>
/// One loop's notes on clients that were closed with an error. Bounded: names come from outside. Belongs to the loop's thread.
/// </summary>
public sealed class EndingTable
{
    /// <summary>Stands for all rows for which there is no room.</summary>
    public const string Others = "(others)";

    private const int RowsMax = 512;

    private readonly Dictionary<(string Reason, string User, bool IsLogin), long> _counts = [];

    public IEnumerable<EndingRow> Rows =>
        _counts.Select(static pair => new EndingRow(pair.Key.Reason, pair.Key.User, pair.Key.IsLogin, pair.Value));

    /// <param name="message">The text that the client was told.</param>
    /// <param name="user">See <see cref="EndingRow"/>.</param>
    public void Add(string message, string user, bool isLogin)
    {
        var key = (Kind(message), user, isLogin);
        if (!_counts.ContainsKey(key) && _counts.Count >= RowsMax) key = (Others, "", isLogin);
        _counts[key] = _counts.GetValueOrDefault(key) + 1;
    }

    /// <summary>The message up to the first colon, without what stands in quotes.</summary>
    internal static string Kind(string message)
    {
        var colon = message.IndexOf(": ", StringComparison.Ordinal);
        if (colon > 0) message = message[..colon];
        while (true)
        {
            var open = message.IndexOf('"');
            var close = open < 0 ? -1 : message.IndexOf('"', open + 1);
            if (close < 0) return message;
            message = message[..open].TrimEnd() + message[(close + 1)..];
        }
    }
}
