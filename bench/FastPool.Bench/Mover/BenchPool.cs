using System.Globalization;
using FastPool.Core.Pools;
using FastPool.Core.Settings;
using FastPool.Simulation.Worlds;

namespace FastPool.Bench.Mover;

/// <summary>A pool in which nothing ends by itself.</summary>
internal static class BenchPool
{
    private const string Settings = "[pgbouncer]\nlisten_port=1\nauth_type=any\nserver_lifetime=3600\nserver_idle_timeout=0\n"
        + "query_wait_timeout=0\nquery_wait_notify=0\n[databases]\nd = host=127.0.0.1\n[pgbouncer]\ndefault_pool_size=";

    public static Pool Create(int loops, int servers)
    {
        var files = new MemoryFiles { ["w.ini"] = Settings + servers.ToString(CultureInfo.InvariantCulture) };
        var loaded = ConfigurationLoader.Load("w.ini", files, null, new Dictionary<string, string>());
        var registry = new PoolRegistry(loaded.Settings!, loops);
        return registry.GetPool(registry.FindDatabase("d", out _)!, "ann");
    }
}
