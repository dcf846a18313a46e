using FastPool.Core.Sessions;
using static FastPool.Control.Listings.Columns<FastPool.Control.Listings.ConnectionRow>;

namespace FastPool.Control.Listings;

/// <summary>SHOW PROXIED: clients that a proxy has told of, in the order of SHOW CLIENTS.</summary>
internal static class ProxiedListing
{
    public static Listing<ConnectionRow> Listing { get; } = new(
        Text("user", static row => row.User ?? "(nouser)"),
        Text("database", static row => row.Database ?? "(nodb)"),
        Text("addr", static row => row.Remote.ToString()),
        Int4("port", static row => row.Remote.Port),
        Text("proxy_addr", static row => row.Origin!.Proxy.ToString()),
        Int4("proxy_port", static row => row.Origin!.Proxy.Port),
        Text("authority", static row => row.Origin!.Authority),
        Text("proxy_tls", static row => row.Origin!.Tls),
        Text("common_name", static row => row.Origin!.CommonName),
        Int4("id", static row => row.Id),
        Text("ptr", static row => ConnectionName.Pointer(row.Id)));

    public static IEnumerable<ConnectionRow> Rows(Connections connections) =>
        connections.ClientsInOrder().Where(static row => row.Origin is not null);
}
