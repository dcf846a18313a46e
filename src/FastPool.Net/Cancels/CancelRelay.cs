using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Net;

/// <summary>
/// Brings cancel requests to where they belong: to the server that runs the query of the client they name, or to the peer
/// that gave out the key. The requester hears nothing but the close, which comes when the request has been delivered.
/// Requests that find too many connections of their kind wait in order of arrival, for cancel_wait_timeout at most.
/// </summary>
internal sealed class CancelRelay(PoolRegistry registry)
{
    private readonly List<CancelConnection>[] _underWay =
        [.. Enumerable.Range(0, registry.LoopCount).Select(_ => new List<CancelConnection>())];
    private readonly WaitingCancels[] _waiting =
        [.. Enumerable.Range(0, registry.LoopCount).Select(static loop => new WaitingCancels(loop))];

    internal PeerPools Peers { get; } = new(registry);

    internal void Begin(Loop loop, ClientConnection requester, ulong key)
    {
        var ownId = registry.Peers.OwnId;
        if (ownId > 0)
        {
            // One that was given out before the number was known has no mark.
            if (PeerKey.IdOf(key) != ownId && registry.CancelKeys.Find(key) is null)
            {
                PassOn(loop, requester, key);
                return;
            }
            if (PeerKey.IdOf(key) == ownId) key = PeerKey.Fresh(key);
        }
        if (registry.CancelKeys.Find(key) is not ClientSession target)
        {
            requester.Disconnect(new Ending("failed cancel request"));
            return;
        }
        Hold(loop, requester);
        if (target.IsOn(loop.Index)) Aim(loop, loop, requester, target);
        else loop.PostTo(target.Loop, new ClientLetter(target, other => Aim(other, loop, requester, target)));
    }

    /// <summary>Its client has gone while it runs a query (cancel_abandoned). It is about to be closed.</summary>
    internal void BeginAbandoned(Loop loop, ServerSession server) => TryStart(loop, new AbandonedCancel(this, loop, server));

    /// <summary>Its client has gone while it runs a query, and it is to be kept (abandoned_transaction).</summary>
    internal void BeginKept(Loop loop, ServerSession server) => TryStart(loop, new KeptCancel(this, loop, server));

    /// <summary>From here on cancel_wait_timeout counts, not client_login_timeout.</summary>
    private static void Hold(Loop loop, ClientConnection requester)
    {
        requester.BringsCancel = true;
        loop.LoggedIn(requester);
        loop.Engine.Pause(requester);
    }

    private void PassOn(Loop loop, ClientConnection requester, ulong key)
    {
        var id = PeerKey.IdOf(key);
        var reason = !PeerKey.MayPassOn(key) ? "failed to forward cancel request because its TTL was exhausted"
            : registry.Peers.Find(id) is null ? "could not find peer to forward request to"
            : null;
        if (reason is not null)
        {
            requester.Disconnect(new Ending(reason));
            return;
        }
        Hold(loop, requester);
        Peers.NoteUse(id);
        TryStart(loop, new PeerCancel(this, loop, requester, id, PeerKey.PassedOn(key)));
    }

    /// <summary>On the target's loop: only there the link can be looked at.</summary>
    private void Aim(Loop loop, Loop requesterLoop, ClientConnection requester, ClientSession target)
    {
        var server = target.Server;
        var refusal = target.IsConsole ? "cancel request for console client"
            : server is null ? ClientConnection.Of(target).TryCancelWait() ? "canceled a client that waits for a server"
                : "cancel request for idle client"
            : server is { Phase: ServerPhase.Questioned or ServerPhase.Unlistening, Outstanding.IsEmpty: true }
                ? "cancel request for idle client"
            : server.Phase == ServerPhase.SettingParameters ? "ignoring cancel request for server that is setting vars"
            : null;
        if (target.IsConsole) loop.Console.Cancel(target);
        var cancel = new ServerCancel(this, loop, requesterLoop, requester, target);
        if (refusal is not null) cancel.EndRequester(refusal);
        else TryStart(loop, cancel);
    }

    /// <summary>Behind those that came earlier for a place of the same kind, on whichever loop.</summary>
    private void TryStart(Loop loop, CancelConnection cancel)
    {
        if (cancel.Places.FirstWaiting == ConnectionBudget.Nobody && cancel.TryTakePlace())
        {
            Start(loop, cancel);
            return;
        }
        _waiting[loop.Index].Add(cancel);
        // A place may have been given back meanwhile, before this one was in the queue.
        StartNext(loop, cancel.Places);
    }

    private void Start(Loop loop, CancelConnection cancel)
    {
        _underWay[loop.Index].Add(cancel);
        cancel.Start();
    }

    /// <summary>
    /// Its connection is closed: the place is free for the next. One whose connection failed waits for another try.
    /// </summary>
    internal void OnClosed(Loop loop, CancelConnection cancel, bool isToRetry)
    {
        _underWay[loop.Index].Remove(cancel);
        cancel.GiveBackPlace();
        if (isToRetry) _waiting[loop.Index].AddForRetry(cancel);
        StartNext(loop, cancel.Places);
    }

    /// <summary>Requests aimed at servers of that loop's clients, and those that it passes on to peers.</summary>
    internal IReadOnlyList<CancelView> ViewOf(int loop) =>
        [.. _waiting[loop].All.Concat(_underWay[loop]).Select(cancel => cancel.View)];

    /// <summary>None is on its way on that loop.</summary>
    internal bool IsIdle(Loop loop) => _waiting[loop.Index].IsEmpty && _underWay[loop.Index].Count == 0;

    /// <summary>At rest: room that a crowd has needed is given back.</summary>
    internal void GiveBack(Loop loop)
    {
        _underWay[loop.Index].TrimExcess();
        _waiting[loop.Index].GiveBack();
    }

    /// <summary>Gives up what has waited or is connecting for too long; tries again for the others.</summary>
    internal void Tick(Loop loop)
    {
        GiveUpOnSilence(loop);
        var waiting = _waiting[loop.Index];
        if (waiting.IsEmpty) return;
        foreach (var cancel in waiting.All.ToArray())
        {
            if (ReasonToEnd(loop, cancel) is { } reason) cancel.EndRequester(reason);
        }
        waiting.TakeBack(loop.NowUs);
        foreach (var places in waiting.Places) StartNext(loop, places);
    }

    /// <summary>
    /// Those that stand first, as long as there are places for them. Where the first is another loop's, that loop goes on: a
    /// place that was given back on one loop is noticed at once on all.
    /// </summary>
    private void StartNext(Loop loop, ConnectionBudget places)
    {
        var waiting = _waiting[loop.Index];
        // The connect started a moment ago has failed at once: the round goes on by itself.
        if (waiting.Served is var before && before == places) return;
        waiting.Served = places;
        try
        {
            while (places.FirstWaiting is var first and not ConnectionBudget.Nobody)
            {
                if (first != loop.Index)
                {
                    loop.PostTo(first, new ActionLetter(other => StartNext(other, places)));
                    return;
                }
                var cancel = waiting.FirstOf(places);
                var reason = ReasonToEnd(loop, cancel);
                if (reason is null && !cancel.IsAbandoned && !cancel.TryTakePlace()) return;
                waiting.RemoveFirst(places);
                if (reason is not null) cancel.EndRequester(reason);
                else if (!cancel.IsAbandoned) Start(loop, cancel);
            }
        }
        finally
        {
            waiting.Served = before;
        }
    }

    private string? ReasonToEnd(Loop loop, CancelConnection cancel)
    {
        if (cancel.IsAbandoned) return null;
        var timeoutUs = registry.Settings.CancelWaitTimeoutUs;
        return timeoutUs > 0 && loop.NowUs - cancel.SinceUs > timeoutUs ? "cancel_wait_timeout" : cancel.ReasonToDrop;
    }

    /// <summary>
    /// A server that neither answers nor closes holds back the one that is to be canceled no longer than a login may take, or,
    /// where that has no end, an answer.
    /// </summary>
    private void GiveUpOnSilence(Loop loop)
    {
        var underWay = _underWay[loop.Index];
        if (underWay.Count == 0) return;
        var timeoutUs = registry.Settings.ServerConnectTimeoutUs;
        if (timeoutUs <= 0) timeoutUs = registry.Settings.Own.ServerAnswerTimeoutUs;
        foreach (var cancel in underWay.ToArray())
        {
            if (loop.NowUs - cancel.StartUs > timeoutUs) cancel.GiveUp();
        }
    }
}
