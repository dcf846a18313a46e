namespace FastPool.Core.Sessions;

/// <summary>A session's transport: its socket, and how far the bytes of its messages have come. On its loop's thread.</summary>
public interface ILinkEnd : IConnectionView
{
    /// <summary>
    /// The other end of the link has the beginning of a message that came from here, and the rest has not come yet. A word of
    /// ours would be read as a part of it.
    /// </summary>
    bool IsMidMessage { get; }

    /// <summary>Nothing is still on its way to the peer. Bytes that the engine has put off are sent to find out.</summary>
    bool HasSentAll { get; }

    /// <summary>Linked: what comes from here goes there.</summary>
    void Join(ILinkEnd other);

    /// <summary>Not linked any more.</summary>
    void Part();
}

/// <summary>A server's transport.</summary>
public interface IServerEnd : ILinkEnd
{
    /// <summary>It was free, and begins something that must come to an end.</summary>
    void OnBusy();

    /// <summary>The link is over, and the server clean: it goes back to its pool.</summary>
    void OnReleased(ILinkEnd client);

    /// <summary>The link would be over, but nobody knows what the client has left in its session: the server is asked.</summary>
    void Ask();

    /// <summary>The link would be over, but the client listens there: the pool's listening connection is to do so.</summary>
    void Unlisten();

    /// <summary>The link is over because the client has gone.</summary>
    /// <param name="reason">Why the server must be closed; null: it goes back to its pool.</param>
    /// <param name="isCutShort">The client left in the middle of a message, part of which the server has.</param>
    void OnClientGone(string? reason, bool isCutShort);

    /// <summary>The link is over because the client has gone in the middle of something, and the server is to be kept.</summary>
    /// <param name="runsQuery">Something that the client has sent is unanswered, and may run on.</param>
    /// <param name="reason">Why the server must be closed if it has not got all that it is believed to have got.</param>
    void OnAbandoned(bool runsQuery, string reason);
}
