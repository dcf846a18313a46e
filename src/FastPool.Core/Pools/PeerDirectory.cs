using System.Net;
using FastPool.Core.Settings;

namespace FastPool.Core.Pools;

/// <summary>
/// The poolers to which cancel requests are passed on: the lines of [peers], and those that are found behind the names of its
/// line auto. Any thread may ask; one at a time learns.
/// </summary>
public sealed class PeerDirectory
{
    private static readonly Known Nobody = new(0, new Dictionary<int, PeerEntry>());

    private readonly Func<Settings.Settings> _settings;
    private Known _known = Nobody;

    internal PeerDirectory(Func<Settings.Settings> settings) => _settings = settings;

    private sealed record Known(int OwnId, IReadOnlyDictionary<int, PeerEntry> Found);

    private Known Now => Volatile.Read(ref _known); // Pairs: Learn.

    /// <summary>Our own number among the peers; 0: there is none, or it is not known yet.</summary>
    public int OwnId => _settings() is var settings && settings.IsPeerIdAuto ? Now.OwnId : settings.PeerId;

    /// <summary>By id.</summary>
    public IReadOnlyCollection<PeerEntry> All
    {
        get
        {
            var named = _settings().Peers;
            return [.. named.Values.Concat(Now.Found.Values.Where(peer => !named.ContainsKey(peer.Id))).OrderBy(peer => peer.Id)];
        }
    }

    /// <summary>A line with that number is stronger than what is found.</summary>
    /// <returns>Null: nobody has that number.</returns>
    public PeerEntry? Find(int id) => _settings().Peers.GetValueOrDefault(id) ?? Now.Found.GetValueOrDefault(id);

    /// <summary>These are behind the names.</summary>
    /// <param name="isOurs">Whether the address is one of this machine's.</param>
    /// <returns>Two addresses for each id that several have: only the first of them is heard.</returns>
    public IReadOnlyList<(int Id, string First, string Other)> Learn(IEnumerable<IPAddress> addresses,
        Func<IPAddress, bool> isOurs)
    {
        var settings = _settings();
        var line = settings.PeersByName;
        // In one order everywhere, whatever the order of the answer is.
        var ordered = addresses.Distinct().OrderBy(static ip => Convert.ToHexString(ip.GetAddressBytes()), StringComparer.Ordinal)
            .ToList();
        var own = !settings.IsPeerIdAuto ? null : settings.OwnAddress ?? ordered.Find(ip => isOurs(ip));
        var doubles = new List<(int, string, string)>();
        var byId = new Dictionary<int, string>();
        var found = new Dictionary<int, PeerEntry>();
        if (own is not null) byId.Add(PeerEntry.IdOf(own), own.ToString());
        foreach (var named in settings.Peers.Values) byId.TryAdd(named.Id, named.HostText);
        foreach (var address in ordered)
        {
            if (line is null || address.Equals(own)) continue;
            var peer = line.At(address);
            if (byId.TryAdd(peer.Id, peer.HostText)) found.Add(peer.Id, peer);
            else if (byId[peer.Id] != peer.HostText) doubles.Add((peer.Id, byId[peer.Id], peer.HostText));
        }
        Volatile.Write(ref _known, new Known(own is null ? 0 : PeerEntry.IdOf(own), found)); // Pairs: Now.
        return doubles;
    }
}
