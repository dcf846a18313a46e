using FastPool.Base;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>The transaction of a client that has no server.</summary>
public enum DeferredBegin : byte
{
    /// <summary>It has none.</summary>
    None,
    /// <summary>It has been told that it is in one. Its next server hears the BEGIN first.</summary>
    Begun,
    /// <summary>It has been told that it has failed. Its next server is brought into a transaction that has failed.</summary>
    Failed,
}

/// <summary>
/// defer_begin: a BEGIN is answered without a server, and sent with the first message that needs one. So is a COMMIT or a
/// ROLLBACK, as long as no server has been needed.
/// </summary>
public sealed partial class ClientSession
{
    private HeldBytes _begin; // The whole Query, while it is put off.

    /// <summary>Its transaction, as long as no server knows of that.</summary>
    public DeferredBegin Deferred { get; private set; }

    /// <summary>The messages by which a server gets there; empty: none are needed.</summary>
    public ReadOnlySpan<byte> DeferredMessages => Deferred switch
    {
        DeferredBegin.Begun => _begin.Span,
        DeferredBegin.Failed => "Q\0\0\0\u000ABEGIN\0Q\0\0\0\u0029ROLLBACK TO SAVEPOINT failed_earlier\0"u8,
        _ => default,
    };

    /// <summary>How many of them there are.</summary>
    internal int DeferredCount => (int)Deferred;

    /// <summary>
    /// A query that may be answered without a server. A client that listens has one at once: in a transaction it hears nothing,
    /// and only its server knows when that is over.
    /// </summary>
    private bool MayDefer(int totalLength) => Server is null && !NeedsOwnServer && !IsConsole
        && Subscription is null && Kept is not { IsListening: true }
        && totalLength <= MessageHeader.Size + TransactionCommands.TextBytesMax + 1;

    private Verdict JudgeQuery(int totalLength)
    {
        if (Pool!.Limits.DisablePqexec) return RefusePqexec();
        return MayDefer(totalLength) ? Verdict.MayDefer : Verdict.Forward;
    }

    /// <summary>Answers a query that needs no server.</summary>
    /// <param name="message">The whole Query.</param>
    /// <param name="toClient">Takes the answer.</param>
    /// <returns>False: it needs one.</returns>
    public bool TryAnswer(ReadOnlySpan<byte> message, MessageBuffer toClient)
    {
        BeginTracked();
        if (message is not [.., 0]) return false;
        var command = TransactionCommands.Of(message[MessageHeader.Size..^1]);
        var begins = command is TransactionCommand.Begin or TransactionCommand.StartTransaction;
        if (command == TransactionCommand.None || begins != (Deferred == DeferredBegin.None)) return false;
        if (begins)
        {
            _begin.Append(message, _context.Buffers);
            toClient.Write(command == TransactionCommand.Begin ? "C\0\0\0\u000ABEGIN\0"u8 : "C\0\0\0\u0016START TRANSACTION\0"u8);
            toClient.Write(PreparedMessages.ReadyForQueryInTransaction);
            Deferred = DeferredBegin.Begun;
        }
        else
        {
            var commits = command == TransactionCommand.Commit && Deferred == DeferredBegin.Begun;
            toClient.Write(commits ? "C\0\0\0\u000BCOMMIT\0"u8 : "C\0\0\0\u000DROLLBACK\0"u8);
            toClient.Write(PreparedMessages.ReadyForQueryIdle);
            EndDeferral();
        }
        CountForwarded(message.Length);
        if (Unnamed is { } unnamed) // As any simple query, it drops it.
        {
            unnamed.SendDrop();
            unnamed.End(RequestEnd.Done);
        }
        EndQuery(isTransactionOver: !begins);
        return true;
    }

    /// <summary>It is over, or a server knows of it: then it is a transaction like any other.</summary>
    internal void EndDeferral() => MoveDeferred(DeferredBegin.None);

    private void MoveDeferred(DeferredBegin next)
    {
        Deferred = next;
        _begin.Clear(_context.Buffers);
    }

    /// <summary>The BEGIN has failed, or the request that was to come behind it was canceled.</summary>
    public void FailDeferred()
    {
        if (Deferred == DeferredBegin.Begun) MoveDeferred(DeferredBegin.Failed);
    }

    /// <summary>The ReadyForQuery behind a request that never reached a server.</summary>
    public ReadOnlySpan<byte> ReadyWithoutServer => Deferred switch
    {
        DeferredBegin.Begun => PreparedMessages.ReadyForQueryInTransaction,
        DeferredBegin.Failed => PreparedMessages.ReadyForQueryFailed,
        _ => PreparedMessages.ReadyForQueryIdle,
    };

    /// <summary>For another process: the BEGIN; empty: its transaction has failed.</summary>
    public ReadOnlySpan<byte> SavedBegin => _begin.Span;

    /// <summary>As in another process.</summary>
    public void GoOnDeferring(byte[] begin)
    {
        Deferred = begin.Length > 0 ? DeferredBegin.Begun : DeferredBegin.Failed;
        _begin.Append(begin, _context.Buffers);
    }
}
