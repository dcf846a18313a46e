using FastPool.Control.Answers;
using FastPool.Core.Pools;
using FastPool.Protocol;
using static FastPool.Control.Listings.Columns<FastPool.Core.Pools.HostReading>;
using static FastPool.Control.Listings.Metric;

namespace FastPool.Control.Listings;

/// <summary>SHOW HOSTS: where servers are opened, and how each of these places is.</summary>
internal static class HostListing
{
    public static Listing<HostReading> Listing { get; } = new(
        Text("host", static row => row.Name),
        Text("address", static row => row.Address),
        Int4("port", static row => row.Port),
        Text("role", static row => row.Role.Word()),
        Text("state", static row => StateWord(row.State)),
        Int4("servers", static row => row.Servers)
            .Is(Gauge("fastpool_host_server_connections", "Server connections to the host that this process opened")),
        Numeric("login_us", static row => row.LoginUs)
            .Is(GaugeOfUs("fastpool_host_login_seconds", "Time that the last login took")),
        Numeric("failures", static row => row.Failures)
            .Is(Counter("fastpool_host_failures_total", "Attempts to open a server at the host that failed")),
        Text("last_error", static row => row.LastError),
        new("last_error_time", ColumnType.Text, static (ref RowWriter writer, HostReading row, ILocalTime time) =>
            writer.Text(row.LastErrorWallUs == 0 ? "" : time.Format(row.LastErrorWallUs))),
        Numeric("lag_us", static row => row.LagMs * 1000)
            .Is(GaugeOfUs("fastpool_host_lag_seconds", "Time by which a standby was behind its primary at the last check")),
        Unlisted("up", static row => row.State == HostState.Up ? 1 : 0)
            .Is(Gauge("fastpool_host_up", "1 if the last attempt at the host succeeded, else 0")));

    public static IReadOnlyList<HostReading> Rows(Sources sources) => sources.Registry.Hosts.Read(sources.Clock.NowUs);

    public static string StateWord(HostState state) => state switch
    {
        HostState.Up => "up",
        HostState.Down => "down",
        HostState.Connecting => "connecting",
        _ => "unknown",
    };
}
