using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Settings;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// abandoned_transaction = rollback: the client has gone in the middle of something, and the server is kept. Its query is
/// canceled first. Behind all that the client has sent goes a marker, which tells where the replies to that end. Then comes
/// ROLLBACK, if a transaction is open. All replies are dropped.
/// </summary>
public sealed partial class ServerSession
{
    private enum AbandonedStage : byte
    {
        /// <summary>Nothing has been sent behind the client's messages: cancel requests come first.</summary>
        Begun,
        /// <summary>The marker is on its way.</summary>
        Marked,
        /// <summary>So many Closes in a row are answered that they are the marker's: the next ReadyForQuery is its end.</summary>
        MarkerSeen,
        RollingBack,
    }

    private static ReadOnlySpan<byte> CopyFail => "f\0\0\0\u0014client has gone\0"u8;

    private AbandonedStage _abandonedStage;
    private int _markerCloses; // 0: all that the client has sent is answered.
    private int _closesInRow;
    private long _abandonedUs;

    /// <summary>
    /// A server that is not clean is not closed when its client goes. One that is about to be closed anyway is not worth it, nor
    /// one whose marker would be long.
    /// </summary>
    public bool MayBeKept =>
        Pool.Limits.RollsBackAbandoned && Phase != ServerPhase.Unlistening && OnlyClient is null && !HasToldEnd && !IsCloseNeeded
            && ClosesUnderWay <= Limits.MarkerClosesMax;

    private int ClosesUnderWay
    {
        get
        {
            var count = 0;
            for (var i = 0; i < Outstanding.Count; i++) count += Outstanding[i].Type == FrontendMessage.Close ? 1 : 0;
            return count;
        }
    }

    /// <summary>Its client has gone, and what that has sent may still be run.</summary>
    private bool MayRunAbandoned =>
        Phase == ServerPhase.Abandoned && _abandonedStage < AbandonedStage.MarkerSeen && _markerCloses > 0;

    /// <summary>The client has gone in the middle of something. From now on nobody asks for the replies.</summary>
    /// <param name="client">The one that has gone.</param>
    /// <returns>Whether something that the client has sent is unanswered.</returns>
    internal bool Abandon(ClientSession client)
    {
        var runsQuery = !Outstanding.IsEmpty;
        var isKnown = !runsQuery && IsIdleInTransaction;
        _markerCloses = isKnown ? 0 : ForgetOutstanding() + 1;
        if (Phase == ServerPhase.SettingParameters) DoubtSetBatch(client);
        if (_keeps)
        {
            // A question that it would have been asked for at the end of the link, or is being asked for.
            if (_asksAlways || Phase == ServerPhase.Questioned) _mayHaveState = true;
            LetGoOfPin();
        }
        Move(ServerEvent.Abandon);
        _abandonedStage = AbandonedStage.Begun;
        _abandonedUs = Context.NowUs;
        _closesInRow = 0;
        IsReady = IsIdleInTransaction = false;
        _hasQueryFailed = _hasTransactionFailed = false;
        _nextWords = null;
        _restoresUnderWay = _setsUnreported = 0;
        _textUse = SafetyUse.None;
        _bound = null;
        Copy.EndStretch(wasInDoubt: false);
        ForgetUnnamed();
        return runsQuery;
    }

    /// <summary>
    /// Nobody will know which of the client's requests were run. All that they may have done to statements is in doubt:
    /// the next use closes and prepares anew.
    /// </summary>
    /// <returns>The Closes among them: at most so many CloseCompletes come in a row.</returns>
    private int ForgetOutstanding()
    {
        var closes = 0;
        _statements?.DoubtRecent();
        while (!Outstanding.IsEmpty)
        {
            var request = Outstanding.Pop();
            if (request.Action == ReplyAction.Fake) continue;
            if (request.Type == FrontendMessage.Close) closes++;
            switch (request)
            {
                case { Type: FrontendMessage.Parse, Statement: { } parsed, Kind: RequestKind.Plain }:
                    Statements.EndParse(parsed, hasFailed: false);
                    Statements.MarkStale(parsed);
                    break;
                case { Type: FrontendMessage.Close, Statement: { } closed }: DoubtClosed(closed); break;
            }
        }
        _unnamedUnderWay = 0;
        return closes;
    }

    /// <summary>The SET batch may have come through or not.</summary>
    private void DoubtSetBatch(ClientSession client)
    {
        DoubtLabels(client.Parameters);
        if (!KeptState.AreSame(client.Kept, Kept)) MustDiscard = true;
        _setsLeft = 0;
    }

    /// <summary>No cancel request is under way any more.</summary>
    /// <param name="output">Takes the marker.</param>
    /// <returns>False: there is nothing before it, so the transaction can be rolled back at once.</returns>
    public bool TryWriteMarker(MessageBuffer output)
    {
        Check.That(_abandonedStage == AbandonedStage.Begun);
        if (_markerCloses == 0)
        {
            BeginRollBack();
            return false;
        }
        _abandonedStage = AbandonedStage.Marked;
        // A COPY ends by it; elsewhere it is read past. The Sync ends a segment, and what is read past behind an error.
        output.Write(CopyFail);
        output.Write(PreparedMessages.Sync);
        for (var i = 0; i < _markerCloses; i++) output.Write(new Close { Kind = (byte)'S', Name = NobodysName });
        output.Write(PreparedMessages.Sync);
        return true;
    }

    private void BeginRollBack() => _abandonedStage = AbandonedStage.RollingBack;

    private Verdict JudgeAbandoned(byte type, ReadOnlySpan<byte> message)
    {
        switch (type)
        {
            case BackendMessage.ParameterStatus:
                return OnParameterStatus(message) == Verdict.Disconnect ? Verdict.Disconnect : Verdict.Skip;
            case BackendMessage.NotificationResponse or BackendMessage.NoticeResponse:
                return Verdict.Skip;
            case BackendMessage.CloseComplete when _abandonedStage == AbandonedStage.Marked:
                if (++_closesInRow == _markerCloses) _abandonedStage = AbandonedStage.MarkerSeen;
                return Verdict.Skip;
            case BackendMessage.ReadyForQuery when _abandonedStage >= AbandonedStage.MarkerSeen:
                return EndAbandoned(StatusOf(message));
            case BackendMessage.CommandComplete:
                NoteAbandoned(message[HeaderLength..]);
                break;
        }
        _closesInRow = 0;
        return Verdict.Skip;
    }

    /// <summary>A command of the client's that has gone is through.</summary>
    private void NoteAbandoned(ReadOnlySpan<byte> tag)
    {
        if (_hasLabels) NoteSetting(tag);
        if (_keeps) NoteStateOf(tag);
        if (DropsStatements(tag)) _statements?.MarkAllStale();
    }

    private Verdict EndAbandoned(byte status)
    {
        if (status != 'I')
        {
            if (_abandonedStage == AbandonedStage.RollingBack) return End(NotRolledBack);
            BeginRollBack();
            return Verdict.RollBack;
        }
        _statements?.EndStretch();
        if (_keeps) EndKeeping();
        _isInTransaction = false;
        IsReady = true;
        LastReadyUs = Context.NowUs;
        Move(ServerEvent.RolledBack);
        Context.Figures.AbandonedKept++;
        if (Context.Registry.Settings.LogDisconnections)
            Context.Log.AbandonedKept(LogPrefix, (Context.NowUs - _abandonedUs) / 1_000);
        return Verdict.RolledBack;
    }

    /// <summary>The reason of a server that has not become clean in time.</summary>
    public const string NotRolledBack = "abandoned transaction was not rolled back";
}
