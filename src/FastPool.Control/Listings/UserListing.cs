using FastPool.Core.Pools;
using FastPool.Core.Settings;
using static FastPool.Control.Listings.Columns<FastPool.Control.Listings.UserRow>;

namespace FastPool.Control.Listings;

/// <summary>A user known by name, with whatever there is of settings and counts.</summary>
internal sealed record UserRow(string Name, UserEntry? Entry, PoolUser? Counts, Settings Settings);

/// <summary>SHOW USERS.</summary>
internal static class UserListing
{
    public static Listing<UserRow> Listing { get; } = new(
        Text("name", static row => row.Name),
        Text("pool_size", static row => Size(row.Entry?.PoolSize)),
        Text("reserve_pool_size", static row => Size(row.Entry?.ReservePoolSize)),
        Text("pool_mode", static row => row.Entry?.PoolMode is { } mode ? PoolModes.Words.WordOf(mode) : null),
        Int4("max_user_connections", static row => row.Settings.MaxUserConnections(row.Entry)),
        Int4("current_connections", static row => row.Counts?.Servers.Count ?? 0),
        Int4("max_user_client_connections", static row => row.Settings.MaxUserClientConnections(row.Entry)),
        Int4("current_client_connections", static row => row.Counts?.Clients.Count ?? 0));

    /// <summary>From auth_file and [users], forced users and auth_users, and users that came in by other ways.</summary>
    public static IEnumerable<UserRow> Rows(PoolRegistry registry)
    {
        var settings = registry.Settings;
        var counts = registry.Users.ToDictionary(static user => user.Name, StringComparer.Ordinal);
        var names = new SortedSet<string>(counts.Keys, StringComparer.Ordinal) { PoolRegistry.AdminDatabase };
        names.UnionWith(settings.UserList.Names);
        names.UnionWith(settings.Users.Keys);
        if (settings.AuthUser is { } global) names.Add(global);
        foreach (var database in registry.Databases)
        {
            if (database.Entry.ForcedUser is { } forced) names.Add(forced);
            if (database.Entry.AuthUser is { } authUser) names.Add(authUser);
        }
        return names.Select(name =>
            new UserRow(name, settings.Users.GetValueOrDefault(name), counts.GetValueOrDefault(name), settings));
    }

    /// <summary>Each row its own: a user without a size has an empty string, whatever the row before had.</summary>
    private static string Size(int? size) => size is { } own ? $"{own,9}" : "";
}
