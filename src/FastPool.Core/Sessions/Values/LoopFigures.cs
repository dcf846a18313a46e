namespace FastPool.Core.Sessions;

/// <summary>A loop's work since the start. Its own thread counts and reads.</summary>
public sealed class LoopFigures
{
    /// <summary>Turns of the loop: each is one wait for events.</summary>
    public long WakeUps;
    /// <summary>Messages that clients sent to servers.</summary>
    public long ClientMessages;
    /// <summary>Messages that servers sent, rows included.</summary>
    public long ServerMessages;
    /// <summary>Bytes received from clients.</summary>
    public long ClientBytes;
    /// <summary>Bytes received from servers.</summary>
    public long ServerBytes;
    /// <summary>Servers that came from other loops.</summary>
    public long Moves;
    /// <summary>Clients that came from busier loops.</summary>
    public long ClientsIn;
    /// <summary>Clients that went to quieter loops.</summary>
    public long ClientsOut;
    /// <summary>Sends that left together with others, by io_uring.</summary>
    public long SendsTogether;
    /// <summary>Mistakes of our own that were thrown and contained. Each has a line in the log.</summary>
    public long BrokenInvariants;
    /// <summary>Unnamed statements that were prepared once more, because the server had another client's.</summary>
    public long UnnamedHealed;
    /// <summary>Questions for the state of a session.</summary>
    public long StateQuestions;
    /// <summary>Batches that brought a client's state to a server.</summary>
    public long StateBatches;
    /// <summary>Servers that were kept though their client had gone in the middle of something.</summary>
    public long AbandonedKept;
    /// <summary>Notifications of listening connections, once for each client that was told.</summary>
    public long Notifications;
    /// <summary>Results of which a part was held for a slow client (result_buffer).</summary>
    public long ResultsHeld;
    /// <summary>Those for which the total had no room left (result_buffer_total).</summary>
    public long ResultsRefused;
    /// <summary>Bytes that are taken of the total now.</summary>
    public long HeldResultBytes;
}
