using FastPool.Core.Sessions;
using FastPool.Core.Settings;

namespace FastPool.Net;

/// <summary>
/// Closes TCP connections whose peer has gone without a word (dead_peer_timeout). Keepalive finds those that owe nothing; here
/// the kernel is asked about the others. A connection that moves bytes is not asked about; one that is idle and owes nothing is
/// asked about once, and not looked at again before something begins on it.
/// </summary>
internal sealed class SilentPeers(Loop loop)
{
    /// <summary>A peer is seen first after a part of the time, judged after most of it, and found in the last.</summary>
    private const int Parts = 10;
    private const int PartsSilent = 7;
    private const string NoAnswer = "no answer from the peer (dead_peer_timeout)";

    private readonly Dictionary<MessageEndpoint, PeerSilence> _suspects = [];
    private long _cleanedUs;

    internal void Tick()
    {
        var timeoutUs = SocketTuning.DeadPeerTimeoutUs(loop.Registry.Settings);
        if (timeoutUs <= 0) return;
        var partUs = timeoutUs / Parts;
        loop.ClientList.Peers.Tick(loop.ClientList, loop.NowUs, client => LookAt(client, partUs));
        loop.ServerList.Peers.Tick(loop.ServerList, loop.NowUs, server => LookAt(server, partUs));
        if (loop.NowUs - _cleanedUs >= timeoutUs) ForgetOthers(timeoutUs);
    }

    /// <summary>Those that are closed, or on another loop.</summary>
    private void ForgetOthers(long timeoutUs)
    {
        _cleanedUs = loop.NowUs;
        if (_suspects.Count == 0) return;
        foreach (var (peer, silence) in _suspects)
        {
            if (loop.NowUs - silence.LookedUs >= timeoutUs) _suspects.Remove(peer);
        }
    }

    /// <summary>At rest: room that a crowd has needed is given back.</summary>
    internal void GiveBack() => _suspects.TrimExcess();

    /// <returns>By when to look again.</returns>
    private long LookAt(ClientConnection client, long partUs)
    {
        var session = client.Session;
        if (session.Remote.IsUnix || (session.Origin is null && session.Local.IsUnix)) return DueBlocks.Never;
        var isIdle = client.Server is null;
        if (!IsGone(client, session.RequestUs, isIdle, partUs)) return NextLook(client, session.RequestUs, isIdle, partUs);
        client.Disconnect(new Ending(NoAnswer));
        return DueBlocks.Never;
    }

    private long LookAt(ServerConnection server, long partUs)
    {
        var session = server.Session;
        if (session.Remote.IsUnix) return DueBlocks.Never;
        var isIdle = session.Phase == Core.Pools.ServerPhase.Free;
        if (session.Login is not null || !IsGone(server, session.LastActivityUs, isIdle, partUs))
            return NextLook(server, session.LastActivityUs, isIdle, partUs);
        server.Close(NoAnswer, mayTerminate: false);
        return DueBlocks.Never;
    }

    private long NextLook(MessageEndpoint peer, long heardUs, bool isIdle, long partUs) =>
        IsQuiet(peer, heardUs, isIdle) ? DueBlocks.Never : Math.Max(loop.NowUs, heardUs) + partUs;

    /// <summary>It owed nothing behind its last words, and has been told nothing since.</summary>
    private static bool IsQuiet(MessageEndpoint peer, long heardUs, bool isIdle) =>
        isIdle && peer.QuietSinceUs == heardUs && !peer.IsCongested;

    /// <param name="heardUs">When it last said something.</param>
    /// <param name="isIdle">Nothing is sent to it.</param>
    private bool IsGone(MessageEndpoint peer, long heardUs, bool isIdle, long partUs)
    {
        if (loop.NowUs - heardUs < partUs || IsQuiet(peer, heardUs, isIdle)) return false;
        var health = loop.Engine.HealthOf(peer);
        if (!health.IsKnown) return false;
        if (health.Owed == 0)
        {
            _suspects.Remove(peer);
            if (isIdle) peer.QuietSinceUs = heardUs;
            return false;
        }
        ref var silence =
            ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_suspects, peer, out _);
        return silence.IsOver(health, loop.NowUs, partUs * PartsSilent);
    }
}
