using System.Net;
using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using FastPool.Native;
using FastPool.Net.Names;

namespace FastPool.Net;

/// <summary>
/// Opens server connections that a pool has decided on: picks the host, finds its address, connects. When that fails the
/// next address, then the next host, is tried at once in the same place of the pool; the pool hears of a failure, and
/// server_login_retry counts, only when none is left.
/// </summary>
internal sealed class ServerDialer(IHostResolver resolver)
{
    /// <param name="only">Whom alone the connection is for; null: whoever waits in the pool.</param>
    internal void Dial(Loop loop, Pool pool, ClientSession? only)
    {
        DialPlan plan;
        ServerSession session;
        do
        {
            plan = new DialPlan(pool, loop.NowUs, loop.Registry.Settings.UnixSocketDir);
            session = new ServerSession(loop.Context, pool, loop.Group.NextId(), plan.Entry.Port, only);
        }
        while (!plan.IsCurrent); // A reload in between: the session's generation must not be younger than the entry.
        if (only is { State: ClientState.Closed })
        {
            pool.Remove(session, loop);
            return;
        }
        Start(loop, plan, session);
    }

    /// <summary>A connection failed before it was of use: goes on with the plan's next address.</summary>
    /// <returns>False when there is none, or the configuration is another by now.</returns>
    internal bool TryNext(Loop loop, ServerConnection failed)
    {
        if (failed.Plan is not { } plan || !plan.TryMoveOn(loop.NowUs, loop.Registry.Settings.ServerLoginRetryUs)) return false;
        var session = new ServerSession(loop.Context, plan.Pool, loop.Group.NextId(), plan.Entry.Port, failed.Session.OnlyClient as ClientSession);
        if (!plan.IsCurrent || session.Generation != failed.Session.Generation) return false;
        Start(loop, plan, session);
        return true;
    }

    private void Start(Loop loop, DialPlan plan, ServerSession session)
    {
        var server = new ServerConnection(loop, session) { Plan = plan };
        loop.Add(server);
        var port = plan.Entry.Port;
        var host = plan.Host;
        if (plan.Address is { } address)
        {
            Connect(loop, server, address, port);
        }
        else if (host.Length == 0)
        {
            loop.Context.Log.Failure("", "unix socket dir not configured: " + plan.Entry.Name);
            server.Close("cannot connect", mayTerminate: false);
        }
        else if (host[0] is '/' or '@')
        {
            session.Remote = EndAddress.OfUnix;
            if (NativeAddress.Unix($"{host}/.s.PGSQL.{port}") is { } path) Connect(loop, server, path, $"unix:{host}/.s.PGSQL.{port}");
            else server.Close("cannot connect", mayTerminate: false);
        }
        else if (IPAddress.TryParse(host, out var ip))
        {
            Connect(loop, server, ip, port);
        }
        else
        {
            resolver.Resolve(host, addresses => loop.Post(new ActionLetter(_ => OnResolved(loop, server, addresses))));
        }
    }

    private static void OnResolved(Loop loop, ServerConnection server, IReadOnlyList<HostAddress> addresses)
    {
        if (server.IsClosed) return;
        server.Plan!.Found(addresses);
        if (server.Plan.Address is { } address) Connect(loop, server, address, server.Plan.Entry.Port);
        else server.Close("server DNS lookup failed", mayTerminate: false);
    }

    private static void Connect(Loop loop, ServerConnection server, HostAddress address, int port)
    {
        if (server.Plan!.Entry.Hosts.Count == 1) server.Session.Origin = address; // Which name of a list an address came from, nobody asks later.
        Connect(loop, server, address.Ip, port);
    }

    private static void Connect(Loop loop, ServerConnection server, IPAddress ip, int port)
    {
        var address = NativeAddress.Ip(ip, port);
        server.Session.Remote = address.ToEndAddress();
        Connect(loop, server, address, ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{ip}]:{port}" : $"{ip}:{port}");
    }

    private static void Connect(Loop loop, ServerConnection server, NativeAddress address, string text)
    {
        server.Address = address;
        var errno = loop.Engine.Connect(server, address);
        if (errno == 0) return;
        loop.Context.Log.Caution("", $"sbuf_connect failed to connect to {text}: {Errno.Text(errno)}");
        server.Close("connect failed", mayTerminate: false);
    }
}
