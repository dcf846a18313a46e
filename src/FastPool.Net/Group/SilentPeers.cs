using FastPool.Base;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;

namespace FastPool.Net;

/// <summary>
/// Closes TCP connections whose peer has gone without a word (dead_peer_timeout). Keepalive finds those that owe nothing; here
/// the kernel is asked about the others, a share of the list a tick. A connection that moves bytes is not asked about, one that
/// is idle and owes nothing once.
/// </summary>
internal sealed class SilentPeers(Loop loop)
{
    /// <summary>A peer is seen first after a part of the time, judged after most of it, and found in the last.</summary>
    private const int Parts = 10;
    private const int PartsSilent = 7;
    private const string NoAnswer = "no answer from the peer (dead_peer_timeout)";

    private readonly Dictionary<MessageEndpoint, PeerSilence> _suspects = [];
    private int _nextClient;
    private int _nextServer;
    private long _cleanedUs;
    private long _tickUs;

    internal void Tick()
    {
        var sinceUs = Math.Clamp(loop.NowUs - _tickUs, Limits.TickUs, Limits.QuietTickUs);
        _tickUs = loop.NowUs;
        var timeoutUs = SocketTuning.DeadPeerTimeoutUs(loop.Registry.Settings);
        if (timeoutUs <= 0) return;
        var partUs = timeoutUs / Parts;
        for (var left = Share(loop.ClientList.Count, sinceUs, partUs); left > 0 && loop.ClientList.Count > 0; left--)
        {
            _nextClient = (_nextClient + 1) % loop.ClientList.Count;
            LookAt(loop.ClientList[_nextClient], partUs);
        }
        for (var left = Share(loop.ServerList.Count, sinceUs, partUs); left > 0 && loop.ServerList.Count > 0; left--)
        {
            _nextServer = (_nextServer + 1) % loop.ServerList.Count;
            LookAt(loop.ServerList[_nextServer], partUs);
        }
        if (loop.NowUs - _cleanedUs >= timeoutUs) ForgetOthers(timeoutUs);
    }

    /// <summary>All of them have their turn in one part of the time.</summary>
    private static int Share(int count, long sinceUs, long partUs) =>
        (int)Math.Min(count, (count * sinceUs + partUs - 1) / partUs);

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

    private void LookAt(ClientConnection client, long partUs)
    {
        var session = client.Session;
        if (session.Remote.IsUnix || (session.Origin is null && session.Local.IsUnix)) return;
        if (IsGone(client, session.RequestUs, isIdle: client.Server is null, partUs)) client.Disconnect(new Ending(NoAnswer));
    }

    private void LookAt(ServerConnection server, long partUs)
    {
        var session = server.Session;
        if (session.Login is not null || session.Remote.IsUnix) return;
        if (IsGone(server, session.LastActivityUs, isIdle: session.Phase == Core.Pools.ServerPhase.Free, partUs))
            server.Close(NoAnswer, mayTerminate: false);
    }

    /// <param name="heardUs">When it last said something.</param>
    /// <param name="isIdle">Nothing is sent to it.</param>
    private bool IsGone(MessageEndpoint peer, long heardUs, bool isIdle, long partUs)
    {
        if (loop.NowUs - heardUs < partUs || (isIdle && peer.QuietSinceUs == heardUs && !peer.IsCongested)) return false;
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
