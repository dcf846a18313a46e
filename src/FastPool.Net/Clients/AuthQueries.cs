using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Net;

/// <summary>Carries auth_queries of one loop's logins: gets a server for each, brings the answer back.</summary>
internal static class AuthQueries
{
    private const string ConfigError = "bouncer config error";

    internal static void Begin(Loop loop, AuthQuery query)
    {
        loop.Engine.Pause(Requester(query));
        query.Pool = query.AuthPool;
        query.State = ClientState.Waiting;
        query.WaitStartUs = loop.NowUs;
        query.AuthPool.Join(query, loop);
        if (query.AuthPool.Acquire(query, loop) is ServerSession server) Ask(loop, query, server);
    }

    internal static void OnGranted(Loop loop, AuthQuery query, ServerSession server)
    {
        query.AuthPool.Stats[loop.Index].WaitUs += loop.NowUs - query.WaitStartUs;
        Ask(loop, query, server);
    }

    private static void Ask(Loop loop, AuthQuery query, ServerSession server)
    {
        query.State = ClientState.Active;
        server.BeginQuery(query);
        loop.ToServer.Clear();
        query.WriteTo(loop.ToServer, server);
        var connection = ServerConnection.Of(server);
        if (!loop.Engine.Send(connection, loop.ToServer.WrittenSpan))
            connection.Close("unable to send auth_query", mayTerminate: false);
    }

    /// <summary>The server is free again before the login goes on: what the client has sent meanwhile cannot reach it.</summary>
    internal static void OnAnswered(Loop loop, ServerConnection connection)
    {
        var query = connection.Session.Query!;
        connection.Session.EndQuery();
        End(loop, query);
        connection.Release();
        Requester(query).OnQueryAnswered();
    }

    /// <summary>The client learns no more than that, whatever the cause.</summary>
    internal static void OnServerLost(Loop loop, AuthQuery query)
    {
        End(loop, query);
        Requester(query).Disconnect(Ending.Told(ConfigError));
    }

    internal static void OnRefused(Loop loop, AuthQuery query, Refusal refusal)
    {
        End(loop, query);
        Requester(query).Disconnect(new Ending(Ending.Cut(refusal.Message), refusal.Message, refusal.SqlState));
    }

    /// <summary>The client has gone while its question is under way.</summary>
    internal static void OnRequesterGone(Loop loop, AuthQuery query, ConnectionList<ServerConnection> servers)
    {
        if (query.State == ClientState.Closed) return;
        End(loop, query);
        foreach (var connection in servers)
        {
            if (connection.Session.Query != query) continue;
            connection.Session.EndQuery();
            connection.Close("client disconnect while server was not ready", mayTerminate: true);
            return;
        }
    }

    private static void End(Loop loop, AuthQuery query)
    {
        if (query.State == ClientState.Closed) return;
        query.State = ClientState.Closed;
        query.AuthPool.Leave(query, loop);
    }

    private static ClientConnection Requester(AuthQuery query) => ClientConnection.Of(query.Requester);
}
