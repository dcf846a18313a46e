using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Net;

/// <summary>A client that listens, and is told by its pool's listening connection while it has no server.</summary>
internal sealed partial class ClientConnection
{
    private static readonly Ending DoesNotRead =
        new("client does not read its notifications", "too many notifications that have not been read", "53000");

    /// <summary>Runs on this client's loop, in the order of the calls. Any thread.</summary>
    internal void PostInOrder(Action work) =>
        _loop.PostTo(Session.Loop, new ClientLetter(Session, _ => work())); // A client that listens stays on its loop.

    private bool Knows(Subscription subscription) => IsOpen && Session.Subscription == subscription;

    /// <summary>The client has no server that could be in the middle of a message.</summary>
    void IListener.OnNotifications(Subscription from, ReadOnlyMemory<byte> messages)
    {
        if (!Knows(from)) return;
        // Its server's own, from before the mark, may not have come yet.
        if (Server is { Session.Phase: ServerPhase.Unlistening })
        {
            if (from.Hold(messages.Span) > Limits.UnreadNotificationsMax) Disconnect(DoesNotRead);
        }
        else TellNotifications(messages.Span);
    }

    private bool TellNotifications(ReadOnlySpan<byte> messages)
    {
        _loop.ClientList.Peers.Touch(Index);
        // A result that is held for it is no notification.
        if (Unsent.Count + messages.Length <= (long)Limits.UnreadNotificationsMax + Room) return Send(messages);
        Disconnect(DoesNotRead);
        return false;
    }

    /// <summary>Its server has told all before the mark.</summary>
    /// <returns>False: the client is gone.</returns>
    internal bool TellHeld() =>
        Session.Subscription?.TakeHeld() is not { } held ? IsOpen : TellNotifications(held.WrittenSpan);

    void IListener.OnCut(Subscription from)
    {
        if (Knows(from)) Server?.OnHubThrough();
    }

    void IListener.OnBegun(Subscription from)
    {
        if (Knows(from)) from.EndCut(ListenCuts.ToHub);
    }

    void IListener.OnAnswered(Subscription from, int number, ListenAnswer answer)
    {
        if (!Knows(from) || number != from.Asked) return;
        from.EndCut(ListenCuts.Ask);
        if (answer == ListenAnswer.Gone) Session.EndSubscription();
        Server?.OnHubAnswer(answer);
    }

    /// <summary>A gap must not be silent: only a client whose own server listens may stay.</summary>
    void IListener.OnLost(Subscription from, string reason)
    {
        if (!Knows(from)) return;
        Session.EndSubscription();
        if (Server is { } server && server.Session.OnHubLost()) server.TryEndLink();
        else Disconnect(Lost(reason));
    }

    private static Ending Lost(string reason) =>
        new(Ending.Cut($"listening connection lost: {reason}"),
        $"terminating connection because the listening connection was lost, notifications may be missing: {reason}",
        Ending.AdminShutdown);

    // ---- taken over from another process -----------------------------------------------------------------------------

    /// <summary>Its pool's listening connection has come along too.</summary>
    internal void ListenAgain()
    {
        if (Session.Kept is not { IsListening: true } kept || Server is not null
            || Session.Pool!.Listening.Holder is not ListenHub hub) return;
        Session.Subscription = new Subscription(hub, _loop.Shared.NextId(), this, PostInOrder);
        hub.Adopt(Session.Subscription, kept.ChannelNames);
    }

    /// <summary>It has not: what it may have heard meanwhile is lost.</summary>
    internal void EndIfUnheard()
    {
        if (Session is { Kept.IsListening: true, Subscription: null } && Server is null)
            Disconnect(Lost("it could not be taken over"));
    }
}
