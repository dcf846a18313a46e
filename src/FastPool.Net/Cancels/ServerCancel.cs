using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using FastPool.Native;

namespace FastPool.Net;

/// <summary>A cancel request for a server of one of this pooler's pools.</summary>
internal abstract class PoolCancel : CancelConnection
{
    private readonly NativeAddress _address;
    private readonly byte[] _key;
    private readonly int _unixPort;

    /// <param name="server">Null: it has just been released.</param>
    protected PoolCancel(CancelRelay relay, Loop loop, Loop requesterLoop, ClientConnection? requester, Pool pool,
        ServerSession? server)
        : base(relay, loop, requesterLoop, requester)
    {
        Pool = pool;
        _address = server is null ? default : ServerConnection.Of(server).Address;
        _key = server?.WholeCancelKey ?? [];
        _unixPort = server?.UnixPort ?? 0;
    }

    protected Pool Pool { get; }

    internal override CancelView View => new(Requester, Pool, 0, Carrier);

    protected override ReadOnlySpan<byte> Key => _key;

    protected override string LogPrefix =>
        ConnectionName.Prefix('S', CarrierId, Pool.Database.Name, Pool.User.Name, Remote, 0, UnixPort);

    protected override EndAddress Remote => _address.ToEndAddress();

    protected override int UnixPort => _unixPort;

    internal override ConnectionBudget Places => Pool.Cancels;

    /// <summary>Up to twice pool_size connections, so that requests come through when every server is busy.</summary>
    internal override bool TryTakePlace()
    {
        var size = Pool.Limits.PoolSize;
        return Pool.Cancels.TryTake(size > 0 ? Math.Max(1, 2 * size - Pool.Counts.Servers) : 0);
    }

    internal override void GiveBackPlace() => Pool.Cancels.GiveBack();

    protected override void Begin() => Connect(_address);

    protected override bool BeginsTls()
    {
        var tls = TlsOfPool;
        if (Remote.IsUnix || tls is not { IsDirect: true, Sslmode: not SslMode.Disable }) return false;
        var name = Pool.Database.Entry.Hosts.FirstOrDefault(static host => !System.Net.IPAddress.TryParse(host, out _));
        var context = Loop.Shared.Tls.ForServers(tls, Loop.Registry.Settings.Own.HasOwnTlsRecords);
        if (!Loop.Engine.Secure(this, context, serverName: name)) OnConnectFailed("server conn crashed?");
        return true;
    }

    public override void OnSecured(TlsStream handshake)
    {
        // The address may be that of any of the hosts.
        if (TlsOfPool.Sslmode == SslMode.VerifyFull && !Pool.Database.Entry.Hosts.Any(handshake.IsPeer))
            OnTlsFailed("the server's name is not present in its certificate");
        else if (!handshake.HasProtocol)
            OnTlsFailed("direct SSL connection was established without ALPN protocol negotiation extension");
        else base.OnSecured(handshake);
    }

    private ServerTls TlsOfPool
    {
        get
        {
            var settings = Loop.Registry.Settings;
            return settings.ServerTls(Pool.Database.Entry, settings.Users.GetValueOrDefault(Pool.ServerUserName));
        }
    }
}

/// <summary>
/// A cancel request for the query that a client of this pooler runs. It is meant for the link that the client had when the
/// request came: a server that has been released since is not told. From the moment it is sent until the server has acted on
/// it, the server that runs the query serves no other client.
/// </summary>
internal sealed class ServerCancel : PoolCancel
{
    private readonly ClientSession _target;
    private readonly ServerSession? _server;
    private readonly int _assignment;

    internal ServerCancel(CancelRelay relay, Loop loop, Loop requesterLoop, ClientConnection requester, ClientSession target)
        : base(relay, loop, requesterLoop, requester, target.Pool!, target.Server)
    {
        _target = target;
        _server = target.Server;
        _assignment = target.Assignments;
    }

    /// <summary>A target that has moved to another loop had no server then.</summary>
    internal override string? ReasonToDrop =>
        _target.IsOn(Loop.Index) && _target.Server == _server
            && _target.Assignments == _assignment ? null : "not sending cancel request for client that is now idle";

    protected override string GaveUp => "client gave up on cancel request, so we also give up forwarding to server";

    protected override void OnSending() => _server!.CancelsInFlight++;

    protected override void OnOver()
    {
        if (--_server!.CancelsInFlight == 0) ServerConnection.Of(_server).OnCancelsOver();
    }
}

/// <summary>
/// A cancel request of the pooler's own, for a query whose client has gone: PostgreSQL does not notice that, and runs on. Its
/// connection is closed already; until PostgreSQL has heard of that, the key is nobody else's.
/// </summary>
internal sealed class AbandonedCancel(CancelRelay relay, Loop loop, ServerSession server)
    : PoolCancel(relay, loop, loop, null, server.Pool, server)
{
    internal override string? ReasonToDrop => null;

    protected override string GaveUp => "canceling an abandoned query took too long";
}

/// <summary>
/// A cancel request of the pooler's own, for a query whose client has gone and whose server is to be kept: nothing else is sent
/// to that before the request is through.
/// </summary>
internal sealed class KeptCancel(CancelRelay relay, Loop loop, ServerSession server)
    : PoolCancel(relay, loop, loop, null, server.Pool, server)
{
    private readonly ServerSession _server = server;

    internal override string? ReasonToDrop =>
        ServerConnection.Of(_server).IsClosed ? "not sending cancel request for a server that is closed" : null;

    protected override string GaveUp => "canceling an abandoned query took too long";

    protected override void OnSending()
    {
        _server.CancelsInFlight++;
        ServerConnection.Of(_server).OnOwnCancelSent();
    }

    protected override void OnOver()
    {
        if (--_server.CancelsInFlight == 0) ServerConnection.Of(_server).OnCancelsOver();
    }
}
