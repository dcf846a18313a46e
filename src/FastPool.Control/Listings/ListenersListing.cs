using FastPool.Control.Operations;
using FastPool.Core.Sessions;
using static FastPool.Control.Listings.Columns<FastPool.Control.Listings.ListenedRow>;

namespace FastPool.Control.Listings;

/// <summary>A channel of a pool's listening connection, as it was when its loop was visited.</summary>
internal sealed record ListenedRow(string Database, string User, string Channel, int Clients, long Notifications, long ServerId)
{
    public static IEnumerable<ListenedRow> All(LoopWalk walk)
    {
        var rows = new List<ListenedRow>();
        walk.Servers((_, server) =>
        {
            if (server.Hub is not { } hub) return;
            foreach (var channel in hub.Channels)
            {
                rows.Add(new ListenedRow(server.Pool.Database.Name, server.Pool.User.Name, channel.Name, channel.Clients,
                    channel.Notifications, server.Id));
            }
        });
        return rows.OrderBy(static row => row.Database, StringComparer.Ordinal)
            .ThenBy(static row => row.User, StringComparer.Ordinal).ThenBy(static row => row.Channel, StringComparer.Ordinal);
    }
}

/// <summary>SHOW LISTENERS: the channels to which clients listen by their pools' listening connections.</summary>
internal static class ListenersListing
{
    public static Listing<ListenedRow> Listing { get; } = new(
        Text("database", static row => row.Database),
        Text("user", static row => row.User),
        Text("channel", static row => row.Channel),
        Int4("clients", static row => row.Clients),
        Numeric("notifications", static row => row.Notifications),
        Text("server", static row => ConnectionName.Pointer(row.ServerId)));
}
