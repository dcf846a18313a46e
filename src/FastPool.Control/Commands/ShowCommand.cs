using System.Text;
using FastPool.Control.Answers;
using FastPool.Control.Handover;
using FastPool.Control.Listings;
using FastPool.Control.Statistics;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using FastPool.Protocol;

namespace FastPool.Control.Commands;

/// <summary>SHOW: one row an item.</summary>
internal sealed class ShowCommand
{
    /// <summary>All that another process of our own kind needs to go on in our place.</summary>
    private const string TakeoverItem = "TAKEOVER";

    private const string Tag = "SHOW";

    private readonly Sources _sources;
    private readonly ILocalTime _time;
    private readonly Connections _connections;
    private readonly Dictionary<string, Item> _items;

    public ShowCommand(Sources sources, ILocalTime time)
    {
        _sources = sources;
        _time = time;
        _connections = new Connections(sources.Registry, sources.Walk);
        var registry = sources.Registry;
        _items = new Dictionary<string, Item>(StringComparer.OrdinalIgnoreCase)
        {
            ["HELP"] =
                new Item((answer, _) =>
                answer.Buffer.WriteNotice("Console usage"u8, Encoding.Latin1.GetBytes(ConsoleHelp.TextOf(Version)))),
            ["CONFIG"] = Of(ConfigListing.Listing, () => ConfigListing.Rows(registry.Settings)),
            ["DATABASES"] = Of(DatabaseListing.Listing, () => DatabaseListing.Rows(registry)),
            ["POOLS"] = Of(PoolListing.Listing, () => PoolListing.Rows(sources)),
            ["CLIENTS"] = Of(ConnectionListing.Listing, () => ConnectionListing.Clients(_connections, registry.Settings)),
            ["SERVERS"] = Of(ConnectionListing.Listing, () => ConnectionListing.Servers(_connections, registry.Settings)),
            ["USERS"] = Of(UserListing.Listing, () => UserListing.Rows(registry)),
            ["VERSION"] = Of(PairListings.Version, () => [Version.Product()]),
            ["PEERS"] = Of(PeerListing.PeerList, () => PeerListing.PeerRows(registry)),
            ["PEER_POOLS"] = Of(PeerListing.PeerPools, () => PeerListing.PeerPoolRows(sources.Walk)),
            ["FDS"] = new Item(WriteDescriptors) { Columns = static () => DescriptorListing.Listing, NeedsAdmin = true },
            ["SOCKETS"] =
                new Item(
                (answer, request) => ConnectionListing.WithBuffers.Write(answer, Sockets(request), Remembering))
                {
                    Columns = static () => ConnectionListing.WithBuffers
                },
            ["ACTIVE_SOCKETS"] =
                new Item(
                (answer, request) =>
                ConnectionListing.WithBuffers.Write(answer, Sockets(request).Where(ConnectionListing.IsActiveSocket),
                Remembering))
                { Columns = static () => ConnectionListing.WithBuffers },
            ["LISTS"] = Of(PairListings.Lists, () => PairListings.ListsRows(sources)),
            ["MEM"] = Of(MemListing.Listing, () => MemListing.Rows(sources)),
            ["STATE"] = Of(PairListings.State, () => PairListings.StateRows(registry.State.Mode)),
            ["DNS_HOSTS"] = Of(DnsListing.DnsHosts, () => DnsListing.DnsHostRows(sources)),
            ["DNS_ZONES"] = Of(DnsListing.DnsZones, () => DnsListing.DnsZoneRows(sources.Dns)),
            ["STATS"] = OfStats(StatsListing.Stats),
            ["STATS_TOTALS"] = OfStats(StatsListing.Totals),
            ["STATS_AVERAGES"] = OfStats(StatsListing.Averages),
            ["TOTALS"] = Of(PairListings.Totals,
                () => StatsListing.TotalsRows(sources.Stats.OfAll(sources.Clock.NowUs), Version)),

            // FastPool's own.
            ["LATENCY"] = Of(LatencyListing.Databases, () => sources.Latency.OfDatabases(sources.Clock.NowUs)),
            ["LATENCY USERS"] = Of(LatencyListing.Users, () => sources.Latency.OfUsers(sources.Clock.NowUs)),
            ["LATENCY STATEMENTS"] =
                new Item(
                (answer, request) =>
                LatencyListing.TopStatements.Write(answer,
                LatencyListing.StatementLines(sources.Latency, sources.Clock.NowUs, request.IsAdmin), Remembering))
                {
                    Columns = static () => LatencyListing.TopStatements
                },
            ["TRANSACTIONS"] = Of(TransactionListing.Listing, () => TransactionListing.Rows(sources)),
            ["WAITING"] = Of(WaitingListing.Listing, () => WaitingListing.Rows(sources)),
            ["HOSTS"] = Of(HostListing.Listing, () => HostListing.Rows(sources)),
            ["PROXIED"] = Of(ProxiedListing.Listing, () => ProxiedListing.Rows(_connections)),
            ["LOOPS"] = Of(LoopListing.Listing, () => LoopRow.All(sources.Walk)),
            ["SAFETY"] = Of(SafetyListing.Listing, () => SafetyListing.Rows(sources.Walk)),
            ["LISTENERS"] = Of(ListenersListing.Listing, () => ListenedRow.All(sources.Walk)),
            [TakeoverItem] = new Item((answer, request) =>
            {
                if (!request.IsOwnUser || !sources.Registry.State.IsFrozen) throw request.InvalidCommand();
                SendDescriptors(answer, request, OneText("state"),
                    new HandoverWriter(registry, sources.Walk, sources.Secrets, sources.Statements, sources.Clock).Write);
            }),
            ["FASTPOOL"] = Of(ProductListing.Listing, () => ProductListing.Rows(registry, sources.Product, sources.Walk)),
        };
    }

    /// <summary>
    /// The session that was last given descriptors: when it says SHUTDOWN it has taken over what they stand for.
    /// </summary>
    public ClientSession? DescriptorsGivenTo { get; private set; }

    private ShownVersion Version => _sources.Registry.Settings.Own.ShowAs;

    private ILocalTime Remembering => new SecondMemory(_time);

    /// <summary>Texts that drivers probe with win over the items.</summary>
    public void Run(ConsoleRequest request, string name)
    {
        var answer = request.NewAnswer();
        if (CompatibleParameters.Find(name, Version) is { } value)
        {
            OneText(name).Write(answer, [value], _time);
        }
        else if (_items.TryGetValue(name, out var item))
        {
            if (item.NeedsAdmin) request.RequireAdmin();
            item.Write(answer, request);
        }
        else
        {
            throw request.InvalidCommand();
        }
        answer.Complete(Tag);
    }

    /// <summary>The columns of an item, without its rows.</summary>
    /// <returns>False: it has none, or is none.</returns>
    public bool TryDescribe(string name, MessageBuffer buffer, ReadOnlySpan<short> formats)
    {
        if (CompatibleParameters.Contains(name, Version))
        {
            OneText(name).Describe(buffer, formats);
            return true;
        }
        if (!_items.TryGetValue(name, out var item) || item.Columns is null) return false;
        item.Columns().Describe(buffer, formats);
        return true;
    }

    private static Listing<string> OneText(string name) => PairListings.OneText(name.ToLowerInvariant());

    private Item Of<T>(Listing<T> listing, Func<IEnumerable<T>> rows) =>
        new((answer, _) => listing.Write(answer, rows(), Remembering)) { Columns = () => listing };

    private Item OfStats(Listing<DatabaseStats> listing) =>
        new((answer, _) => StatsListing.As(Version, listing)
            .Write(answer, _sources.Stats.OfDatabases(_sources.Clock.NowUs), Remembering))
        { Columns = () => StatsListing.As(Version, listing) };

    private void WriteDescriptors(Answer answer, ConsoleRequest request)
    {
        if (request.IsOwnUser && answer.Form is null)
            SendDescriptors(answer, request, DescriptorListing.Listing,
                copies =>
                DescriptorListing.Messages(DescriptorListing.Rows(_sources, _connections, copies), _sources.Secrets,
                Remembering));
        else
            DescriptorListing.Listing.Write(answer, DescriptorListing.Rows(_sources, _connections), Remembering);
    }

    /// <summary>All of them or none: a process that got some of them would take over a part.</summary>
    private void SendDescriptors(Answer answer, ConsoleRequest request, IDescription columns, Func<DescriptorCopies,
        IReadOnlyList<DescriptorMessage>> write)
    {
        var copies = _sources.Walk.NewCopies();
        try
        {
            var messages = write(copies);
            if (copies.Problem is { } problem)
                throw new ConsoleException("could not duplicate the descriptors: "
                + problem, ConsoleException.InsufficientResources);
            columns.Describe(answer.Buffer, default);
            DescriptorsGivenTo = request.Client;
            answer.Send(messages, copies);
        }
        catch
        {
            copies.Dispose();
            throw;
        }
    }

    /// <summary>The asking session's buffer always holds its query: type, length, text and NUL.</summary>
    private IEnumerable<ConnectionLine> Sockets(ConsoleRequest request)
    {
        const int HeaderAndNul = 6;
        var buffer = new BufferView(request.Query.Length + HeaderAndNul, 0, 0, 0);
        return ConnectionListing.Sockets(_connections, _sources.Registry.Settings, request.ClientId, buffer);
    }

    private sealed record Item(Action<Answer, ConsoleRequest> Write)
    {
        public bool NeedsAdmin { get; init; }

        /// <summary>Null: it has no rows.</summary>
        public Func<IDescription>? Columns { get; init; }
    }
}
