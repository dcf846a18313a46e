using System.Net;
using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using FastPool.Io;
using FastPool.Native;
using FastPool.Net.Names;

namespace FastPool.Net;

/// <summary>
/// Opens server connections that a pool has decided on: picks the host, finds its address, connects. When that fails the next
/// address, then the next host, is tried at once in the same place of the pool. Of a host that is only silent the pool hears.
/// Only when none is left does it hear of a failure.
/// </summary>
internal sealed class ServerDialer(IHostResolver resolver)
{
    /// <param name="only">The only client that the connection is for; null: all that wait in the pool.</param>
    internal void Dial(Loop loop, Pool pool, ClientSession? only)
    {
        DialPlan plan;
        ServerSession session;
        do
        {
            plan = DialPlan.For(pool, loop.Registry.Hosts, loop.NowUs, loop.Registry.Settings.UnixSocketDir);
            session = new ServerSession(loop.Context, pool, loop.Shared.NextId(), plan.Entry.Port, only);
        }
        while (!plan.IsCurrent); // A reload in between: the session's generation must not be younger than the entry.
        if (only is { State: ClientState.Closed })
        {
            pool.Remove(session, loop);
            return;
        }
        if (plan.FailureAtOnce(loop.NowUs) is { } failure) pool.LoginFailed(session, failure, loop);
        else Begin(loop, plan, Add(loop, plan, session));
    }

    /// <summary>A connection failed before it was of use: goes on with the plan's next address.</summary>
    /// <returns>False when there is none, or the configuration is another by now.</returns>
    internal bool TryNext(Loop loop, ServerConnection failed) =>
        failed.Plan is { } plan && plan.TryMoveOn(loop.NowUs) && TryPlan(loop, plan, failed);

    /// <summary>The same address once more.</summary>
    /// <inheritdoc cref="TryNext"/>
    internal bool TryAgain(Loop loop, ServerConnection failed) => failed.Plan is { } plan && TryPlan(loop, plan, failed);

    private bool TryPlan(Loop loop, DialPlan plan, ServerConnection failed)
    {
        var session = new ServerSession(loop.Context, plan.Pool, loop.Shared.NextId(), plan.Entry.Port,
            failed.Session.OnlyClient as ClientSession);
        if (!plan.IsCurrent || session.Generation != failed.Session.Generation) return false;
        var next = Add(loop, plan, session);
        failed.HandPlaceOn();
        Begin(loop, plan, next);
        return true;
    }

    /// <summary>The host of a login has been silent for long: if another is to be had the pool hears of it.</summary>
    internal static void OnSilence(Loop loop, ServerConnection silent)
    {
        if (silent is not { IsLoggingIn: true, Plan: { HasMore: true } plan }) return;
        var patienceUs = silent.PatienceUs;
        if (!silent.IsHostSilent(patienceUs)) loop.SetPatience(silent, loop.NowUs + patienceUs);
        else if (plan.HasBetter(silent.Session.DialStartUs, loop.NowUs)) silent.BeOvertaken();
        else loop.SetPatience(silent, loop.NowUs + Limits.HostBackOffUs);
    }

    /// <summary>The pool wants the place of a silent login, which goes to another host unless this is the best one.</summary>
    internal static void TryElsewhere(Loop loop, ServerConnection silent)
    {
        if (silent is not { IsLoggingIn: true, Plan: { } plan }) return;
        if (silent.IsHostSilent(silent.PatienceUs) && plan.HasBetter(silent.Session.DialStartUs, loop.NowUs))
        {
            silent.LeaveSilentHost();
            return;
        }
        silent.StayAtSilentHost();
        loop.SetPatience(silent, loop.NowUs + Limits.HostBackOffUs);
    }

    /// <summary>
    /// An exception up to here leaves the place in the pool with its owner. From here it is the new connection's.
    /// </summary>
    private static ServerConnection Add(Loop loop, DialPlan plan, ServerSession session)
    {
        var server = new ServerConnection(loop, session) { Plan = plan };
        loop.Add(server);
        return server;
    }

    private void Begin(Loop loop, DialPlan plan, ServerConnection server)
    {
        try
        {
            if (plan.Host.Length > 0) TryAt(loop, plan, server, plan.Host, plan.NamedHost);
            else loop.Context.Log.Failure("", "unix socket dir not configured: " + plan.Entry.Name);
            Find(loop, plan, plan.Entry.Port, server, place => Connect(loop, server, place));
        }
        catch (Exception e)
        {
            loop.Contain("a dial", e, server); // From here the pool hears of it by the connection's end.
        }
    }

    private static void TryAt(Loop loop, DialPlan plan, ServerConnection server, string name, Host host)
    {
        server.TryAt(name, host);
        if (plan.HasMore) loop.SetPatience(server, loop.NowUs + server.PatienceUs);
    }

    /// <summary>Where the plan's present host is: at once, or later on the loop when its name is resolved.</summary>
    /// <param name="subject">The owner of the connection.</param>
    internal void Find(Loop loop, AddressPlan plan, int port, Endpoint subject, Action<DialTarget> found)
    {
        var host = plan.Host;
        if (plan.Address is { } address) found(DialTarget.Of(address.Ip, port, address));
        else if (host.Length == 0) found(DialTarget.Nowhere("cannot connect"));
        else if (host[0] is '/' or '@') found(DialTarget.Unix(host, port));
        else if (IPAddress.TryParse(host, out var ip)) found(DialTarget.Of(ip, port));
        else
        {
            var step = plan.Step;
            resolver.Resolve(host, addresses =>
                loop.Post(new ActionLetter(_ => OnResolved(plan, step, addresses, port, found), subject)));
        }
    }

    private static void OnResolved(AddressPlan plan, int step, IReadOnlyList<HostAddress> addresses, int port,
        Action<DialTarget> found)
    {
        if (plan.Step != step) // The plan did not wait for the DNS.
        {
            found(addresses is [var first, ..] ? DialTarget.Of(first.Ip, port, first)
                : DialTarget.Nowhere("server DNS lookup failed"));
            return;
        }
        plan.Found(addresses);
        found(plan.Address is { } address ? DialTarget.Of(address.Ip, port, address)
            : DialTarget.Nowhere("server DNS lookup failed"));
    }

    private static void Connect(Loop loop, ServerConnection server, DialTarget target)
    {
        if (server.IsClosed) return;
        if (target.Problem is { } problem)
        {
            if (server.HostName is ['/' or '@', ..]) server.Session.Remote = EndAddress.OfUnix;
            server.Close(problem, mayTerminate: false);
            return;
        }
        server.Session.Remote = target.Remote;
        server.Address = target.Address;
        var plan = server.Plan!;
        server.Session.Login!.Target = plan.TargetAt(loop.NowUs);
        if (target.Origin is { } origin)
            TryAt(loop, plan, server, server.HostName, plan.At(server.HostName, origin));
        server.Session.Origin = target.Origin;
        var errno = loop.Engine.Connect(server, target.Address);
        if (errno == 0) return;
        loop.Context.Log.Caution("", $"sbuf_connect failed to connect to {target.Text}: {Errno.Text(errno)}");
        server.NoteProblem("connect failed: " + Errno.Text(errno));
        server.Close("connect failed", mayTerminate: false);
    }
}
