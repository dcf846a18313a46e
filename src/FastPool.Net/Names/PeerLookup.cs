using System.Net;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Native;
using Microsoft.Extensions.Logging;

namespace FastPool.Net.Names;

/// <summary>
/// Asks for the addresses behind the names of [peers] again and again: the resolver's answers are as old as dns_max_ttl allows.
/// An answer without an address says nothing of those before. The round is the control plane's; answers may come on any thread.
/// </summary>
public sealed class PeerLookup(PoolRegistry registry, IHostResolver resolver, ILogger log)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, IReadOnlyList<IPAddress>> _answers = [];
    private readonly HashSet<string> _asked = [];
    private string _seen = "";

    /// <summary>The janitor's round.</summary>
    public void Tick()
    {
        var line = registry.Settings.PeersByName;
        lock (_lock)
        {
            foreach (var gone in _answers.Keys.Where(name => line is null || !line.Hosts.Contains(name)).ToList())
                _answers.Remove(gone);
        }
        foreach (var host in line?.Hosts ?? [])
        {
            if (IPAddress.TryParse(host, out var ip))
            {
                Note(host, [ip]);
                continue;
            }
            lock (_lock)
            {
                if (!_asked.Add(host)) continue;
            }
            resolver.Resolve(host, addresses => Note(host, [.. addresses.Select(static address => address.Ip)]));
        }
        lock (_lock) Learn();
    }

    private void Note(string host, IReadOnlyList<IPAddress> addresses)
    {
        lock (_lock)
        {
            _asked.Remove(host);
            if (addresses.Count > 0) _answers[host] = addresses;
            Learn();
        }
    }

    private void Learn()
    {
        var settings = registry.Settings;
        if (settings.PeersByName is null && !settings.IsPeerIdAuto && _seen.Length == 0) return;
        var (idBefore, before) = (registry.Peers.OwnId, _seen);
        var doubles = registry.Peers.Learn(_answers.Values.SelectMany(static addresses => addresses), IsOurs);
        _seen = string.Join(' ', registry.Peers.All.Select(static peer => $"{peer.Id}={peer.HostText}:{peer.Port}"));
        if (registry.Peers.OwnId != idBefore) log.Note($"peer_id is {registry.Peers.OwnId}");
        if (_seen == before) return;
        log.Note($"peers: {_seen}");
        foreach (var (id, first, other) in doubles)
            log.Caution("", $"peers {first} and {other} have the same id {id}: cancel requests do not reach {other}");
    }

    /// <summary>Only an address of this machine can be bound to.</summary>
    private static bool IsOurs(IPAddress address)
    {
        var native = NativeAddress.Ip(address, 0);
        var handle = Sockets.TryOpen(native.Family);
        if (handle < 0) return false;
        var isOurs = Sockets.TryBind(handle, native) >= 0;
        Sockets.Close(handle);
        return isOurs;
    }
}
