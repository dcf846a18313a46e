using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Sessions.Handover;
using FastPool.Core.Settings;

namespace FastPool.Net;

/// <summary>
/// SUSPEND on one loop: new connections stay in the backlog, clients stop at the end of a message, then servers do. The
/// console's sessions go on.
/// </summary>
internal sealed class LoopSuspension(Loop loop, LoopGroup group)
{
    private static readonly Ending LeftBehind =
        new("connection cannot be handed over", "this connection cannot be handed over to the new process, connect again",
        Ending.AdminShutdown);

    /// <summary>By <see cref="HandOver"/>: a PgBouncer that asks for descriptors can do nothing with TLS.</summary>
    private bool _hasGivenKeys;

    /// <inheritdoc cref="ILoopView.TrySuspend"/>
    internal bool TrySuspend(string? closeReason)
    {
        StopAccepting();
        loop.Engine.SendDeferred();
        return TryParkClients(closeReason) && TryParkServers(closeReason);
    }

    /// <inheritdoc cref="ILoopView.TryEndLogins"/>
    internal bool TryEndLogins()
    {
        StopAccepting();
        return loop.LoginList.Count == 0 && group.Cancels.ViewOf(loop.Index).Count == 0;
    }

    /// <inheritdoc cref="ILoopView.TryFreeze"/>
    internal bool TryFreeze(string? closeReason, bool mayFinish)
    {
        StopAccepting();
        loop.Engine.SendDeferred();
        loop.Engine.IsFrozen = true;
        var isSettled = true;
        foreach (var client in loop.ClientList.Copy())
        {
            if (!client.IsOpen || client.IsParked || client.Session.IsConsole) continue;
            if (client.BringsCancel) client.Disconnect(new Ending("suspend_timeout"));
            else if (client.Session.Login is not null) client.Disconnect(Ending.Told("suspend_timeout"));
            else if (closeReason is null && IsAsked(client.Server)) isSettled = false;
            else if (mayFinish && HoldsUp(client.Server, client)) isSettled = false;
            else loop.Engine.Park(client);
        }
        foreach (var server in loop.ServerList.Copy())
        {
            if (server is { IsParked: true, Session.Hub: not null, IsListeningStill: false } && closeReason is null)
                loop.Engine.Unpark(server); // A client has begun to move to it, or from it, at the last moment.
            if (server.IsClosed || server.IsParked || (mayFinish && HoldsUp(server, server.Client))) continue;
            isSettled &= server.TryFreeze(closeReason);
        }
        return isSettled;
    }

    /// <summary>The pooler itself has asked it something for its client, who waits.</summary>
    private static bool IsAsked(ServerConnection? server) =>
        server?.Session.Phase is ServerPhase.SettingParameters or ServerPhase.Questioned or ServerPhase.Unlistening;

    /// <inheritdoc cref="ILoopView.HandOver"/>
    internal void HandOver(HandedState state)
    {
        loop.Engine.SendDeferred();
        _hasGivenKeys = true;
        foreach (var server in loop.ServerList)
        {
            if (GoesAlong(server)) state.Servers.Add(server.Save(state));
        }
        foreach (var client in loop.ClientList)
        {
            if (!GoesAlong(client)) continue;
            state.Clients.Add(client.Save(state));
            if (client.Session.IsReadingPast) state.Canceled.Add((client.Session.CancelKey, client.Session.Canceled));
            if (client.Session.Deferred != DeferredBegin.None)
                state.Deferred.Add((client.Session.CancelKey, client.Session.SavedBegin.ToArray()));
            if (client.Session.Origin is { } origin) state.Origins.Add((client.Session.CancelKey, origin));
        }
    }

    /// <summary>Both ends of a link, or neither.</summary>
    private bool GoesAlong(ServerConnection server) => CanGo(server) && (server.Client is not { } client || CanGo(client));

    /// <inheritdoc cref="GoesAlong(ServerConnection)"/>
    private bool GoesAlong(ClientConnection client) => CanGo(client) && (client.Server is not { } server || CanGo(server));

    private bool CanGo(ServerConnection server) => server.CanBeHandedOver && (server.Tls is null || _hasGivenKeys);

    private bool CanGo(ClientConnection client) => client.CanBeHandedOver && (client.Tls is null || _hasGivenKeys);

    /// <summary>Only the server cannot go along, and the client is about to be rid of it.</summary>
    private static bool HoldsUp(ServerConnection? server, ClientConnection? client) =>
        server is { HasNoForeignKeys: false } && client is { HasNoForeignKeys: true }
            && server.Session.Pool.Limits.PoolMode != PoolMode.Session;

    /// <inheritdoc cref="ILoopView.TakeBackKeys"/>
    internal void TakeBackKeys()
    {
        _hasGivenKeys = false;
        foreach (var server in loop.ServerList) server.TakeBackKeys();
        foreach (var client in loop.ClientList) client.TakeBackKeys();
    }

    internal void Resume()
    {
        loop.Engine.IsFrozen = false;
        foreach (var acceptor in group.AcceptorsOf(loop.Index)) acceptor.Resume();
        foreach (var server in loop.ServerList.Copy()) loop.Engine.Unpark(server);
        foreach (var client in loop.ClientList.Copy()) client.Unpark();
    }

    // ---- after the handover ---------------------------------------------------------------------------------------

    internal int CountLeftBehind()
    {
        var count = 0;
        foreach (var client in loop.ClientList)
        {
            if (client.IsOpen && !client.Session.IsConsole && !client.BringsCancel && !GoesAlong(client)) count++;
        }
        return count;
    }

    /// <inheritdoc cref="ILoopView.Retire"/>
    internal void Retire()
    {
        var (clients, servers) = (loop.ClientList.Copy(), loop.ServerList.Copy());
        var (goneClients, goneServers) = (clients.Where(GoesAlong).ToList(), servers.Where(GoesAlong).ToList());
        foreach (var client in clients.Where(static client => client.Session.IsConsole || client.BringsCancel))
            client.Disconnect(new Ending(""));
        foreach (var client in goneClients) client.LetGo();
        foreach (var server in goneServers) server.LetGo();
        loop.Engine.IsFrozen = false;
        foreach (var server in loop.ServerList.Copy())
        {
            if (server.Client is null) server.Close(ServerConnection.UnsafeDescriptor, mayTerminate: true, isDeliberate: true);
            else loop.Engine.Unpark(server);
        }
        foreach (var client in loop.ClientList.Copy()) client.Unpark();
    }

    /// <inheritdoc cref="ILoopView.EndIdle"/>
    internal int EndIdle() => LoopDrain.Tell(loop, LeftBehind, static client => client.IsBetweenTransactions);

    private void StopAccepting()
    {
        foreach (var acceptor in group.AcceptorsOf(loop.Index)) acceptor.Suspend();
    }

    private bool TryParkClients(string? closeReason)
    {
        var isBusy = false;
        foreach (var client in loop.ClientList.Copy())
        {
            if (!client.IsOpen || client.IsParked || client.BringsCancel || client.Session.IsConsole || client.TryPark())
                continue;
            if (closeReason is null) isBusy = true;
            else client.Disconnect(Ending.Told(closeReason));
        }
        return !isBusy;
    }

    private bool TryParkServers(string? closeReason)
    {
        var isBusy = false;
        foreach (var server in loop.ServerList.Copy())
        {
            if (server.IsClosed || server.IsParked) continue;
            if (server.Session.State is ServerState.Used or ServerState.Tested)
                server.Close(ServerConnection.UnsafeDescriptor, mayTerminate: true);
            else if (server.TryPark()) continue;
            else if (closeReason is null) isBusy = true;
            else server.Close(closeReason, mayTerminate: true, isDeliberate: true);
        }
        return !isBusy;
    }
}
