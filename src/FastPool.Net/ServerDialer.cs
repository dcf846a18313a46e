using System.Net;
using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using FastPool.Native;

namespace FastPool.Net;

/// <summary>Names to addresses. The answer may come at once or later, on any thread.</summary>
public interface IHostResolver
{
    /// <param name="done">Gets the addresses, or null when there are none.</param>
    void Resolve(string host, Action<IReadOnlyList<IPAddress>?> done);
}

/// <summary>Opens server connections that a pool has decided on: picks the host, finds its address, connects.</summary>
internal sealed class ServerDialer(IHostResolver resolver)
{
    internal void Dial(Loop loop, Pool pool)
    {
        var entry = pool.Database.Entry;
        var session = new ServerSession(loop.Context, pool, loop.Group.NextId(), entry.Port);
        var server = new ServerConnection(loop, session);
        loop.Add(server);

        var host = PickHost(pool, entry, loop.Registry.Settings.UnixSocketDir);
        if (host.Length == 0)
        {
            loop.Context.Log.Failure("", "unix socket dir not configured: " + entry.Name);
            server.Close("cannot connect", mayTerminate: false);
        }
        else if (host[0] is '/' or '@')
        {
            session.Remote = EndAddress.OfUnix;
            if (NativeAddress.Unix($"{host}/.s.PGSQL.{entry.Port}") is { } address) Connect(loop, server, address, $"unix:{host}/.s.PGSQL.{entry.Port}");
            else server.Close("cannot connect", mayTerminate: false);
        }
        else if (IPAddress.TryParse(host, out var ip))
        {
            Connect(loop, server, ip, entry.Port);
        }
        else
        {
            resolver.Resolve(host, addresses => loop.Post(new ActionLetter(_ => OnResolved(loop, server, addresses, entry.Port))));
        }
    }

    private static string PickHost(Pool pool, DatabaseEntry entry, string unixSocketDir)
    {
        var hosts = entry.Hosts;
        if (hosts.Count == 0) return unixSocketDir;
        if (hosts.Count == 1) return hosts[0];
        var host = hosts[(int)((uint)pool.NextHost(entry.LoadBalanceHosts == LoadBalanceHosts.RoundRobin) % (uint)hosts.Count)];
        return host.Length == 0 ? unixSocketDir : host;
    }

    private static void OnResolved(Loop loop, ServerConnection server, IReadOnlyList<IPAddress>? addresses, int port)
    {
        if (server.IsClosed) return;
        if (addresses is null || addresses.Count == 0) server.Close("server DNS lookup failed", mayTerminate: false);
        else Connect(loop, server, addresses[(int)(server.Session.Id % addresses.Count)], port);
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
