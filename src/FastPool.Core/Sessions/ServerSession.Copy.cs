using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// COPY IN on a server connection. Its messages owe no reply, and outside of COPY the server ignores them. A Sync is answered,
/// but for one that the server reads in COPY: that it ignores. Whether a COPY was still on, or had failed already, nobody can
/// tell who sees the replies alone; so every Sync keeps its place until its reply has come, or something has that can only come
/// behind it. Source: PostgreSQL, Message Flow, COPY Operations.
/// </summary>
public sealed partial class ServerSession
{
    /// <summary>
    /// The messages that go out behind a Sync and end a doubt: a Close of a name that no statement has, and a Sync, which answer
    /// in every case.
    /// </summary>
    public static ReadOnlySpan<byte> Fence => "C\0\0\0\u0011SPGBOUNCER_0\0S\0\0\0\u0004"u8;

    private long _doubtEnd;
    private long _copyEnd; // Behind the places before the first end of a COPY that is on its way.
    private bool _hasCopyEnd;
    private bool _hasRequestInDoubt;

    /// <summary>Some Sync at or behind the head stands before a message of COPY's: it is answered, or it is not.</summary>
    private bool IsInDoubt => _doubtEnd > Outstanding.PoppedCount;

    private void ExpectCopy(byte type)
    {
        NoteCopyData();
        if (type == FrontendMessage.CopyData) return;
        _hasCopyEnd = true;
        if (_copyEnd <= Outstanding.PoppedCount) _copyEnd = Outstanding.PoppedCount + Outstanding.Count;
        Client!.IsInCopyIn = false;
    }

    /// <summary>Messages of COPY's go to the server: a COPY that has begun may have read past every Sync before them.</summary>
    public void NoteCopyData()
    {
        if (Outstanding.SyncCount == 0) return;
        if (!IsInDoubt) _hasRequestInDoubt = false;
        _doubtEnd = Outstanding.PoppedCount + Outstanding.Count;
    }

    /// <summary>
    /// A request goes to the server: whoever sends one has given up the COPY before it, if he has not ended it.
    /// </summary>
    private void NoteRequest()
    {
        Client!.IsInCopyIn = false;
        _hasCopyEnd = false;
        if (IsInDoubt) _hasRequestInDoubt = true;
    }

    /// <returns>True: <see cref="Fence"/> must go out right behind it.</returns>
    private bool ExpectSync()
    {
        if (!IsInCopy) Client!.IsInCopyIn = false;
        var isFenced = IsInDoubt && CanFence;
        _segment++;
        Outstanding.Add(FrontendMessage.Sync);
        if (isFenced) ExpectFence();
        return isFenced;
    }

    /// <summary><see cref="Fence"/> goes to the server.</summary>
    public void ExpectFence()
    {
        Outstanding.Add(FrontendMessage.Close, ReplyAction.Swallow);
        Outstanding.Add(FrontendMessage.Sync, ReplyAction.Swallow);
    }

    /// <summary>
    /// The client's messages are through, as far as we can tell, and only Syncs are left that nobody may ever answer. Before
    /// its next message <see cref="Fence"/> goes out: behind it each reply has its own place again.
    /// </summary>
    public bool IsFenceDue => _isOffBeat && !IsInCopy && Outstanding.FenceCount == 0 && Outstanding.Count == Outstanding.SyncCount
        && (IsReady || IsIdleInTransaction);

    /// <summary>
    /// This Sync will not be read in COPY, so that what follows it is run: of the requests on their way one at most can be a
    /// COPY, and that one has been given its end or has failed. And no other CloseComplete can be taken for the fence's.
    /// </summary>
    private bool CanFence =>
        !_hasRequestInDoubt && Outstanding is { FenceCount: 0, QueryCount: 0, ExecuteCount: <= 1 }
            && (Outstanding.ExecuteCount == 0 || _hasCopyEnd || IsSkipping);

    /// <summary>A message of the extended protocol has failed: the server reads past everything up to a Sync.</summary>
    private bool IsSkipping =>
        _hasQueryFailed && !Outstanding.IsEmpty && !OutstandingQueue.EndsWithReadyForQuery(Outstanding.Head.Type);

    /// <summary>
    /// A reply has taken the place of a Sync in doubt, and may have been a later one's: from then on places may stand in the
    /// queue that are through. They leave when a reply comes that can only belong to what stands behind them, at the latest with
    /// the link.
    /// </summary>
    private bool _isOffBeat;

    /// <summary>
    /// A reply has come that answers no Sync: what stands before the request that it may answer has been read past, or is
    /// through.
    /// </summary>
    private void DropUnanswered(byte type)
    {
        while (!Outstanding.IsEmpty && (IsInDoubt || _isOffBeat) && IsPassedBy(type))
        {
            if (Outstanding.Pop() is { Kind: not RequestKind.Plain } query) EndCommand(query);
        }
    }

    private bool IsPassedBy(byte type) => Outstanding.Head.Type switch
    {
        FrontendMessage.Sync => true,
        FrontendMessage.Query or FrontendMessage.FunctionCall => _isOffBeat && AnswersExtended(type),
        _ => false,
    };

    /// <summary>A reply that no Query and no FunctionCall brings.</summary>
    private static bool AnswersExtended(byte type) => type is
        BackendMessage.ParseComplete or BackendMessage.BindComplete or BackendMessage.CloseComplete or BackendMessage.NoData
            or BackendMessage.ParameterDescription or BackendMessage.PortalSuspended;

    /// <summary>
    /// The COPY of the Execute that has just left went well: the server has read past every Sync up to its end.
    /// </summary>
    private void EndCopyWell()
    {
        while (_copyEnd > Outstanding.PoppedCount && Outstanding.Head.Type == FrontendMessage.Sync) Outstanding.Pop();
    }

    /// <summary>The fence is answered: so is everything before it that ever will be.</summary>
    private void PassFence()
    {
        while (Outstanding.Pop() is { IsFence: false } unanswered) NoteUndone(unanswered, RequestEnd.Skipped);
    }
}
