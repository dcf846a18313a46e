using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Sessions.Handover;
using FastPool.Core.Settings;
using FastPool.Native;

namespace FastPool.Net;

/// <summary>
/// Takes over what another process has given up. At first it touches no byte, because that process may yet go on; when that is
/// gone, it is for good. On the first thread, before the loops run.
/// </summary>
internal sealed class HandedImport(LoopGroup group, PoolRegistry registry, StatementTable table)
{
    /// <summary>So many statements no process before us has named.</summary>
    private const long NumbersOfAnother = 1_000_000_000;

    private readonly Dictionary<long, Statement> _statements = [];
    private readonly Dictionary<ulong, ProxyOrigin> _origins = [];
    private readonly Dictionary<ulong, CanceledRequest> _canceled = [];
    private readonly Dictionary<ulong, byte[]> _deferred = [];
    private readonly List<(ClientConnection Client, HandedClient Handed)> _clients = [];
    private int _nextLoop = -1;

    /// <summary>Makes sessions and pools as they were. Connections of databases that are unknown here are closed.</summary>
    internal void Take(HandedState state)
    {
        foreach (var loop in group.All) loop.OnTurnBegun();
        if (state.IsFromPgBouncer) table.BeginAfter(NumbersOfAnother);
        foreach (var (number, key) in state.Statements) _statements[number] = table.Restore(number, key);
        foreach (var name in state.Disabled)
        {
            if (registry.FindDatabase(name, out _) is { } database) database.IsDisabled = true;
        }
        foreach (var (key, origin) in state.Origins) _origins[key] = origin;
        foreach (var (key, canceled) in state.Canceled) _canceled[key] = canceled;
        foreach (var (key, begin) in state.Deferred) _deferred[key] = begin;
        TakeSecrets(state);
        foreach (var pool in state.Pools) TakePool(pool);
        TakeConnections(state);
        state.ForgetKeys();
        foreach (var statement in _statements.Values) table.LetGo(statement); // Held by those that use it from now on.
    }

    /// <summary>
    /// Goes on: clients that waited wait again, in the same order; messages that were read and not handled are handled.
    /// </summary>
    internal void GoOn()
    {
        foreach (var loop in group.All) loop.OnTurnBegun();
        foreach (var (client, _) in _clients) client.EndIfUnheard();
        foreach (var (client, handed) in _clients.Where(static entry => entry.Handed.Clocks.WaitUs >= 0)
            .OrderByDescending(static entry => entry.Handed.Clocks.WaitUs))
        {
            client.WaitAgain(handed);
        }
        foreach (var (client, handed) in _clients)
        {
            if (handed.Clocks.WaitUs < 0 && handed.Stream.Held.Length > 0 && !client.IsPaused) client.GoOn();
        }
        // The pools' decisions are carried out in the first turn.
        foreach (var loop in group.All) loop.Post(new ActionLetter(static _ => { }));
        _clients.Clear();
    }

    private void TakeSecrets(HandedState state)
    {
        foreach (var (database, user, secret) in state.Secrets)
        {
            if (registry.FindDatabase(database, out _) is { } known) known.FetchedSecrets[user] = Secret.Of(secret);
        }
        foreach (var (clientKey, serverKey) in state.Proofs)
            group.All[0].Context.Verifiers.KeepProof(new Core.Auth.ScramKeys(clientKey, serverKey));
    }

    private void TakePool(HandedPool handed)
    {
        if (registry.FindDatabase(handed.Database, out _) is not { } database) return;
        var pool = registry.GetPoolOf(database, handed.User);
        pool.Stats[0].Add(handed.Totals);
        if (handed.Untracked is { } untracked)
            pool.TryPublishWelcome(new WelcomeParameters(untracked, group.All[0].Context.ValuesOf(handed.Tracked)));
    }

    private void TakeConnections(HandedState state)
    {
        var servers = new Dictionary<int, HandedServer>();
        foreach (var server in state.Servers) servers[server.OldDescriptor] = server;
        foreach (var handed in state.Clients)
        {
            var loop = NextLoop();
            var linked = handed.LinkedDescriptor != 0 && servers.Remove(handed.LinkedDescriptor, out var server) ? server : null;
            var client = TakeClient(loop, handed);
            if (state.IsFromPgBouncer && client is not null && registry.Settings.LogConnections)
                loop.Context.Log.LoginAttempt(client.Session.LogPrefix, handed.Database, handed.User, "no", "no");
            if (linked is null) continue;
            if (client is null) Sockets.Close(linked.Descriptor);
            else if (TakeServer(loop, linked, isLinked: true) is { } connection) connection.Session.Link.GoOn(client.Session);
            else client.Disconnect(new Ending("server lost in takeover"));
        }
        foreach (var handed in servers.Values) TakeServer(NextLoop(), handed, isLinked: false);
        foreach (var (client, _) in _clients) client.ListenAgain();
    }

    private Loop NextLoop()
    {
        _nextLoop = (_nextLoop + 1) % group.All.Count;
        return group.All[_nextLoop];
    }

    private ClientConnection? TakeClient(Loop loop, HandedClient handed)
    {
        if (registry.FindDatabase(handed.Database, out _) is { } database && database != registry.Admin)
        {
            var session = new ClientSession(loop.Context, group.NextId(), handed);
            var client = new ClientConnection(loop, session);
            if (client.TryTakeOver(handed))
            {
                session.Rejoin(database, registry.GetPool(database, handed.User), handed, _statements, loop,
                    _origins.GetValueOrDefault(handed.CancelKey));
                loop.NoteBound(client);
                session.GoOnReadingPast(_canceled.GetValueOrDefault(handed.CancelKey));
                if (_deferred.TryGetValue(handed.CancelKey, out var begin)) session.GoOnDeferring(begin);
                _clients.Add((client, handed));
                return client;
            }
            session.Leave(loop);
        }
        Sockets.Close(handed.Descriptor);
        return null;
    }

    private ServerConnection? TakeServer(Loop loop, HandedServer handed, bool isLinked)
    {
        if (registry.FindDatabase(handed.Database, out _) is { } database)
        {
            var session =
                new ServerSession(loop.Context, registry.GetPoolOf(database, handed.User), group.NextId(), handed, _statements);
            var server = new ServerConnection(loop, session) { Address = AddressOf(handed, database) };
            if (server.TryTakeOver(handed))
            {
                session.Pool.Adopt(session, isLinked || handed.Mark.Length > 0, loop);
                if (handed.Mark.Length > 0) server.ListenAgain(handed.Mark);
                return server;
            }
            session.LetGoOfStatements();
        }
        Sockets.Close(handed.Descriptor);
        return null;
    }

    /// <summary>Where cancel requests for it go.</summary>
    private NativeAddress AddressOf(HandedServer handed, Database database)
    {
        if (handed.Remote.ToIPAddress() is { } ip) return NativeAddress.Ip(ip, handed.Remote.Port);
        var directory = database.Entry.Hosts.FirstOrDefault(static host => host.Length > 0 && host[0] is '/' or '@')
            ?? registry.Settings.UnixSocketDir;
        var path = handed.Path.Length > 0 ? handed.Path : $"{directory}/.s.PGSQL.{handed.UnixPort}";
        return NativeAddress.Unix(path) ?? default;
    }
}
