using System.Text;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Tests.Harness;

namespace FastPool.Tests.Core.Sessions.Listening;

/// <summary>The hub of a pool: which channels its server listens to, and which client is told what, in which order.</summary>
public sealed class ListenHubTests
{
    private const string Mark = "fastpool_mark";

    private readonly Pool _pool = new SessionBench("default_pool_size=4").PoolOf();
    private readonly Queue<Action> _letters = new();
    private readonly FakeHubEnd _end = new();
    private readonly ListenHub _hub;
    private long _lastId;

    public ListenHubTests()
    {
        _hub = new ListenHub(_pool, Mark, _letters.Enqueue);
        Assert.True(_pool.TryBeginListening(_hub, isPinned: false));
    }

    private Listener Open(params string[] channels)
    {
        var first = NewListener();
        _hub.Adopt(first.Subscription, channels);
        _hub.Open(_end);
        return first;
    }

    private Listener NewListener()
    {
        var listener = new Listener();
        listener.Subscription = new Subscription(_hub, ++_lastId, listener, _letters.Enqueue);
        return listener;
    }

    /// <summary>Work that one loop has left for another is done.</summary>
    private void Deliver()
    {
        while (_letters.TryDequeue(out var letter)) letter();
    }

    private void Hear(params (string Channel, string Payload)[] notifications)
    {
        foreach (var (channel, payload) in notifications) _hub.OnNotification(Wire.Typed('A', BodyOf(channel, payload)));
        _hub.Flush();
        Deliver();
    }

    private static byte[] BodyOf(string channel, string payload) =>
        [0, 0, 0, 9, .. Encoding.UTF8.GetBytes(channel), 0, .. Encoding.UTF8.GetBytes(payload), 0];

    /// <summary>The client's channels are listened to, and the mark behind which it is told is seen.</summary>
    private Listener Join(params string[] channels)
    {
        var listener = NewListener();
        listener.Subscription.Ask(channels);
        Deliver();
        if (_hub.IsAsking) Answer();
        Assert.Equal("answered 1 Listens", listener.Heard[^1]);
        Hear((Mark, $"{_lastId}+"));
        Assert.Equal("begun", listener.Heard[^1]);
        listener.Heard.Clear();
        return listener;
    }

    private void Answer()
    {
        _hub.OnAnswered();
        Deliver();
    }

    [Fact]
    public void A_channel_is_listened_to_once_and_answered_when_the_server_has_answered()
    {
        Open("a");
        var (two, three) = (NewListener(), NewListener());
        two.Subscription.Ask(["a", "b\"b"]);
        Deliver();
        Assert.Equal("LISTEN \"b\"\"b\";", _end.Next());
        three.Subscription.Ask(["b\"b", "a"]);
        Deliver();
        Assert.Empty(two.Heard);
        Assert.Empty(three.Heard);
        Assert.Equal(2, _pool.Listening.CutsUnderWay);
        Answer();
        Assert.Equal(["answered 1 Listens"], two.Heard);
        Assert.Equal(["answered 1 Listens"], three.Heard);
        Assert.Null(_end.Next());
        Assert.Equal(["a:3", "b\"b:2"], _hub.Channels.Select(static channel => $"{channel.Name}:{channel.Clients}").Order());
    }

    [Fact]
    public void Between_marks_each_is_told_what_it_listens_to_in_order()
    {
        var one = Open("a", "b");
        var two = NewListener();
        two.Subscription.Ask(["b"]);
        Deliver();
        two.Heard.Clear();
        Hear(("a", "1"), ("b", "2"), (Mark, "2+"), ("b", "3"), ("a", "4"), ("c", "5"), (Mark, "2-"), ("b", "6"));
        Assert.Equal(["a:1 b:2 b:3 a:4 b:6"], one.Heard);
        Assert.Equal(["begun", "b:3", "cut"], two.Heard);
        Hear(("b", "7"), (Mark, "2+"), (Mark, "99+"), (Mark, "x"), (Mark, ""), ("b", "8"));
        Assert.Equal(["begun", "b:3", "cut", "begun", "b:8"], two.Heard);
    }

    [Fact]
    public void Channels_without_listeners_are_given_up_when_they_are_many()
    {
        Open("a");
        var two = Join([.. Enumerable.Range(0, 99).Select(static i => $"c{i}")]);
        _end.Next();
        two.Subscription.Ask([]);
        Deliver();
        Assert.Null(_end.Next());
        two.Subscription.Ask(["c5", "d"]);
        Deliver();
        Assert.Equal("LISTEN \"d\"",
            _end.Next()!.Split(';').Single(static text => text.StartsWith("LISTEN", StringComparison.Ordinal)));
        Answer();
        var three = Join([.. Enumerable.Range(0, 120).Select(static i => $"e{i}")]);
        _end.Next();
        three.Subscription.Leave();
        Deliver();
        var text = _end.Next()!;
        Assert.Equal(120, text.Split("UNLISTEN \"e").Length - 1);
        Assert.DoesNotContain("\"c5\"", text, StringComparison.Ordinal);
        Answer();
        Hear(("c5", "x"));
    }

    [Fact]
    public void Too_many_channels_are_refused_and_change_nothing()
    {
        Open("a");
        var two = NewListener();
        two.Subscription.Ask([.. Enumerable.Range(0, 10_000).Select(static i => $"c{i}")]);
        Deliver();
        Assert.Equal(["answered 1 Refused"], two.Heard);
        Assert.Null(_end.Next());
        Assert.Single(_hub.Channels);
        two.Subscription.Ask([.. Enumerable.Range(0, 9_999).Select(static i => $"c{i}")]);
        Deliver();
        for (var i = 0; i < 10; i++)
        {
            Assert.Single(two.Heard);
            Answer();
        }
        Assert.Equal("answered 2 Listens", two.Heard[^1]);
    }

    [Fact]
    public void The_last_one_that_leaves_sends_the_server_home()
    {
        var one = Open("a");
        var two = Join("a");
        Assert.Equal(1, _pool.PinnedServers);
        one.Subscription.Leave();
        two.Subscription.Leave();
        two.Subscription.Leave();
        Deliver();
        Assert.Equal(1, _end.WentHome);
        Assert.Null(_pool.Listening.Holder);
        Assert.Equal(0, _pool.PinnedServers);
        // One that has found it before hears so.
        var late = NewListener();
        late.Subscription.Ask(["a"]);
        Deliver();
        Assert.Equal(["answered 1 Gone"], late.Heard);
    }

    [Fact]
    public void It_does_not_go_while_another_is_about_to_come()
    {
        var one = Open("a");
        var two = NewListener();
        _pool.Listening.BeginCut();
        one.Subscription.Leave();
        Deliver();
        Assert.Equal(0, _end.WentHome);
        two.Subscription.Ask(["a"]);
        Deliver();
        _pool.Listening.EndCut();
        _hub.Tick();
        Assert.Equal(0, _end.WentHome);
        Assert.Equal(["answered 1 Listens"], two.Heard);
    }

    [Fact]
    public void A_loss_is_told_to_all_with_what_came_before_it()
    {
        var one = Open("a");
        var two = Join("a");
        _hub.OnNotification(Wire.Typed('A', BodyOf("a", "last")));
        _hub.Lose("crash");
        _hub.Lose("again");
        Deliver();
        Assert.Equal(["a:last", "lost: crash"], one.Heard);
        Assert.Equal(["a:last", "lost: crash"], two.Heard);
        Assert.Null(_pool.Listening.Holder);
        Assert.Equal(0, _pool.PinnedServers);
    }

    [Fact]
    public void Changes_of_one_client_that_overlap_are_counted_each()
    {
        var one = Open("a").Subscription;
        one.BeginCut(ListenCuts.ToHub);
        one.BeginCut(ListenCuts.ToServer); // The first has yet to be heard of.
        one.BeginCut(ListenCuts.ToServer);
        Assert.Equal(2, _pool.Listening.CutsUnderWay);
        one.EndCut(ListenCuts.ToHub);
        one.EndCut(ListenCuts.ToHub);
        Assert.Equal(1, _pool.Listening.CutsUnderWay);
        one.Ask(["b"]);
        Assert.Equal(2, _pool.Listening.CutsUnderWay);
        one.Leave();
        Assert.Equal(0, _pool.Listening.CutsUnderWay);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("a\0b")]
    public void A_broken_notification_is_for_nobody(string texts)
    {
        var one = Open("a");
        _hub.OnNotification(Wire.Typed('A', [0, 0, 0, 9, .. Encoding.UTF8.GetBytes(texts)]));
        _hub.Flush();
        Deliver();
        Assert.Empty(one.Heard);
    }

    private sealed class FakeHubEnd : IHubEnd
    {
        private readonly Queue<string> _queries = new();

        public int WentHome { get; private set; }

        public void Query(string text) => _queries.Enqueue(text);

        public void GoHome() => WentHome++;

        /// <summary>The next query; null: there is none.</summary>
        public string? Next() => _queries.TryDequeue(out var text) ? text : null;
    }

    private sealed class Listener : IListener
    {
        public Subscription Subscription { get; set; } = null!;

        public List<string> Heard { get; } = [];

        public void OnNotifications(Subscription from, ReadOnlyMemory<byte> messages) =>
            Heard.Add(string.Join(' ', Message.ReadAll(messages.Span).Select(static message =>
                string.Join(':', Encoding.UTF8.GetString(message.Body.AsSpan(4)).TrimEnd('\0').Split('\0')))));

        public void OnCut(Subscription from) => Heard.Add("cut");

        public void OnBegun(Subscription from)
        {
            from.EndCut(ListenCuts.ToHub);
            Heard.Add("begun");
        }

        public void OnAnswered(Subscription from, int number, ListenAnswer answer)
        {
            from.EndCut(ListenCuts.Ask);
            Heard.Add($"answered {number} {answer}");
        }

        public void OnLost(Subscription from, string reason) => Heard.Add($"lost: {reason}");
    }
}
