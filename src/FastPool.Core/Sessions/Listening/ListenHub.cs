using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using FastPool.Base;
using FastPool.Core.Pools;

namespace FastPool.Core.Sessions;

/// <summary>
/// The listening connection of a pool, for all its clients that listen. It listens to every channel that one of them listens
/// to, and tells each what is meant for it, in the order in which PostgreSQL tells: that of commits. Belongs to the loop of its
/// server; others leave it work by <see cref="Post"/>.
/// </summary>
/// <param name="mark">The channel of marks: nobody can guess it.</param>
/// <param name="post">Runs something on its loop, in the order of the calls.</param>
public sealed class ListenHub(Pool pool, string mark, Action<Action> post)
{
    private readonly ChannelTable _channels = new();
    private readonly Dictionary<long, Subscription> _subscriptions = [];
    private readonly List<(Subscription From, int Number)> _asking = [];
    private readonly List<Subscription> _pending = [];
    private IHubEnd? _end;
    private bool _isClosed;
    private bool _isEndDue;

    public Pool Pool { get; } = pool;

    public string Mark { get; } = mark;

    public Action<Action> Post { get; } = post;

    /// <summary>A query of its own is not answered.</summary>
    public bool IsAsking { get; private set; }

    /// <summary>Clients that listen.</summary>
    public int Clients => _subscriptions.Count;

    /// <summary>At rest: room that a crowd has needed is given back.</summary>
    public void GiveBack()
    {
        _channels.GiveBack();
        _subscriptions.TrimExcess();
        _asking.TrimExcess();
        _pending.TrimExcess();
    }

    /// <summary>For the console.</summary>
    public IEnumerable<ListenedChannel> Channels => _channels.All;

    /// <summary>The server is there, and listens to the channel of marks.</summary>
    public void Open(IHubEnd end)
    {
        _end = end;
        Pump();
    }

    /// <summary>A client whose server has become this connection: it listens to its channels already.</summary>
    public void Adopt(Subscription first, IReadOnlyList<string> channels)
    {
        Check.That(_channels.TryAdd(first, channels, int.MaxValue));
        foreach (var name in channels) _channels.SetListened(name);
        _subscriptions.Add(first.Id, first);
        first.IsTold = true;
    }

    /// <summary>A client listens to these channels, and no others. It is answered when the server does.</summary>
    internal void Take(Subscription from, IReadOnlyList<string> channels, int number)
    {
        if (_isClosed) from.Answer(number, ListenAnswer.Gone);
        else if (!_channels.TryAdd(from, channels, Limits.ListenedChannelsMax)) from.Answer(number, ListenAnswer.Refused);
        else
        {
            _subscriptions[from.Id] = from;
            _asking.Add((from, number));
            Pump();
        }
    }

    internal void Remove(Subscription from)
    {
        if (_isClosed || !_subscriptions.Remove(from.Id)) return;
        from.IsTold = false;
        from.Forget();
        _channels.Remove(from);
        _asking.RemoveAll(ask => ask.From == from);
        _isEndDue = _subscriptions.Count == 0;
        Tick();
    }

    /// <summary>Now and then: what can wait.</summary>
    public void Tick()
    {
        if (_isClosed || _end is null || IsAsking || Pool.Database.IsFrozen) return;
        if (_isEndDue && _subscriptions.Count == 0 && Pool.Listening.CutsUnderWay == 0)
        {
            GoHome();
            return;
        }
        if (_channels.HasMany) Pump();
    }

    private void GoHome()
    {
        _isClosed = true;
        Pool.EndListening(this);
        _end!.GoHome();
    }

    /// <summary>Has the server listen to what is wanted; answers those whose channels all are.</summary>
    private void Pump()
    {
        if (_isClosed || _end is null || IsAsking) return;
        if (_channels.NextChanges() is { } text)
        {
            IsAsking = true;
            _end.Query(text);
            return;
        }
        foreach (var (from, number) in _asking) from.Answer(number, ListenAnswer.Listens);
        _asking.Clear();
    }

    /// <summary>Its query has been answered, and has not failed.</summary>
    public void OnAnswered()
    {
        IsAsking = false;
        _channels.EndChanges();
        Pump();
        Tick();
    }

    /// <param name="message">A NotificationResponse, whole.</param>
    /// <returns>How many clients it is for.</returns>
    public int OnNotification(ReadOnlySpan<byte> message)
    {
        if (!Notification.TryRead(message, out var notification) || _isClosed) return 0;
        if (notification.IsOn(Mark))
        {
            OnMark(Encoding.Latin1.GetString(notification.Payload));
            return 0;
        }
        if (_channels.Find(Encoding.Latin1.GetString(notification.Channel)) is not { } channel) return 0;
        channel.Notifications++;
        var count = 0;
        foreach (var subscription in channel.Subscriptions)
        {
            if (!subscription.IsTold) continue;
            if (subscription.Add(message)) _pending.Add(subscription);
            count++;
        }
        return count;
    }

    private void OnMark(string payload)
    {
        if (payload.Length < 2
            || !long.TryParse(payload.AsSpan(0, payload.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            || !_subscriptions.TryGetValue(id, out var subscription)) return; // The client has gone meanwhile.
        subscription.IsTold = payload[^1] == Marks.Begin;
        if (subscription.IsTold) subscription.TellBegun();
        else subscription.TellCut();
    }

    /// <summary>The end of a delivery: what it brought goes to the clients.</summary>
    public void Flush()
    {
        foreach (var subscription in _pending) subscription.Tell();
        _pending.Clear();
    }

    /// <summary>The server is lost, or has never come to listen.</summary>
    public void Lose(string reason)
    {
        if (_isClosed) return;
        _isClosed = true;
        Pool.EndListening(this);
        foreach (var subscription in _subscriptions.Values) subscription.TellLost(reason);
        _subscriptions.Clear();
        _asking.Clear();
    }
}

/// <summary>The texts around marks.</summary>
internal static class Marks
{
    /// <summary>Behind this mark the hub tells the client.</summary>
    internal const char Begin = '+';

    /// <summary>Behind this one the client's own server does.</summary>
    internal const char End = '-';

    internal static string Listen(string channel) => $"LISTEN {ChannelTable.Quoted(channel)};";

    internal static string Unlisten(string channel) => $"UNLISTEN {ChannelTable.Quoted(channel)};";

    internal static string Notify(Subscription subscription, char sign) =>
        string.Create(CultureInfo.InvariantCulture,
            $"NOTIFY {ChannelTable.Quoted(subscription.Hub.Mark)}, '{PayloadOf(subscription, sign)}';");

    internal static string PayloadOf(Subscription subscription, char sign) =>
        string.Create(CultureInfo.InvariantCulture, $"{subscription.Id}{sign}");
}

/// <summary>A NotificationResponse, in its parts.</summary>
internal readonly ref struct Notification
{
    private const int PidAt = 5;
    private const int ChannelAt = 9;

    private Notification(ReadOnlySpan<byte> channel, ReadOnlySpan<byte> payload)
    {
        Channel = channel;
        Payload = payload;
    }

    internal ReadOnlySpan<byte> Channel { get; }

    internal ReadOnlySpan<byte> Payload { get; }

    internal bool IsOn(string channel) => Channel.Length == channel.Length && Ascii.Equals(Channel, channel);

    /// <param name="message">With its header.</param>
    internal static bool TryRead(ReadOnlySpan<byte> message, out Notification notification)
    {
        notification = default;
        if (message.Length < ChannelAt) return false;
        var texts = message[ChannelAt..];
        if (texts.IndexOf((byte)0) is not (>= 0 and var end)) return false;
        var payload = texts[(end + 1)..];
        if (payload.IndexOf((byte)0) is not (>= 0 and var length)) return false;
        notification = new Notification(texts[..end], payload[..length]);
        return true;
    }

    /// <summary>The sender, where the first bytes of the message tell.</summary>
    internal static bool IsFrom(ReadOnlySpan<byte> message, int pid) =>
        message.Length >= ChannelAt && BinaryPrimitives.ReadInt32BigEndian(message[PidAt..]) == pid;

    /// <summary>The same message with another sender.</summary>
    internal static void SetPid(Span<byte> message, int pid) => BinaryPrimitives.WriteInt32BigEndian(message[PidAt..], pid);
}
