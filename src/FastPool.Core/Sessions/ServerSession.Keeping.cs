using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Settings;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// session_state: after a transaction that may have left something, the server is asked for the state of its session before it is
/// anybody else's. The client takes along all that can travel; anything else keeps the server with it.
/// </summary>
public sealed partial class ServerSession
{
    private const string UnknownName = "set_config of a name that its query does not tell";

    private bool _keeps; // session_state is on, and the link is one between transactions.
    private bool _asksAlways;
    private bool _mayHaveState; // Nobody has asked since.
    private int _localSets;
    private bool _hasUnknownNames;
    private bool _isFirstSetKnown; // The cut text begins with a SET whose name was seen; any other has a tag of its own.
    private bool _isTextCut; // Of a text only the beginning has been looked at.
    private int _repliesAhead; // Of a question whose client has gone.
    private int _setsLeft; // Messages of the SET batch that are not answered.
    private string _handedPin = "";
    private StateAnswer? _stateAnswer;
    private List<string>? _lostCommands; // PREPARE commands of Kept that have failed on this server.

    /// <summary>The state that is on this server; null: none.</summary>
    public KeptState? Kept { get; private set; }

    /// <summary>The reasons why this server stays with its client; null: none.</summary>
    public string? Pin { get; private set; }

    private bool _isPinCounted; // Against pinned_servers_max.

    /// <summary>The link is as good as over, but for a question.</summary>
    internal bool MustAsk => _mayHaveState;

    /// <summary>The last client has left something that no other may find: nothing less than DISCARD ALL will do.</summary>
    public bool MustDiscard { get; private set; }

    private void BeginKeeping()
    {
        var mode = Pool.Limits.SessionState;
        _keeps = mode != SessionStateMode.Off && !IsKeptByClient;
        if (!_keeps) return;
        _asksAlways = mode == SessionStateMode.Always;
        _localSets = 0;
        _isTextCut = _isFirstSetKnown = false;
    }

    /// <summary>Linked as it was in another process, which may have been about to ask.</summary>
    private void GoOnKeeping()
    {
        BeginKeeping();
        _mayHaveState = _keeps;
        if (!_keeps && _hasUnknownNames)
        {
            _hasUnknownNames = false;
            MustDiscard = !IsKeptByClient;
        }
        if (_handedPin.Length == 0) return;
        MustDiscard = !IsKeptByClient; // Though session_state be off by now.
        if (!_keeps) return;
        Pin = _handedPin;
        if (Pin == ListenPin && Kept is { IsListening: true })
        {
            BeginListening();
            return;
        }
        _isPinCounted = true;
        _hasUnknownNames |= _handedPin.Contains(UnknownName, StringComparison.Ordinal);
        Pool.TakePin();
    }

    /// <summary>The commands that take away the state that is here, for a client with another one; null: none must go.</summary>
    internal string? UndoBefore(KeptState? wanted) => Kept is null || KeptState.AreSame(Kept, wanted) ? null : Kept.Undo;

    private string? WithState(ClientSession client, string? batch)
    {
        var wanted = client.Kept;
        _setsLeft = 1;
        QueriesBehindSet = [];
        if (wanted is null) return batch;
        if (KeptState.AreSame(Kept, wanted)) return Disturbs(batch, client) ? batch + wanted.Set : batch;
        Context.Figures.StateBatches++;
        if (wanted.Prepared.Length > 0) QueriesBehindSet = [.. wanted.PrepareMessages()];
        batch += wanted.Set;
        if (wanted.IsListening) batch += ListenBehindSet(wanted);
        _setsLeft += QueriesBehindSet.Count;
        return batch;
    }

    /// <summary>
    /// Of a state that is there something goes by that batch: another session_authorization ends the role, and connect_query sets
    /// what it likes.
    /// </summary>
    private bool Disturbs(string? batch, ClientSession client) =>
        client.Parameters.Differs(Parameters, TrackedParameters.SessionAuthorization)
            || (batch is not null && Pool.Database.Entry.ConnectQuery is { Length: > 0 } query
                && batch.Contains(query, StringComparison.Ordinal));

    /// <summary>Queries that follow the SET batch, each in a message of its own.</summary>
    public IReadOnlyList<string> QueriesBehindSet { get; private set; } = [];

    /// <summary>The batch that goes out now takes it away.</summary>
    internal void ForgetKept() => Kept = null;

    /// <summary>A text of the client's goes to this server.</summary>
    /// <param name="isWhole">False: there is more of it than is here.</param>
    /// <param name="isBoundLater">Its parameters are looked at by <see cref="LookAtValues"/>.</param>
    /// <returns>False: it leaves nothing.</returns>
    private bool LookForState(ReadOnlySpan<byte> text, bool isWhole, bool isBoundLater)
    {
        _isTextCut |= !isWhole;
        var trace = StateTraces.InText(text, isWhole);
        if (trace == StateTrace.None) return false;
        if ((trace & StateTrace.Local) != 0) _localSets++;
        if ((trace & StateTrace.Ask) != 0) _mayHaveState = true;
        if ((trace & StateTrace.Names) == 0) return true;
        var isKnown = Context.Questions.TryAddNames(Pool, text, out var parameters);
        // Behind other requests nobody knows whose tag is the next, or whether this one fails.
        if (!isWhole) _isFirstSetKnown = isKnown && Outstanding.IsEmpty && StateTraces.BeginsWithSet(text);
        _hasUnknownNames |= !isKnown || (parameters != 0 && !(isBoundLater && isWhole));
        return true;
    }

    private bool LookForState(byte type, ReadOnlySpan<byte> text, bool isWhole)
    {
        // A Parse under a name that is not tracked begins with the name.
        if (type == FrontendMessage.Parse && text.IndexOf((byte)0) is >= 0 and var end && end + 1 < text.Length
            && text[(end + 1)..].IndexOf((byte)0) > 0) text = text[(end + 1)..];
        return LookForState(text, isWhole, isBoundLater: type == FrontendMessage.Parse && Client!.TracksStatements);
    }

    /// <summary>The client binds values to a statement, of which some may be names of variables to set.</summary>
    /// <param name="text">Of the statement.</param>
    /// <param name="bind">The bytes of the Bind that have come.</param>
    internal void LookAtValues(ReadOnlySpan<byte> text, ReadOnlySpan<byte> bind)
    {
        if (!_keeps || (StateTraces.InText(text, isWhole: true) & StateTrace.Names) == 0) return;
        Context.Questions.TryAddNames(Pool, text, out var parameters);
        if (parameters == 0) return;
        var reader = new BodyReader(bind[HeaderLength..]);
        var hasNames = reader.TryReadCString(out _) && reader.TryReadCString(out _);
        for (var number = 1; parameters >> number != 0; number++)
        {
            if ((parameters >> number & 1) == 0) continue;
            var isKnown = hasNames && BindValues.TryGet(reader.Rest, number, out var value, out var isNull)
                && (isNull || Context.Questions.TryAddName(Pool, value));
            _hasUnknownNames |= !isKnown;
        }
    }

    /// <summary>The client binds its unnamed statement, of which the text that counts may be an old one.</summary>
    /// <param name="bind">The bytes of the Bind that have come.</param>
    internal void LookAtUnnamed(UnnamedStatement statement, ReadOnlySpan<byte> bind)
    {
        var marks = statement.Marks;
        if (marks == TextMarks.None || (marks == TextMarks.Untraced && !_keeps)) return;
        var text = statement.Expected;
        var isUnknown = marks == TextMarks.Unknown;
        if (isUnknown ? SessionUse.DropsStatements(text) : (marks & TextMarks.Drops) != 0) DoubtStatements();
        if (isUnknown || (marks & TextMarks.Resets) != 0) LookForResetOf(text);
        if (!_keeps || (marks & (TextMarks.LeavesState | TextMarks.Untraced | TextMarks.Unknown)) == 0) return;
        if (!statement.IsUnderWay) // Else its Parse has been looked at here.
        {
            var localSets = _localSets;
            LookForState(text, isWhole: true, isBoundLater: true);
            _localSets = localSets; // Its Parse has counted.
        }
        LookAtValues(text, bind);
    }

    private void NoteStateOf(ReadOnlySpan<byte> tag)
    {
        if (StateTraces.IsPlain(tag)) return;
        if (_isTextCut && StateTraces.MaySetByName(tag))
        {
            _hasUnknownNames |= !_isFirstSetKnown || !tag.SequenceEqual("SET\0"u8);
            _isFirstSetKnown = false;
        }
        if (_localSets > 0 && tag.SequenceEqual("SET\0"u8)) _localSets--;
        else _mayHaveState = true;
    }

    /// <summary>ReadyForQuery: every command before it has its tag.</summary>
    private void EndStateNotes()
    {
        _localSets = 0;
        if (Outstanding.IsEmpty) _isTextCut = _isFirstSetKnown = false;
        if (IsReady && (_asksAlways || (Pin is not null && !IsListening))) _mayHaveState = true;
    }

    /// <summary>The server is asked.</summary>
    /// <returns>The query.</returns>
    public byte[] BeginQuestion()
    {
        Move(ServerEvent.AskState);
        IsReady = false;
        _mayHaveState = false;
        _stateAnswer = null;
        ForgetUnnamed();
        Context.Figures.StateQuestions++;
        return Context.Questions.TextFor(Pool, _reported, IsUnreported);
    }

    private Verdict JudgeQuestion(byte type, ReadOnlySpan<byte> message)
    {
        switch (type)
        {
            case BackendMessage.ParameterStatus:
                return OnParameterStatus(message) == Verdict.Disconnect ? Verdict.Disconnect : Verdict.Skip;
            case BackendMessage.NotificationResponse:
                return NotificationVerdict(message);
            case BackendMessage.NoticeResponse: // Those of the question are nobody's, that of the server's end is the client's.
                return new ErrorFields(message[HeaderLength..]).SqlState.StartsWith("57P"u8) ? Verdict.Forward : Verdict.Skip;
            case BackendMessage.DataRow:
                var known = Kept?.Without(_lostCommands);
                _stateAnswer = message.Length <= Limits.StateBytesMax
                    ? StateAnswer.TryRead(message[HeaderLength..], _hasUnknownNames ? UnknownName : null, known) : null;
                return Verdict.Skip;
            case BackendMessage.ErrorResponse when IsEnd(message):
                HasToldEnd = true;
                Move(ServerEvent.StateTold);
                return Verdict.Forward;
            case BackendMessage.ReadyForQuery:
                IsReady = StatusOf(message) == 'I';
                IsIdleInTransaction = !IsReady;
                LastReadyUs = Context.NowUs;
                Move(ServerEvent.StateTold);
                return TakeState(_stateAnswer);
            default:
                return Verdict.Skip;
        }
    }

    /// <param name="answer">Null: it has not said, or too much. Then nobody knows, and the server stays where it is.</param>
    private Verdict TakeState(StateAnswer? answer)
    {
        var client = Client!;
        _stateAnswer = null;
        if (answer is not null && !TryTakeUnreported(client, answer.Unreported)) answer = null;
        var pin = answer is null ? "a state that cannot be carried" : answer.Pin;
        if (answer is not null)
        {
            Kept = client.Kept = answer.State ?? WithoutState;
            _lostCommands = null;
        }
        if (answer is not null && client.Kept is not { IsListening: true }) client.EndSubscription();
        if (pin is null)
        {
            MustDiscard = false;
            if (client.Kept is { IsListening: true }) BeginListening();
            else LetGoOfPin();
            return Verdict.Skip;
        }
        MustDiscard = true;
        var isNews = pin != Pin || IsListening;
        IsListening = false;
        Pin = pin;
        if (!TryCountPin()) return End($"too many pinned servers ({pin})");
        if (isNews) AddUse(SafetyUse.Pinned, pin);
        return Verdict.Skip;
    }

    private bool TryCountPin() => _isPinCounted || (_isPinCounted = Pool.TryPin());

    /// <summary>Something of connect_query's may be reset: it runs again for the next client.</summary>
    private KeptState? WithoutState =>
        string.IsNullOrWhiteSpace(Pool.Database.Entry.ConnectQuery) ? null : KeptState.Nothing;

    /// <returns>False: they are not as many as have been asked for, and none is taken.</returns>
    private bool TryTakeUnreported(ClientSession client, IReadOnlyList<string?> values)
    {
        var (next, own, clients, hasLabels) = (0, Parameters, client.Parameters, _hasLabels);
        for (var i = 0; i < Context.Tracked.Count; i++)
        {
            if (!IsUnreported(i)) continue;
            if (next == values.Count) return false;
            var value = values[next++] is { } told ? Context.Interner.Intern(System.Text.Encoding.Latin1.GetBytes(told))
                : ParameterValues.OwnDefault;
            own = Context.Interner.With(own, i, value);
            clients = Context.Interner.With(clients, i, value);
            hasLabels |= value != ParameterValues.OwnDefault;
        }
        if (next != values.Count) return false;
        (Parameters, client.Parameters, _hasLabels) = (own, clients, hasLabels);
        return true;
    }

    private void LetGoOfPin()
    {
        if (Pin is null) return;
        Pin = null;
        IsListening = false;
        if (_isPinCounted) Pool.Unpin();
        _isPinCounted = false;
    }

    /// <summary>The link is over.</summary>
    private void EndKeeping()
    {
        if (_mayHaveState || Phase == ServerPhase.Questioned || _hasUnknownNames) MustDiscard = true;
        if (Kept is { IsListening: true }) (MustDiscard, Kept) = (true, Kept.WithoutChannels);
        if (Phase == ServerPhase.Questioned) _repliesAhead = 1;
        _mayHaveState = _hasUnknownNames = _keeps = _asksAlways = false;
        (_stateAnswer, _lostCommands) = (null, null);
        EndListening();
        LetGoOfPin();
    }

    /// <summary>A command of a reset query is through.</summary>
    private void NoteStateGone(ReadOnlySpan<byte> tag)
    {
        if (!tag.SequenceEqual("DISCARD ALL\0"u8)) return;
        Kept = null;
        MustDiscard = false;
    }
}
