using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Sessions.Handover;

namespace FastPool.Net;

/// <summary>
/// SUSPEND on one loop: newcomers stay in the backlog, clients stop at the end of a message, then servers do. The console's
/// sessions go on.
/// </summary>
internal sealed class LoopSuspension(Loop loop)
{
    private const string UnsafeDescriptor = "close unsafe file descriptors on suspend";

    /// <inheritdoc cref="ILoopView.TrySuspend"/>
    internal bool TrySuspend(string? closeReason)
    {
        StopAccepting();
        return TryParkClients(closeReason) && TryParkServers(closeReason);
    }

    /// <inheritdoc cref="ILoopView.TryEndLogins"/>
    internal bool TryEndLogins()
    {
        StopAccepting();
        return loop.LoginList.Count == 0 && loop.Cancels.Count == 0;
    }

    /// <inheritdoc cref="ILoopView.TryFreeze"/>
    internal bool TryFreeze(string? closeReason)
    {
        StopAccepting();
        loop.Engine.IsFrozen = true;
        var isSettled = true;
        foreach (var client in loop.ClientList.Copy())
        {
            if (!client.IsOpen || client.IsParked || client.Session.IsConsole) continue;
            if (client.BringsCancel) client.Disconnect(new Ending("suspend_timeout"));
            else if (client.Session.Login is not null) client.Disconnect(Ending.Told("suspend_timeout"));
            else if (client.Server is { Session.Phase: ServerPhase.SettingParameters } && closeReason is null) isSettled = false;
            else loop.Engine.Park(client);
        }
        foreach (var server in loop.ServerList.Copy())
        {
            if (!server.IsClosed && !server.IsParked) isSettled &= server.TryFreeze(closeReason);
        }
        return isSettled;
    }

    /// <inheritdoc cref="ILoopView.HandOver"/>
    internal void HandOver(HandedState state)
    {
        foreach (var server in loop.ServerList)
        {
            if (server.CanBeHandedOver && server.Client is not { CanBeHandedOver: false }) state.Servers.Add(server.Save(state));
        }
        foreach (var client in loop.ClientList)
        {
            if (client.CanBeHandedOver && client.Server is not { CanBeHandedOver: false }) state.Clients.Add(client.Save(state));
        }
    }

    internal void Resume()
    {
        loop.Engine.IsFrozen = false;
        foreach (var acceptor in loop.Group.AcceptorsOf(loop.Index)) acceptor.Resume();
        foreach (var server in loop.ServerList.Copy()) loop.Engine.Unpark(server);
        foreach (var client in loop.ClientList.Copy()) loop.Engine.Unpark(client);
    }

    private void StopAccepting()
    {
        foreach (var acceptor in loop.Group.AcceptorsOf(loop.Index)) acceptor.Suspend();
    }

    private bool TryParkClients(string? closeReason)
    {
        var isBusy = false;
        foreach (var client in loop.ClientList.Copy())
        {
            if (!client.IsOpen || client.IsParked || client.BringsCancel || client.Session.IsConsole || client.TryPark()) continue;
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
            if (server.Session.State is ServerState.Used or ServerState.Tested) server.Close(UnsafeDescriptor, mayTerminate: true);
            else if (server.TryPark()) continue;
            else if (closeReason is null) isBusy = true;
            else server.Close(closeReason, mayTerminate: true, isDeliberate: true);
        }
        return !isBusy;
    }
}
