using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using FastPool.Native;

namespace FastPool.Net;

/// <summary>
/// A cancel request for the query that a client of this pooler runs. It is meant for the link that the client had when the
/// request came: a server that has been released since is not told. From the moment it is sent until the server has acted on
/// it, the server that runs the query serves no other client.
/// </summary>
internal sealed class ServerCancel : CancelConnection
{
    private readonly ClientSession _target;
    private readonly ServerSession? _server;
    private readonly int _assignment;
    private readonly NativeAddress _address;
    private readonly byte[] _key;

    internal ServerCancel(CancelRelay relay, Loop loop, Loop requesterLoop, ClientConnection requester, ClientSession target)
        : base(relay, loop, requesterLoop, requester)
    {
        _target = target;
        _server = target.Server;
        _assignment = target.Assignments;
        _address = _server is null ? default : ServerConnection.Of(_server).Address;
        _key = _server?.WholeCancelKey ?? [];
    }

    internal override string? ReasonToDrop =>
        _target.Server == _server
            && _target.Assignments == _assignment ? null : "not sending cancel request for client that is now idle";

    internal override CancelView View => new(Requester, _target.Pool, 0, Carrier);

    protected override ReadOnlySpan<byte> Key => _key;

    protected override string GaveUp => "client gave up on cancel request, so we also give up forwarding to server";

    protected override string LogPrefix =>
        ConnectionName.Prefix('S', CarrierId, _target.Pool!.Database.Name, _target.Pool.User.Name, Remote, 0, UnixPort);

    protected override EndAddress Remote => _address.ToEndAddress();

    protected override int UnixPort => _server!.UnixPort;

    internal override ConnectionBudget Places => _target.Pool!.Cancels;

    /// <summary>Up to twice pool_size connections, so that requests come through when every server is busy.</summary>
    internal override bool TryTakePlace()
    {
        var pool = _target.Pool!;
        var size = pool.Limits.PoolSize;
        return pool.Cancels.TryTake(size > 0 ? Math.Max(1, 2 * size - pool.Counts.Servers) : 0);
    }

    internal override void GiveBackPlace() => _target.Pool!.Cancels.GiveBack();

    protected override void Begin() => Connect(_address);

    protected override bool BeginsTls()
    {
        var tls = TlsOfPool;
        if (Remote.IsUnix || tls is not { IsDirect: true, Sslmode: not SslMode.Disable }) return false;
        var name = _target.Pool!.Database.Entry.Hosts.FirstOrDefault(static host => !System.Net.IPAddress.TryParse(host, out _));
        var context = Loop.Shared.Tls.ForServers(tls, Loop.Registry.Settings.Own.HasOwnTlsRecords);
        if (!Loop.Engine.Secure(this, context, serverName: name)) OnConnectFailed("server conn crashed?");
        return true;
    }

    public override void OnSecured(TlsStream handshake)
    {
        // The address may be that of any of the hosts.
        if (TlsOfPool.Sslmode == SslMode.VerifyFull && !_target.Pool!.Database.Entry.Hosts.Any(handshake.IsPeer))
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
            var pool = _target.Pool!;
            return settings.ServerTls(pool.Database.Entry, settings.Users.GetValueOrDefault(pool.ServerUserName));
        }
    }

    protected override void OnSending() => _server!.CancelsInFlight++;

    protected override void OnOver()
    {
        _server!.CancelsInFlight--;
        if (_server.CancelsInFlight == 0 && _server.Client is null
            && ServerConnection.Of(_server) is { IsClosed: false } connection) connection.Release();
    }
}
