namespace FastPool.Core.Settings;

/// <summary>One line of [peers]: another pooler of the group, to which cancel requests for its clients are passed on.</summary>
public sealed class PeerEntry
{
    private const int DefaultPort = 6432;
    private const int IdMax = ushort.MaxValue; // Cancel keys carry it in 16 bits.

    private PeerEntry(int id) => Id = id;

    public int Id { get; }

    /// <summary>host as it was given.</summary>
    public string HostText { get; private set; } = "";

    /// <summary>The items of host; the first is used until it fails, then the next.</summary>
    public IReadOnlyList<string> Hosts { get; private set; } = [];

    public int Port { get; private set; } = DefaultPort;

    /// <summary>Most cancel requests on their way at once. Null: default_pool_size. 0: none at all.</summary>
    public int? PoolSize { get; private set; }

    /// <summary>Reads a peer.</summary>
    /// <param name="id">The key of the line.</param>
    /// <param name="connectString">Its value.</param>
    /// <param name="log">Gets the reason when there is one.</param>
    /// <returns>Null when it is refused.</returns>
    public static PeerEntry? TryParse(string id, string connectString, List<LogText> log)
    {
        var error = Parse(id, connectString, out var entry);
        if (error is null) return entry;
        log.Add(LogText.Error(error));
        return null;
    }

    private static string? Parse(string id, string connectString, out PeerEntry? entry)
    {
        entry = null;
        if (!CNumber.TryDecimal(id, out var number) || number is < 1 or > IdMax)
        {
            return "ids of peers must be a number larger than 0 and at most 65536";
        }

        entry = new PeerEntry(number);
        var pairs = new ConnectString(connectString);
        while (pairs.Read(out var key, out var value))
        {
            var error = entry.Set(key, value);
            if (error is not null) return error;
        }

        if (pairs.IsBroken) return "syntax error in connection string";
        return entry.Hosts.Count == 0 ? $"host was not provided for peer {id}" : null;
    }

    private string? Set(ReadOnlySpan<char> key, string value)
    {
        switch (key)
        {
            case "host": (HostText, Hosts) = (value, CommaList.SplitVerbatim(value)); break;
            case "port":
                Port = CNumber.Atoi(value);
                if (Port == 0) return $"invalid port: {value}";
                break;
            case "pool_size": PoolSize = EntryText.SizeOrInherit(value); break;
            default: return $"unrecognized connection parameter: {key}";
        }

        return null;
    }
}
