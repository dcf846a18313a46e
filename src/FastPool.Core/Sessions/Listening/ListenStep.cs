namespace FastPool.Core.Sessions;

/// <summary>How far a server that listens for its client is on the way to handing that over.</summary>
public enum ListenStep : byte
{
    /// <summary>Nobody has been asked.</summary>
    None,

    /// <summary>The hub has been asked to listen to the client's channels too.</summary>
    Asked,

    /// <summary>The hub listens to all of them.</summary>
    Ready,

    /// <summary>The mark is on its way; the server's notifications before it are the client's.</summary>
    Marking,

    /// <summary>It has been seen, and the server listens no more.</summary>
    Unlistening,

    /// <summary>The server is clean.</summary>
    Done,

    /// <summary>It is to become the listening connection itself.</summary>
    Opening,

    /// <summary>It is as good as that.</summary>
    Opened,

    /// <summary>It did not work out: the server stays with its client, pinned.</summary>
    Refused,
}
