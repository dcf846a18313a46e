using System.Text;
using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// LISTEN in transaction pooling. A client that listens has a server that listens for it, as on a connection of its own. Before
/// the server is anybody else's, the pool's listening connection (<see cref="ListenHub"/>) takes over, and gives back when the
/// client has a server again. Both hear every notification in the order of commits; so a mark among them cuts the two streams
/// at one place, and nothing is told twice or missed.
/// </summary>
public sealed partial class ServerSession
{
    public const string ListenPin = "LISTEN";

    private ListenHub? _hubToBe;
    private MessageBuffer? _early; // Notifications behind the mark, for a client that has not been told all before it.
    private byte[]? _mark; // The payload of the mark that is awaited, or has been seen.
    private bool _isMarkSeen;
    private bool _isHubThrough; // It has told all up to that mark.
    private bool _isSetThrough;
    private string? _listenFailure;

    /// <summary>It listens for its client, which is the one reason why it stays there.</summary>
    internal bool IsListening { get; private set; }

    /// <summary>How far its client's channels have come.</summary>
    public ListenStep ListenStep { get; private set; }

    /// <summary>The hub whose connection this is; null: it is none.</summary>
    public ListenHub? Hub { get; private set; }

    /// <summary>Retried now and then: what speaks against it may have passed.</summary>
    public bool IsListeningIdly => IsListening && Phase == ServerPhase.Linked && OwesNothing;

    /// <summary>The client's channels, as the server has just told, or as it has been told.</summary>
    private void BeginListening()
    {
        var client = Client!;
        var isKnown = client.Subscription is not null && IsListening && ListenStep is ListenStep.Asked or ListenStep.Ready;
        IsListening = true;
        Pin = ListenPin;
        if (!isKnown || _askedChannels != client.Kept!.Channels) ListenStep = ListenStep.None;
    }

    private string? _askedChannels;

    /// <summary>The link is over.</summary>
    private void EndListening()
    {
        IsListening = false;
        ListenStep = ListenStep.None;
        _early = null;
        _mark = null;
        _isMarkSeen = _isHubThrough = _isSetThrough = false;
        GiveUpOpening();
    }

    private int BytesToJudgeNotification(int length) =>
        Phase is ServerPhase.SettingParameters or ServerPhase.Unlistening or ServerPhase.Listening
            ? Math.Min(length, Limits.NotificationBytesMax) : Math.Min(length, HeaderLength + sizeof(int));

    /// <summary>A notification that its client has sent itself: it is told the process id that it knows for its own.</summary>
    public void Sign(Span<byte> notification) => Notification.SetPid(notification, Client!.Pid);

    private Verdict NotificationVerdict(ReadOnlySpan<byte> message) =>
        _keeps && Notification.IsFrom(message, BackendPid) ? Verdict.OwnNotification : Verdict.Forward;

    // ---- the client gets a server: that listens for it ---------------------------------------------------------------

    /// <summary>LISTEN for the client that is about to have this server, and the mark.</summary>
    private string ListenBehindSet(KeptState wanted)
    {
        var text = new StringBuilder();
        foreach (var channel in wanted.ChannelNames) text.Append(Marks.Listen(channel));
        _isSetThrough = false;
        if (Client!.Subscription is not { } subscription)
        {
            (_isMarkSeen, _isHubThrough) = (true, true);
            return text.ToString();
        }
        subscription.BeginCut(ListenCuts.ToServer);
        AwaitMark(subscription, Marks.End);
        text.Append(Marks.Listen(subscription.Hub.Mark)).Append(Marks.Notify(subscription, Marks.End));
        QueriesBehindSet = [.. QueriesBehindSet, Marks.Unlisten(subscription.Hub.Mark)];
        return text.ToString();
    }

    private void AwaitMark(Subscription subscription, char sign)
    {
        (_isMarkSeen, _isHubThrough) = (false, false);
        _mark = Encoding.Latin1.GetBytes(Marks.PayloadOf(subscription, sign));
    }

    /// <summary>Marks are for the pooler alone, and those of other clients are heard here too.</summary>
    /// <returns>False: it is a notification like any other.</returns>
    private bool TakeMark(ReadOnlySpan<byte> message)
    {
        if (Client?.Subscription is not { } subscription || !Notification.TryRead(message, out var notification)
            || !notification.IsOn(subscription.Hub.Mark)) return false;
        _isMarkSeen |= notification.Payload.SequenceEqual(_mark);
        return true;
    }

    /// <summary>The client does not have the server yet. Up to the mark the hub tells it, from there this server.</summary>
    private Verdict OnEarlyNotification(ReadOnlySpan<byte> message)
    {
        if (Client?.Kept is not { IsListening: true }) return Verdict.Skip;
        var wasMarkSeen = _isMarkSeen;
        if (TakeMark(message) || !wasMarkSeen) return Verdict.Skip;
        _early ??= new MessageBuffer();
        _early.Write(message);
        return _early.Length <= Limits.UnreadNotificationsMax ? Verdict.Skip : End("too many notifications at once");
    }

    /// <summary>The SET batch is through.</summary>
    /// <returns>False: the hub has yet to tell the client what came before the mark.</returns>
    private bool EndListenBehindSet()
    {
        _isSetThrough = true;
        return _isHubThrough && EndCut();
    }

    /// <summary>The hub has told all before the mark.</summary>
    /// <returns>True: that was all that the client waited for.</returns>
    public bool OnHubThrough()
    {
        _isHubThrough = true;
        if (Phase != ServerPhase.SettingParameters || !_isSetThrough) return false;
        EndCut();
        Move(ServerEvent.ParametersSet);
        return true;
    }

    private bool EndCut()
    {
        Check.That(_isMarkSeen);
        IsListening = true;
        Pin = ListenPin;
        ListenStep = Client!.Subscription is null ? ListenStep.None : ListenStep.Ready;
        _askedChannels = Client.Kept!.Channels;
        return true;
    }

    /// <summary>Notifications behind the mark; null: there are none.</summary>
    public MessageBuffer? TakeEarly()
    {
        var early = _early;
        _early = null;
        return early;
    }

    // ---- the server is to be others': the hub listens for the client --------------------------------------------------

    /// <summary>The hub is asked to listen to the client's channels.</summary>
    /// <returns>These channels.</returns>
    public IReadOnlyList<string> BeginAsk()
    {
        ListenStep = ListenStep.Asked;
        _askedChannels = Client!.Kept!.Channels;
        return Client.Kept.ChannelNames;
    }

    /// <summary>The hub's answer.</summary>
    public void OnHubAnswer(ListenAnswer answer)
    {
        if (!IsListening || ListenStep != ListenStep.Asked) return;
        ListenStep = answer switch
        {
            ListenAnswer.Listens => ListenStep.Ready,
            ListenAnswer.Refused => ListenStep.Refused,
            _ => ListenStep.None,
        };
    }

    /// <summary>The hub is gone. This server listens for its client.</summary>
    /// <returns>False: it is not settled who has told what.</returns>
    public bool OnHubLost()
    {
        if (!IsListening || Phase is not (ServerPhase.Linked or ServerPhase.Questioned)) return false;
        ListenStep = ListenStep.None;
        return true;
    }

    /// <summary>It cannot be handed over: the server is pinned, as far as that goes.</summary>
    /// <returns>False: too many are.</returns>
    public bool TryKeepListening()
    {
        ListenStep = ListenStep.Refused;
        if (_isPinCounted) return true;
        AddUse(SafetyUse.Pinned, ListenPin);
        return TryCountPin();
    }

    /// <summary>This server becomes the hub's connection.</summary>
    /// <returns>The query to send.</returns>
    public string BeginOpening(ListenHub hub)
    {
        BeginStep(ListenStep.Opening);
        _hubToBe = hub;
        _isPinCounted = false; // It is the hub's now.
        return Kept!.Undo + Marks.Listen(hub.Mark);
    }

    /// <summary>Its pin is counted, and becomes the hub's if it becomes the hub's connection.</summary>
    public bool IsPinCounted => _isPinCounted;

    /// <summary>The hub takes over behind the mark.</summary>
    /// <returns>The query to send.</returns>
    public string BeginMark()
    {
        var subscription = Client!.Subscription!;
        subscription.BeginCut(ListenCuts.ToHub);
        BeginStep(ListenStep.Marking);
        AwaitMark(subscription, Marks.Begin);
        return Marks.Listen(subscription.Hub.Mark) + Marks.Notify(subscription, Marks.Begin);
    }

    private void BeginStep(ListenStep step)
    {
        Move(ServerEvent.Unlisten);
        IsReady = false;
        ForgetUnnamed();
        ListenStep = step;
        _listenFailure = null;
    }

    /// <summary>The mark has been seen: nothing more is for the client.</summary>
    /// <returns>The query to send.</returns>
    public string BeginUnlisten()
    {
        IsReady = false;
        return "UNLISTEN *";
    }

    private Verdict JudgeUnlistening(byte type, ReadOnlySpan<byte> message)
    {
        switch (type)
        {
            case BackendMessage.ParameterStatus:
                return OnParameterStatus(message) == Verdict.Disconnect ? Verdict.Disconnect : Verdict.Skip;
            case BackendMessage.NotificationResponse when ListenStep == ListenStep.Opening:
                return NotificationVerdict(message);
            case BackendMessage.NotificationResponse when ListenStep == ListenStep.Marking && !_isMarkSeen:
                return TakeMark(message) ? Verdict.Skip : NotificationVerdict(message);
            case BackendMessage.ErrorResponse when IsEnd(message):
                HasToldEnd = true;
                Move(ServerEvent.Unlistened);
                return Verdict.Forward;
            case BackendMessage.ErrorResponse:
                _listenFailure = ServerError.Read(message[HeaderLength..]).Message;
                return Verdict.Skip;
            case BackendMessage.ReadyForQuery:
                IsReady = StatusOf(message) == 'I';
                LastReadyUs = Context.NowUs;
                return EndStep();
            default:
                return Verdict.Skip;
        }
    }

    private Verdict EndStep()
    {
        if (_listenFailure is not null && ListenStep != ListenStep.Unlistening)
        {
            ListenStep = ListenStep.Refused;
            Move(ServerEvent.Unlistened);
            return Verdict.Unlistened;
        }
        switch (ListenStep)
        {
            case ListenStep.Opening:
                Kept = null; // Undone.
                ListenStep = ListenStep.Opened;
                return Verdict.Unlistened;
            case ListenStep.Marking when _isMarkSeen:
                ListenStep = ListenStep.Unlistening;
                return Verdict.Unlistened;
            case ListenStep.Unlistening when _listenFailure is null:
                Kept = Kept?.WithoutChannels ?? WithoutState;
                IsListening = false;
                LetGoOfPin();
                ListenStep = ListenStep.Done;
                Move(ServerEvent.Unlistened);
                return Verdict.Unlistened;
            default:
                return End($"notifications cannot be handed over: {_listenFailure ?? "no mark"}");
        }
    }

    // ---- the pool's listening connection ------------------------------------------------------------------------------

    /// <summary>The hub that has this server from now on.</summary>
    public ListenHub TakeHubToBe()
    {
        var hub = _hubToBe!;
        _hubToBe = null;
        return hub;
    }

    /// <summary>It has no client any more, and listens for all.</summary>
    public void BecomeHub(ListenHub hub)
    {
        Move(ServerEvent.Listen);
        Hub = hub;
    }

    /// <summary>No client listens any more. Something of what was set may still be there.</summary>
    public void EndHub()
    {
        Hub = null;
        MustDiscard = true;
        Move(ServerEvent.ListenOver);
    }

    /// <summary>It closes, whatever it is doing.</summary>
    public void LoseHub(string reason)
    {
        (Hub ?? _hubToBe)?.Lose(_listenFailure ?? reason);
        Hub = _hubToBe = null;
    }

    /// <summary>The hub that was to be here is none.</summary>
    public void GiveUpOpening()
    {
        _hubToBe?.Lose(_listenFailure ?? "");
        _hubToBe = null;
    }

    private Verdict JudgeListening(byte type, ReadOnlySpan<byte> message)
    {
        switch (type)
        {
            case BackendMessage.NotificationResponse:
                Context.Figures.Notifications += Hub!.OnNotification(message);
                return Verdict.Skip;
            case BackendMessage.ParameterStatus:
                return OnParameterStatus(message) == Verdict.Disconnect ? Verdict.Disconnect : Verdict.Skip;
            case BackendMessage.ErrorResponse:
                _listenFailure = ServerError.Read(message[HeaderLength..]).Message;
                return Verdict.Skip;
            case BackendMessage.ReadyForQuery:
                IsReady = StatusOf(message) == 'I';
                if (_listenFailure is not null || !IsReady) return End("LISTEN failed");
                Hub!.OnAnswered();
                return Verdict.Skip;
            default:
                return Verdict.Skip;
        }
    }
}
