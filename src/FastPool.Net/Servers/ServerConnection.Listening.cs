using System.Security.Cryptography;
using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Net;

/// <summary>A server that listens: for its client, or for all clients of the pool.</summary>
internal sealed partial class ServerConnection
{
    private const string NoAnswer = "listening connection does not answer";

    /// <summary>It may be parked: no client is about to move to it, or from it.</summary>
    internal bool IsListeningStill =>
        Session.Hub is { IsAsking: false } && Session.Pool.Listening.CutsUnderWay == 0;

    // ---- the client's server ---------------------------------------------------------------------------------------

    /// <summary>The client has the server, with all that it counts on.</summary>
    private void GoOnLinked()
    {
        if (Client is not { } client) return;
        client.Session.Subscription?.EndCut(ListenCuts.ToServer);
        if (Session.TakeEarly() is not { } early || client.Send(early.WrittenSpan)) client.GoOn();
    }

    /// <summary>The listening connection has told the client all that came before this server's mark.</summary>
    internal void OnHubThrough()
    {
        if (Session.OnHubThrough()) GoOnLinked();
    }

    /// <summary>The link would be over, but for the client's channels.</summary>
    void IServerEnd.Unlisten()
    {
        if (_loop.Registry.State is { IsFrozen: true } or { Mode: PoolerMode.Suspended }) return; // The janitor tries again.
        if (Session.ListenStep == ListenStep.None) AskHub(Client!);
        else if (Session.ListenStep == ListenStep.Ready) BeginStep(Session.BeginMark());
    }

    private void AskHub(ClientConnection client)
    {
        if (client.Session.Subscription is not { } subscription)
        {
            if (FindHub() is not { } hub) return;
            subscription = Subscribe(client, hub);
        }
        subscription.Ask(Session.BeginAsk());
    }

    private Subscription Subscribe(ClientConnection client, ListenHub hub) =>
        client.Session.Subscription = new Subscription(hub, _loop.Shared.NextId(), client, client.PostInOrder);

    /// <summary>The pool's listening connection, or this server is about to become it.</summary>
    /// <returns>Null: there is none to ask.</returns>
    private ListenHub? FindHub()
    {
        var place = Session.Pool.Listening;
        if (place.Holder is ListenHub present) return present;
        var hub = new ListenHub(Session.Pool, NewMark(), PostInOrder);
        if (!Session.IsCloseNeeded && Session.CancelsInFlight == 0 && !Session.Pool.Database.IsHeld
            && !Session.Pool.Database.IsEnding && Session.Pool.TryBeginListening(hub, Session.IsPinCounted))
        {
            BeginStep(Session.BeginOpening(hub));
            return null;
        }
        if (place.Holder is ListenHub other) return other; // It was quicker.
        KeepListening();
        return null;
    }

    private static string NewMark() => "fastpool_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    private void PostInOrder(Action work)
    {
        var loop = _loop;
        loop.Post(new ActionLetter(_ => work(), this));
    }

    /// <summary>The client is not read: its next words would find a server that does not listen for it.</summary>
    private void BeginStep(string query)
    {
        _loop.Engine.Pause(Client!);
        SendQuery(query, "notifications cannot be handed over");
    }

    /// <summary>Without a listening connection the server stays with its client.</summary>
    private void KeepListening()
    {
        if (Session.TryKeepListening()) return;
        // Not in the middle of the work that has led here.
        PostInOrder(() => Close($"too many pinned servers ({ServerSession.ListenPin})", mayTerminate: true));
    }

    /// <summary>A step is through.</summary>
    private void OnUnlistened()
    {
        var client = Client!;
        switch (Session.ListenStep)
        {
            case ListenStep.Unlistening:
                SendQuery(Session.BeginUnlisten(), "notifications cannot be handed over");
                return;
            case ListenStep.Done:
                EndListening(client);
                return;
            case ListenStep.Opened when Session.CancelsInFlight == 0:
                BecomeHub(client);
                return;
            default:
                Session.GiveUpOpening();
                client.Session.Subscription?.EndCut(ListenCuts.ToHub);
                KeepListening();
                client.GoOn();
                return;
        }
    }

    /// <summary>The answer to the question whether the pool's listening connection has the client's channels.</summary>
    internal void OnHubAnswer(ListenAnswer answer)
    {
        Session.OnHubAnswer(answer);
        if (Session.ListenStep == ListenStep.Refused && answer == ListenAnswer.Refused) KeepListening();
        else TryEndLink();
    }

    internal void TryEndLink()
    {
        if (Session.Phase == ServerPhase.Linked) Session.Link.TryEnd();
    }

    private void EndListening(ClientConnection client)
    {
        if (!client.TellHeld()) return;
        if (!Session.Link.TryEnd())
        {
            Close("server keeps a client that it does not listen for", mayTerminate: true);
            return;
        }
        client.GoOn();
    }

    private void BecomeHub(ClientConnection client)
    {
        var hub = Session.TakeHubToBe();
        Session.Link.GiveUpServer();
        Session.BecomeHub(hub);
        hub.Adopt(Subscribe(client, hub), client.Session.Kept!.ChannelNames);
        hub.Open(this);
        client.GoOn();
    }

    // ---- the pool's listening connection -----------------------------------------------------------------------------

    void IHubEnd.Query(string text) => SendQuery(text, NoAnswer);

    void IHubEnd.GoHome()
    {
        var hub = Session.Hub;
        // Not in the middle of the work that has led here.
        PostInOrder(() =>
        {
            if (IsClosed || Session.Hub != hub) return;
            Session.EndHub();
            Release();
        });
    }

    /// <summary>It was the listening connection of an earlier process.</summary>
    internal void ListenAgain(string mark)
    {
        var hub = new ListenHub(Session.Pool, mark, PostInOrder);
        if (!Session.Pool.TakeListening(hub)) return;
        Session.BecomeHub(hub);
        hub.Open(this);
    }
}
