namespace FastPool.Core.Sessions;

/// <summary>A client that listens, as its pool's listening connection tells it something. On the client's loop.</summary>
public interface IListener
{
    /// <summary>Notifications, each a whole message.</summary>
    void OnNotifications(Subscription from, ReadOnlyMemory<byte> messages);

    /// <summary>All that came before the client's server began to listen has been told.</summary>
    void OnCut(Subscription from);

    /// <summary>The mark behind which the listening connection tells has been seen there.</summary>
    void OnBegun(Subscription from);

    /// <summary>The channels of <see cref="Subscription.Ask"/> are listened to, or are not going to be.</summary>
    /// <param name="number">Of that question.</param>
    void OnAnswered(Subscription from, int number, ListenAnswer answer);

    /// <summary>The listening connection is gone.</summary>
    void OnLost(Subscription from, string reason);
}

/// <summary>The answer of a listening connection to a client's channels.</summary>
public enum ListenAnswer : byte
{
    /// <summary>It listens to all of them.</summary>
    Listens,

    /// <summary>There are too many.</summary>
    Refused,

    /// <summary>It was on its way out: there may be another one.</summary>
    Gone,
}

/// <summary>The connection by which a hub listens. On the hub's loop.</summary>
public interface IHubEnd
{
    /// <summary>Sends a query; <see cref="ListenHub.OnAnswered"/> follows when it is answered.</summary>
    void Query(string text);

    /// <summary>No client listens any more: the server goes back to its pool.</summary>
    void GoHome();
}
