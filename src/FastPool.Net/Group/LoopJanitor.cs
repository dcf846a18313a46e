using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using FastPool.Io;
using FastPool.Native;

namespace FastPool.Net;

/// <summary>
/// Three times a second: what has taken too long on this loop, and this loop's share of the pools. Where nothing is under way, it
/// looks once a second: what is left then is measured in seconds.
/// </summary>
internal sealed class LoopJanitor(Loop loop, LoopGroup group, ClientBalance balance)
{
    private readonly SilentPeers _silentPeers = new(loop);
    private Settings? _seen;
    private long _shortestIdleUs;
    private bool _mayServersRest;
    private bool _isQuiet;
    private int _stirred;

    /// <returns>True: nothing is under way on this loop.</returns>
    internal bool Tick()
    {
        _isQuiet = true;
        loop.Engine.BytesPerTurn = BytesPerTurn(loop.Registry.Settings);
        var state = loop.Registry.State;
        NoteSettings(loop.Registry.Settings);
        if (state.IsRetiring) TickServers();
        if (state.Mode == PoolerMode.Suspended) return false;
        foreach (var acceptor in group.AcceptorsOf(loop.Index)) Try(acceptor.Tick);
        Try(TickLogins);
        TickServers();
        Try(TickIdleClients);
        Try(_silentPeers.Tick);
        Try(() => group.Cancels.Tick(loop));
        Try(LookThroughPools);
        Try(TickPasswords);
        Try(balance.Tick); // Last: no client that it hands over is looked at here again.
        return _isQuiet && !state.IsRetiring && loop.LoginList.Count == 0 && group.Cancels.IsIdle(loop)
            && loop.Registry.Settings.Own.HostCheckPeriodUs == 0;
    }

    /// <summary>At rest: room that a crowd has needed is given back.</summary>
    internal void GiveBack()
    {
        _silentPeers.GiveBack();
        balance.GiveBack();
        group.Cancels.GiveBack(loop);
        foreach (var server in loop.ServerList) server.Session.Hub?.GiveBack();
    }

    /// <summary>An exception of one of them keeps no other from its turn.</summary>
    private void Try(Action tick)
    {
        try
        {
            tick();
        }
        catch (Exception e)
        {
            loop.Contain("a timer", e);
        }
    }

    /// <summary>Pools have timers of their own; here only changes are looked for that they do not hear of.</summary>
    private void LookThroughPools()
    {
        var stirred = loop.Registry.Stirred;
        if (stirred == _stirred) return;
        _stirred = stirred;
        var pools = loop.Registry.PoolList;
        for (int i = loop.Index; i < pools.Count; i += loop.Registry.LoopCount) pools[i].Tick(loop);
    }

    /// <summary>sbuf_loopcnt buffers of pkt_buf each; 0 is as much as there is.</summary>
    internal static long BytesPerTurn(Settings settings) =>
        settings.SbufLoopcnt == 0 ? long.MaxValue : Math.Max(0, (long)settings.SbufLoopcnt * settings.PktBuf);

    private void TickPasswords() => _isQuiet &= loop.PasswordWatch.Tick();

    private void TickLogins()
    {
        HalfOpenLogins.Tick(loop);
        var timeoutUs = loop.Registry.Settings.ClientLoginTimeoutUs;
        if (timeoutUs <= 0) return;
        for (var i = loop.LoginList.Count - 1; i >= 0; i--)
        {
            if (i >= loop.LoginList.Count) continue; // One close may bring about another.
            var client = loop.LoginList[i];
            if (!client.BringsCancel && loop.NowUs - client.Session.ConnectUs > timeoutUs)
                client.Disconnect(Ending.Told("client_login_timeout"));
        }
    }

    /// <summary>When settings have changed, all connections are looked at anew.</summary>
    private void NoteSettings(Settings settings)
    {
        if (ReferenceEquals(settings, _seen)) return;
        _seen = settings;
        _shortestIdleUs = ShortestIdleUs(settings);
        _mayServersRest = settings.Own.HostCheckPeriodUs == 0 && !WantsRole(settings);
        loop.ClientList.TimeOuts.TouchAll();
        loop.ServerList.TimeOuts.TouchAll();
        loop.ClientList.Peers.TouchAll();
        loop.ServerList.Peers.TouchAll();
    }

    /// <summary>Some database wants hosts of a role: then idle servers are asked for it.</summary>
    private static bool WantsRole(Settings settings)
    {
        if (settings.AutoDatabaseConnectString is { } auto && auto.Contains("target_session_attrs", StringComparison.Ordinal))
            return true;
        foreach (var database in settings.Databases.Values)
        {
            if (database.TargetSessionAttrs != TargetSessionAttrs.Any) return true;
        }
        return false;
    }

    private void TickServers()
    {
        loop.ServerList.TimeOuts.Tick(loop.ServerList, loop.NowUs, server =>
        {
            try
            {
                TickServer(server);
            }
            catch (Exception e)
            {
                loop.Contain("a timer", e, server);
            }
            // A free server is touched when something begins on it.
            return _mayServersRest && server.Session is { Phase: ServerPhase.Free, Login: null } ? DueBlocks.Never : 0;
        });
    }

    private static void EndLogin(ServerConnection server)
    {
        var isConnecting = server.Has(EndpointFlags.Connecting);
        if (isConnecting) server.NoteProblem("connect failed: " + Errno.Text(Errno.ETIMEDOUT));
        server.Close(isConnecting ? "connect failed" : "connect timeout", mayTerminate: true);
    }

    private void TickServer(ServerConnection server)
    {
        if (server is { IsOpen: true, Client.IsCongested: true }) loop.Engine.LookAgain(server); // Others may have given back.
        // A host whose role matters is asked as soon as it is doubted.
        if (server.Session is not { Phase: ServerPhase.Free, Pool.Database.Entry.TargetSessionAttrs: TargetSessionAttrs.Any })
            _isQuiet = false;
        var connectTimeoutUs = loop.Registry.Settings.ServerConnectTimeoutUs;
        if (server.Session.Login is not null)
        {
            if (connectTimeoutUs > 0 && loop.NowUs - server.Session.DialStartUs > connectTimeoutUs) EndLogin(server);
        }
        else if (ReasonToGiveUp(server) is { } silence)
        {
            server.Close(silence, mayTerminate: true);
        }
        else if (IsHostCheckDue(server.Session))
        {
            server.Session.Pool.CheckHost(server.Session, loop);
        }
        else if (server.Session.Client is { } client
            && (ReasonToReplace(server.Session) ?? ReasonToClose(server.Session, client)) is { } reason)
        {
            if (server.Session.MayBeKept) ClientConnection.Of(client).Disconnect(Ending.Told(reason));
            else server.Close(reason, mayTerminate: true);
        }
        else if (server.Session.Hub is { } hub)
        {
            if (ReasonToEndHub(server.Session) is { } end) server.Close(end, mayTerminate: true);
            else hub.Tick();
        }
        else if (server.Session.IsListeningIdly)
        {
            server.Session.Link.TryEnd();
        }
    }

    /// <summary>It is in use for ever, so nothing else would come to an end that waits for servers that are in use.</summary>
    private static string? ReasonToEndHub(ServerSession server) =>
        server.IsCloseNeeded ? server.CloseReason("database configuration changed")
            : server.Pool.Database.IsEnding ? "server shutting down"
            : server.Pool.Database.IsHeld ? "pause mode" : null;

    /// <summary>It is idle, and no server has asked this host for a period, or since it is doubted.</summary>
    private bool IsHostCheckDue(ServerSession server) =>
        server is { Phase: ServerPhase.Free, State: ServerState.Idle, OnlyClient: null, Place: { } place }
            && place.TryBeginCheck(loop.NowUs, loop.Registry.Settings.Own.HostCheckPeriodUs);

    /// <summary>
    /// A query of the pooler's own is not answered: the wait for that must end. While a client is linked, it has as long as a
    /// login.
    /// </summary>
    private string? ReasonToGiveUp(ServerConnection server)
    {
        var settings = loop.Registry.Settings;
        var patienceUs = server.Session.Phase switch
        {
            ServerPhase.Resetting or ServerPhase.Checking or ServerPhase.Questioned or ServerPhase.Unlistening
                or ServerPhase.Abandoned => settings.Own.ServerAnswerTimeoutUs,
            ServerPhase.Listening when server.Session.Hub is { IsAsking: true } => settings.Own.ServerAnswerTimeoutUs,
            ServerPhase.SettingParameters => Math.Max(settings.ServerConnectTimeoutUs, settings.Own.ServerAnswerTimeoutUs),
            _ => long.MaxValue,
        };
        return loop.NowUs - server.OwnQueryUs > patienceUs ? server.OwnQueryFailure : null;
    }

    /// <summary>
    /// A marked server that is between two transactions of its client, which goes with it; a replication connection never is.
    /// </summary>
    private string? ReasonToReplace(ServerSession server) =>
        server.IsCloseNeeded
            && (server.OnlyClient is not null || (loop.Registry.Settings.ServerFastClose && server.OwesNothing))
            ? "database configuration changed" : null;

    private string? ReasonToClose(ServerSession server, ClientSession client)
    {
        var limits = server.Pool.Limits;
        if (server.OwesNothing) return null;
        var now = loop.NowUs;
        // Of a pipeline each query has its own time.
        var queryStartUs = client.QueryStartUs > 0 ? Math.Max(client.QueryStartUs, server.LastReadyUs) : 0;
        if (limits.QueryTimeoutUs > 0 && queryStartUs > 0 && now - queryStartUs > limits.QueryTimeoutUs) return "query timeout";
        if (limits.IdleTransactionTimeoutUs > 0 && server.IsIdleInTransaction && server.Outstanding.IsEmpty
            && now - Math.Max(server.LastActivityUs, ClientConnection.Of(client).TakenUs) > limits.IdleTransactionTimeoutUs)
            return "idle transaction timeout";
        if (limits.TransactionTimeoutUs > 0 && client.XactStartUs > 0 && now - client.XactStartUs > limits.TransactionTimeoutUs)
            return "transaction timeout";
        return null;
    }

    /// <summary>A client in a transaction of which no server knows.</summary>
    private string? ReasonToEnd(ClientSession client)
    {
        var limits = client.Pool!.Limits;
        var now = loop.NowUs;
        if (client.Server is not null) return null;
        if (limits.IdleTransactionTimeoutUs > 0 && client.QueryStartUs == 0
            && now - client.RequestUs > limits.IdleTransactionTimeoutUs) return "idle transaction timeout";
        if (limits.TransactionTimeoutUs > 0 && client.XactStartUs > 0 && now - client.XactStartUs > limits.TransactionTimeoutUs)
            return "transaction timeout";
        return null;
    }

    /// <summary>The shortest time-out of a client that is idle; 0: there is none.</summary>
    private static long ShortestIdleUs(Settings settings)
    {
        var shortestUs = long.MaxValue;
        Note(settings.ClientIdleTimeoutUs);
        Note(settings.Own.PinnedTimeoutUs);
        foreach (var user in settings.Users.Values) Note(user.ClientIdleTimeoutUs);
        if (settings.Own.DefersBegin)
        {
            Note(settings.IdleTransactionTimeoutUs(null));
            Note(settings.TransactionTimeoutUs(null));
            foreach (var user in settings.Users.Values)
            {
                Note(settings.IdleTransactionTimeoutUs(user));
                Note(settings.TransactionTimeoutUs(user));
            }
        }
        return shortestUs == long.MaxValue ? 0 : shortestUs;

        void Note(long timeoutUs)
        {
            if (timeoutUs > 0) shortestUs = Math.Min(shortestUs, timeoutUs);
        }
    }

    private void TickIdleClients()
    {
        if (_shortestIdleUs > 0) loop.ClientList.TimeOuts.Tick(loop.ClientList, loop.NowUs, LookAtIdle);
    }

    /// <summary>
    /// A client's later words only put its end off. So it need not be looked at before the earliest end that it may have by
    /// now, or before the shortest time-out is over.
    /// </summary>
    /// <returns>By when it is to be looked at again.</returns>
    private long LookAtIdle(ClientConnection client)
    {
        var (session, settings) = (client.Session, loop.Registry.Settings);
        var otherwiseUs = session.RequestUs + _shortestIdleUs;
        if (session.State != ClientState.Active || session.IsConsole) return otherwiseUs;
        if (session.Deferred != DeferredBegin.None)
        {
            if (ReasonToEnd(session) is { } reason) client.Disconnect(Ending.Told(reason));
            return session.XactStartUs > 0 ? Math.Min(otherwiseUs, session.XactStartUs + _shortestIdleUs) : otherwiseUs;
        }
        // In session pooling an idle client has a server, whose last reply may be younger than the request.
        if (session.Server is { } server && (!server.OwesNothing || server.OnlyClient is not null)) return otherwiseUs;
        var sinceUs = Math.Max(session.RequestUs, Math.Max(session.Server?.LastReadyUs ?? 0, client.TakenUs));
        var timeoutUs = settings.ClientIdleTimeoutUs(settings.Users.GetValueOrDefault(session.UserName!));
        if (session.Server is { Pin: { } pin } && settings.Own.PinnedTimeoutUs is > 0 and var pinnedUs)
        {
            if (loop.NowUs - sinceUs > pinnedUs) client.Disconnect(Ending.Told($"pinned_timeout ({pin})"));
            else otherwiseUs = Math.Min(loop.NowUs + _shortestIdleUs, sinceUs + pinnedUs);
        }
        else
        {
            otherwiseUs = loop.NowUs + _shortestIdleUs;
        }
        if (timeoutUs <= 0 || !client.IsOpen) return otherwiseUs;
        if (loop.NowUs - sinceUs > timeoutUs) client.Disconnect(Ending.Told("client_idle_timeout"));
        return Math.Min(otherwiseUs, sinceUs + timeoutUs);
    }
}
