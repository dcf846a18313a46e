using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using Microsoft.Extensions.Logging;

namespace FastPool.Control.Operations;

/// <summary>
/// Puts settings in force that RELOAD, SIGHUP or SET brings. Control thread; a signal gets there by <see
/// cref="ControlThread.Post"/>.
/// </summary>
public sealed class SettingsInForce
{
    private readonly PoolRegistry _registry;
    private readonly Evictions _evictions;
    private readonly IProcessControl _process;
    private readonly Clock _clock;
    private readonly ILogger _log;
    private int _stirred = -1;
    private long _idleLookUs;
    private Settings? _idleLookSettings;

    internal SettingsInForce(PoolRegistry registry, Evictions evictions, IProcessControl process, Clock clock, ILogger log)
    {
        _registry = registry;
        _evictions = evictions;
        _process = process;
        _clock = clock;
        _log = log;
    }

    /// <summary>
    /// Databases and peers that are no more lose their connections, changed ones get new servers. The TLS files are read
    /// again even if no setting changed: certificates are renewed in place.
    /// </summary>
    /// <returns>False when TLS could not be rebuilt; all else is in force.</returns>
    public bool Apply(Settings settings) => Put(settings, rebuildTls: true);

    /// <param name="rebuildTls">False when no TLS setting can have changed.</param>
    internal bool Put(Settings settings, bool rebuildTls)
    {
        var previous = _registry.Settings;
        var before = rebuildTls ? PoolTls(previous) : [];
        var dropped = _registry.Apply(settings);
        var hasTls = !rebuildTls || _process.TryApplyTls(settings);
        if (rebuildTls && hasTls) InvalidateOtherTls(before, settings);
        Drop(dropped);
        int[] droppedPeers = [.. previous.Peers.Keys.Where(id => !settings.Peers.ContainsKey(id))];
        foreach (var id in droppedPeers) _log.WarningLine($"dropping peer {id} as it does not exist anymore");
        _evictions.RemovePeers(droppedPeers);
        _evictions.CloseObsoleteLogins();
        _process.SettingsApplied(settings);
        return hasTls;
    }

    /// <summary>
    /// The janitor's round. It is about pools that should exist and do not, and about those that should no longer exist.
    /// </summary>
    public void Tick()
    {
        const int LooksPerTimeout = 100;
        const long LookPeriodMaxUs = 10_000_000;
        var stirred = _registry.Stirred;
        if (stirred != _stirred)
        {
            _stirred = stirred;
            if (_registry.AddForcedPools()) _registry.Stir();
        }
        if (_clock.NowUs < _idleLookUs && ReferenceEquals(_registry.Settings, _idleLookSettings)) return;
        _idleLookSettings = _registry.Settings;
        _idleLookUs = _clock.NowUs
            + Math.Clamp(ShortestIdleUs(_idleLookSettings) / LooksPerTimeout, Limits.TickUs, LookPeriodMaxUs);
        DropIdleDatabases();
    }

    private static long ShortestIdleUs(Settings settings) => settings.PoolIdleTimeoutUs is > 0 and var pools
        ? Math.Min(pools, settings.AutodbIdleTimeoutUs) : settings.AutodbIdleTimeoutUs;

    /// <summary>Auto-databases and pools that are not in use.</summary>
    public void DropIdleDatabases()
    {
        if (_registry.State.Mode == PoolerMode.Suspended) return;
        Drop(_registry.DropIdle(_clock.NowUs));
        _registry.DropIdlePools(_clock.NowUs, _evictions.VisitLoops);
    }

    private void Drop(IReadOnlyList<Database> dropped)
    {
        foreach (var database in dropped)
            _log.WarningLine($"dropping database '{database.Name}' as it does not exist anymore or inactive auto-database");
        _evictions.Remove(dropped);
        _evictions.RemoveLogins(dropped);
    }

    private List<(Pool Pool, ServerTls Tls)> PoolTls(Settings settings) =>
        [.. _registry.Pools.Select(pool => (pool, Tls(pool, settings)))];

    private static ServerTls Tls(Pool pool, Settings settings) =>
        settings.ServerTls(pool.Database.Entry, settings.Users.GetValueOrDefault(pool.ServerUserName));

    /// <summary>Pools whose servers are to be reached by another TLS than before get new ones.</summary>
    private void InvalidateOtherTls(List<(Pool Pool, ServerTls Tls)> before, Settings settings)
    {
        var isAny = false;
        foreach (var (pool, tls) in before)
        {
            if (tls == Tls(pool, settings)) continue;
            pool.Invalidate();
            isAny = true;
        }
        if (isAny) _registry.Stir();
    }
}
