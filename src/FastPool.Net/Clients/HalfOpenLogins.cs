using FastPool.Base;
using FastPool.Core.Sessions;

namespace FastPool.Net;

/// <summary>
/// Clients that have connected and say nothing: whatever name they claim, they count against no user and no database, only
/// against max_client_conn. When its places run out, one address may hold a share of them at most, and its oldest ones go.
/// </summary>
internal static class HalfOpenLogins
{
    /// <summary>A client has so long before it counts as silent; a crowd that logs in at once is no fault.</summary>
    internal const long SilentUs = 1_000_000;

    /// <summary>Places are scarce when fewer than that part of them is free; an address may hold as many.</summary>
    private const int Part = 10;

    private const int LeastAllowed = 10;

    private static readonly Ending TooMany = Ending.Told("too many connections of one address have not logged in");

    private static readonly Ending OutOfDescriptors = Ending.Told("no more connections allowed (too many open files)");

    internal static void Tick(Loop loop)
    {
        if (loop.Engine.Descriptors.IsInUse) EndThoseOnKeptDescriptors(loop);
        var max = loop.Registry.Settings.MaxClientConn;
        if (loop.LoginList.Count <= LeastAllowed || loop.Registry.Clients.Count < max - (max / Part)) return;
        var allowed = Math.Max(LeastAllowed, max / Part / loop.Shared.LoopsInUse.Count);
        var excess = loop.LoginList.Copy()
            .Where(client => IsSilent(client, loop.NowUs))
            .GroupBy(static client => client.Session.Remote.Network)
            .SelectMany(group => group.OrderByDescending(static client => client.Session.ConnectUs).Skip(allowed));
        foreach (var client in excess.ToList()) loop.EndLogin(client, TooMany);
    }

    /// <summary>They are for clients that want the console, and say so at once.</summary>
    private static void EndThoseOnKeptDescriptors(Loop loop)
    {
        foreach (var client in loop.LoginList.Copy())
            if (client.Session.MayOnlyUseConsole && IsSilent(client, loop.NowUs)) loop.EndLogin(client, OutOfDescriptors);
    }

    /// <summary>It waits only for the client itself.</summary>
    private static bool IsSilent(ClientConnection client, long nowUs) =>
        client is
        {
            IsOpen: true, BringsCancel: false,
            Session: { Login: { Query: null, Check: null, Derivation: null }, IsOwnUser: false }
        }
            && nowUs - client.Session.ConnectUs > SilentUs;
}
