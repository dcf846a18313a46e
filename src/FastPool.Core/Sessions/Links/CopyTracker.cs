using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// COPY IN on a server connection. Its messages owe no reply, and outside of COPY the server ignores them. A Sync is answered,
/// but for one that the server reads in COPY: that it ignores. The replies alone do not tell whether a COPY was still on, or
/// had failed already. So every Sync keeps its place until its reply has come, or a reply that can only come behind it.
/// Source: PostgreSQL, Message Flow, COPY Operations.
/// </summary>
public sealed class CopyTracker
{
    private readonly OutstandingQueue _outstanding;
    private long _doubtEnd;
    private long _copyEnd; // Behind the places before the first end of a COPY that is on its way.
    private bool _hasCopyEnd;
    private bool _hasRequestInDoubt;

    internal CopyTracker(OutstandingQueue outstanding) => _outstanding = outstanding;

    /// <summary>
    /// The messages that go out behind a Sync and end a doubt: a Close of a name that no statement has, and a Sync, which answer
    /// in every case.
    /// </summary>
    public static ReadOnlySpan<byte> Fence => "C\0\0\0\u0011SPGBOUNCER_0\0S\0\0\0\u0004"u8;

    /// <summary>The server has said that it reads COPY's data, and nothing that ends this.</summary>
    public bool IsOn { get; internal set; }

    /// <summary>A Sync at or behind the head stands before a message of COPY's: the server may answer it or not.</summary>
    internal bool IsInDoubt => _doubtEnd > _outstanding.PoppedCount;

    /// <summary>
    /// A reply has taken the place of a Sync in doubt, and may have been a later one's: from then on places may stand in the
    /// queue that are through. They leave when a reply comes that can only belong to what stands behind them, at the latest with
    /// the link.
    /// </summary>
    public bool IsOffBeat { get; private set; }

    /// <summary>Another client has the server.</summary>
    internal void Begin() => IsOffBeat = false;

    /// <summary>Messages of COPY's go to the server: a COPY that has begun may have read past every Sync before them.</summary>
    public void NoteData()
    {
        if (_outstanding.SyncCount == 0) return;
        if (!IsInDoubt) _hasRequestInDoubt = false;
        _doubtEnd = _outstanding.PoppedCount + _outstanding.Count;
    }

    /// <summary>CopyDone or CopyFail goes to the server.</summary>
    internal void NoteEnd()
    {
        NoteData();
        _hasCopyEnd = true;
        if (_copyEnd <= _outstanding.PoppedCount) _copyEnd = _outstanding.PoppedCount + _outstanding.Count;
    }

    /// <summary>Another request goes to the server: if the COPY before it has no end, the client has given it up.</summary>
    internal void NoteRequest()
    {
        _hasCopyEnd = false;
        if (IsInDoubt) _hasRequestInDoubt = true;
    }

    /// <summary>
    /// Another process has sent COPY's data behind a Sync. It does not tell what else it sent: take the worst.
    /// </summary>
    internal void NoteHandedDoubt()
    {
        NoteData();
        _hasRequestInDoubt = true;
    }

    /// <summary>A Sync goes to the server, and its place is not in the queue yet.</summary>
    /// <param name="isSkipping">The server reads past everything up to a Sync.</param>
    /// <returns> True: <see cref="Fence"/> must go out right behind it. The Sync will not be read in COPY, so what follows it
    /// is run. That is so if at most one of the requests on their way can be a COPY, and that one has been given its end or
    /// has failed. And no other CloseComplete can be taken for the fence's. </returns>
    internal bool NeedsFence(bool isSkipping) =>
        IsInDoubt && !_hasRequestInDoubt && _outstanding is { FenceCount: 0, QueryCount: 0, ExecuteCount: <= 1 }
            && (_outstanding.ExecuteCount == 0 || _hasCopyEnd || isSkipping);

    /// <summary><see cref="Fence"/> goes to the server.</summary>
    public void AddFence()
    {
        _outstanding.Add(FrontendMessage.Close, ReplyAction.Swallow);
        _outstanding.Add(FrontendMessage.Sync, ReplyAction.Swallow);
    }

    /// <summary>Only Syncs are left that may never be answered.</summary>
    internal bool HasOnlyDoubtfulSyncs =>
        IsOffBeat && !IsOn && _outstanding.FenceCount == 0 && _outstanding.Count == _outstanding.SyncCount;

    /// <summary>
    /// A reply has come that answers no Sync. All before the request that it may answer has been read past, or is through.
    /// </summary>
    /// <returns>Whether that goes for the head.</returns>
    internal bool IsHeadPassedBy(byte type)
    {
        if (_outstanding.IsEmpty || !(IsInDoubt || IsOffBeat)) return false;
        return _outstanding.Head.Type switch
        {
            FrontendMessage.Sync => true,
            FrontendMessage.Query or FrontendMessage.FunctionCall => IsOffBeat && AnswersExtended(type),
            _ => false,
        };
    }

    /// <summary>A reply that neither a Query nor a FunctionCall brings.</summary>
    private static bool AnswersExtended(byte type) => type is
        BackendMessage.ParseComplete or BackendMessage.BindComplete or BackendMessage.CloseComplete or BackendMessage.NoData
            or BackendMessage.ParameterDescription or BackendMessage.PortalSuspended;

    /// <summary>The Execute that has just left went well. If it was a COPY, all Syncs up to its end are read past.</summary>
    internal void EndExecute()
    {
        if (!IsOn) return;
        while (_copyEnd > _outstanding.PoppedCount && _outstanding.Head.Type == FrontendMessage.Sync) _outstanding.Pop();
    }

    /// <summary>ReadyForQuery has taken its place out of the queue.</summary>
    /// <param name="wasInDoubt"><see cref="IsInDoubt"/> before it came.</param>
    internal void EndStretch(bool wasInDoubt)
    {
        IsOffBeat = (IsOffBeat || wasInDoubt) && !_outstanding.IsEmpty;
        IsOn = false;
    }
}
