using System.Net;

namespace FastPool.Core.Settings;

/// <summary>One line of [peers]: another pooler of the group, to which cancel requests for its clients are passed on.</summary>
public sealed class PeerEntry
{
    private const int DefaultPort = 6432;

    /// <summary>Cancel keys carry it in 16 bits.</summary>
    internal const int IdMax = ushort.MaxValue;

    /// <summary>The word in the place of a number: the id comes from the address.</summary>
    public const string Auto = "auto";

    private const int AutoIdMax = 16383; // That of PgBouncer's manual.

    private PeerEntry(int id) => Id = id;

    /// <summary>0: the line names all poolers behind a name, see <see cref="At"/>.</summary>
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

    /// <summary>
    /// The id of the pooler at that address, as every pooler computes it: the last 14 bits of the address. 0 is none, so it
    /// counts as 16383. Poolers of one network of 16,000 addresses have different ones.
    /// </summary>
    public static int IdOf(IPAddress address)
    {
        var bytes = (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).GetAddressBytes();
        var id = ((bytes[^2] << 8) | bytes[^1]) & AutoIdMax;
        return id == 0 ? AutoIdMax : id;
    }

    /// <summary>One of the poolers that a line with <see cref="Auto"/> names.</summary>
    public PeerEntry At(IPAddress address) => new(IdOf(address))
    {
        HostText = address.ToString(),
        Hosts = [address.ToString()],
        Port = Port,
        PoolSize = PoolSize,
    };

    private static string? Parse(string id, string connectString, out PeerEntry? entry)
    {
        entry = null;
        var number = 0;
        if (id != Auto && (!CNumber.TryDecimal(id, out number) || number is < 1 or > IdMax))
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
