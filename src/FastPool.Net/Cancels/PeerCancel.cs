using System.Buffers.Binary;
using System.Collections.Concurrent;
using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Net;

/// <summary>A cancel request that another pooler gave out the key for: passed on as it came, with one hop less to live.</summary>
internal sealed class PeerCancel : CancelConnection
{
    private readonly int _peerId;
    private readonly byte[] _key;
    private AddressPlan? _plan;
    private EndAddress _remote;
    private int _port;

    internal PeerCancel(CancelRelay relay, Loop loop, ClientConnection requester, int peerId, ulong key)
        : base(relay, loop, loop, requester)
    {
        _peerId = peerId;
        _key = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(_key, key);
    }

    internal override string? ReasonToDrop => null;

    internal override CancelView View => new(Requester, null, _peerId, Carrier);

    protected override ReadOnlySpan<byte> Key => _key;

    protected override string GaveUp =>
        "peer server was not necessary anymore, because client cancel connection was already closed";

    protected override bool MayForgetOnceSent => true;

    protected override string LogPrefix => ConnectionName.PeerPrefix('S', CarrierId, _peerId, _remote, UnixPort);

    protected override EndAddress Remote => _remote;

    protected override int UnixPort => _port;

    internal override ConnectionBudget Places => Relay.Peers.Of(_peerId);

    internal override bool TryTakePlace() => Relay.Peers.TryTake(_peerId);

    internal override void GiveBackPlace() => Relay.Peers.GiveBack(_peerId);

    /// <summary>Moves the plan on, too: a retry begins with all hosts anew.</summary>
    protected override bool HasOtherAddress
    {
        get
        {
            if (_plan is not null && _plan.TryMoveOn()) return true;
            _plan = null;
            return false;
        }
    }

    protected override void Begin()
    {
        var settings = Loop.Registry.Settings;
        if (Loop.Registry.Peers.Find(_peerId) is not { } peer) // It is closing: RELOAD or the DNS has taken the peer away.
        {
            OnConnectFailed("cannot connect");
            return;
        }
        _plan ??= new AddressPlan(peer.Hosts, settings.UnixSocketDir);
        _port = peer.Port;
        var attempt = CarrierId;
        Loop.Dialer.Find(Loop, _plan, peer.Port, this, place =>
        {
            if (attempt != CarrierId || IsOpen) return; // Given up meanwhile.
            _remote = place.Remote;
            if (place.Problem is { } problem) OnConnectFailed(problem);
            else Connect(place.Address);
        });
    }
}

/// <summary>
/// How many requests are on their way to each peer, over all loops: its pool_size, else default_pool_size, bounds them.
/// </summary>
internal sealed class PeerPools(PoolRegistry registry)
{
    private readonly ConcurrentDictionary<int, ConnectionBudget> _pools = new();

    /// <summary>Those that a request was passed on to since the start, without those that a RELOAD has taken away.</summary>
    internal IReadOnlyCollection<int> Used => [.. _pools.Keys.Where(id => registry.Peers.Find(id) is not null)];

    internal ConnectionBudget Of(int peerId) => _pools[peerId];

    internal void NoteUse(int peerId) =>
        _pools.GetOrAdd(peerId, static (_, loopCount) => new ConnectionBudget(loopCount), registry.LoopCount);

    internal bool TryTake(int peerId)
    {
        var settings = registry.Settings;
        if (registry.Peers.Find(peerId) is not { } peer) return false;
        var size = peer.PoolSize ?? settings.DefaultPoolSize;
        return size > 0 && _pools[peerId].TryTake(size);
    }

    internal void GiveBack(int peerId) => _pools[peerId].GiveBack();
}
