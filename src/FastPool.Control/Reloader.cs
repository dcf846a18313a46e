using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using Microsoft.Extensions.Logging;

namespace FastPool.Control;

/// <summary>
/// Puts settings in force, whoever brings them: RELOAD, SIGHUP or SET. Control thread; a signal gets there by
/// <see cref="ControlThread.Post"/>.
/// </summary>
public sealed class Reloader
{
    private readonly PoolRegistry _registry;
    private readonly Evictions _evictions;
    private readonly IProcessControl _process;

    internal Reloader(PoolRegistry registry, Evictions evictions, IProcessControl process)
    {
        _registry = registry;
        _evictions = evictions;
        _process = process;
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
        var dropped = _registry.Apply(settings);
        var hasTls = !rebuildTls || _process.TryApplyTls(settings);
        if (rebuildTls && hasTls && HasOtherServerTls(previous, settings)) InvalidateAll();
        _evictions.Remove(dropped);
        _evictions.RemoveLogins(dropped);
        _evictions.RemovePeers([.. previous.Peers.Keys.Where(id => !settings.Peers.ContainsKey(id))]);
        _evictions.CloseObsoleteLogins();
        _process.SettingsApplied(settings);
        return hasTls;
    }

    private void InvalidateAll()
    {
        foreach (var pool in _registry.Pools) pool.Invalidate();
    }

    private static bool HasOtherServerTls(Settings previous, Settings settings)
    {
        foreach (var row in SettingsTable.Rows)
        {
            if (row.Key.StartsWith("server_tls", StringComparison.Ordinal) && previous.ShowValue(row.Key) != settings.ShowValue(row.Key)) return true;
        }
        return false;
    }
}
