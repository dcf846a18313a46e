using FastPool.Base;
using FastPool.Core.Pools;

namespace FastPool.Core.Sessions;

/// <summary>
/// "This client has this server." Made once a server, used for one client after the other. It alone joins the two, knows
/// when they may part, and parts them: <see cref="TryEnd"/> is the one door through which a linked server is released.
/// Belongs to the loop of both.
/// </summary>
public sealed class Link(ServerSession server)
{
    public ServerSession Server { get; } = server;

    /// <summary>The client that has the server; null: none.</summary>
    public ClientSession? Client { get; private set; }

    /// <summary>The client has the server from now on.</summary>
    /// <returns>The SET batch to run first, or null when the variables fit already.</returns>
    public string? Begin(ClientSession client)
    {
        Check.That(Server.Outstanding.IsEmpty);
        Join(client);
        client.NoteAssignment();
        return Server.OnLinked(client);
    }

    /// <summary>Linked as it was in another process, in the middle of whatever it is.</summary>
    public void GoOn(ClientSession client)
    {
        Join(client);
        Server.OnLinkedBefore(client);
    }

    private void Join(ClientSession client)
    {
        Check.That(Client is null && client.Link is null);
        Client = client;
        client.Link = this;
        client.Transport.Join(Server.Transport);
        Server.Transport.Join(client.Transport);
    }

    /// <summary>The reason that keeps them together. Every transaction comes this way: the cheapest question is first.</summary>
    public LinkHold Hold
    {
        get
        {
            if (!Server.IsReady) return LinkHold.ServerNotReady;
            if (!Server.Outstanding.IsEmpty) return LinkHold.RepliesOutstanding;
            if (Server.IsKeptByClient) return LinkHold.SessionPooling;
            if (Client!.QueryStartUs != 0) return LinkHold.QueryBegun;
            if (Client.Transport.IsMidMessage) return LinkHold.ClientMidMessage;
            // A notification behind ReadyForQuery has come in part: the rest is this client's too.
            if (Server.Transport.IsMidMessage) return LinkHold.ServerMidMessage;
            if (!Server.Transport.HasSentAll) return LinkHold.Unsent;
            if (Server.MustAsk) return LinkHold.StateUnknown;
            return Server.Pin is null ? LinkHold.None : Server.IsListening ? LinkHold.Listening : LinkHold.Pinned;
        }
    }

    /// <summary>Releases the server if nothing keeps it: both sides are as clean as the protocol can tell.</summary>
    /// <returns>True: the link is over, and the server on its way to its pool.</returns>
    public bool TryEnd()
    {
        var hold = Hold;
        if (hold == LinkHold.StateUnknown) Server.Transport.Ask();
        else if (hold == LinkHold.Listening) Server.Transport.Unlisten();
        if (hold != LinkHold.None) return false;
        var client = Client!;
        Part();
        Server.Transport.OnReleased(client.Transport);
        return true;
    }

    /// <summary>The server listens for the whole pool from now on, and serves nobody.</summary>
    public void GiveUpServer() => Part();

    /// <summary>The client has not got as far as to say something to the server, and does not need it any more.</summary>
    public void EndUnused()
    {
        Check.That(Server.IsReady && Server.Outstanding.IsEmpty);
        var client = Client!;
        Part();
        Server.Transport.OnReleased(client.Transport);
    }

    /// <summary>
    /// The client has gone. The server is released if it is clean. If it is not, it is closed, or first made clean where that is
    /// wanted and can be done: not where it has a message in part.
    /// </summary>
    public void LoseClient()
    {
        var reason = ReasonToClose;
        var isCutShort = Client!.Transport.IsMidMessage;
        if (reason is not null && !isCutShort && Server.MayBeKept)
        {
            var client = Client;
            Unjoin();
            var runsQuery = Server.Abandon(client);
            Server.Transport.OnAbandoned(runsQuery, reason);
            return;
        }
        Part();
        Server.Transport.OnClientGone(reason, isCutShort);
    }

    /// <summary>The server closes: the client has none any more.</summary>
    public void LoseServer()
    {
        if (Client is not null) Part();
    }

    /// <summary>The reason why this server cannot serve others now that its client is gone; null: it can.</summary>
    private string? ReasonToClose
    {
        get
        {
            if (!Server.IsReady && (Server.Phase != ServerPhase.Questioned || !Server.Outstanding.IsEmpty))
                return "client disconnect while server was not ready";
            if (!Server.Outstanding.IsEmpty) return "client disconnected with query in progress";
            if (Client!.Transport.IsMidMessage || !Server.Transport.HasSentAll)
                return "client disconnect before everything was sent to the server";
            return Server.OnlyClient is null ? null : "replication client was closed";
        }
    }

    private void Part()
    {
        Unjoin();
        Server.OnParted();
    }

    private void Unjoin()
    {
        var client = Client!;
        Client = null;
        client.Link = null;
        client.Transport.Part();
        Server.Transport.Part();
    }
}
