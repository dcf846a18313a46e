using System.Net;
using FastPool.Core.Pools;
using FastPool.Net.Names;

namespace FastPool.Tests.Net.Names;

/// <summary>The cache of host names, on a clock that is moved by hand and with answers that the test gives.</summary>
public class HostResolverTests
{
    private const string Name = "db.example.org";
    private const long Second = 1_000_000;

    private readonly HandClock _clock = new();
    private readonly MemoryLog _log = new();
    private readonly GivenAnswers _answers = new();
    private readonly Queue<Action> _threads = new();
    private readonly HostResolver _resolver;
    private string _ini = "dns_max_ttl=10\ndns_nxdomain_ttl=3\n";
    private int _madeCount;

    public HostResolverTests()
    {
        _resolver = new HostResolver(() => Loading.Good($"[pgbouncer]\n{_ini}"), _clock, Make, _threads.Enqueue, _log);
        _answers[Name] = ["10.0.0.1"];
    }

    [Fact]
    public void Nothing_is_set_up_before_a_name_is_asked_for()
    {
        _resolver.Tick();
        Assert.Equal(0, _madeCount);
        Assert.Empty(_threads);
        Assert.Empty(_resolver.Hosts);
    }

    [Fact]
    public void An_answer_is_kept_for_its_time_and_asked_for_anew_at_the_next_use()
    {
        Assert.Equal(["10.0.0.1"], Ask());
        _clock.Pass(10 * Second - 1);
        Assert.Equal(["10.0.0.1"], Ask());
        Assert.Equal(1, _answers.AskedCount);
        _clock.Pass(1);
        Assert.Equal(1, _answers.AskedCount);
        Ask();
        Assert.Equal(2, _answers.AskedCount);
    }

    [Fact]
    public void A_name_that_servers_use_is_asked_for_again_when_its_time_is_over()
    {
        const string Other = "other.example.org";
        _answers[Other] = ["10.0.0.7"];
        _resolver.IsInUse = static name => name == Name;
        var before = Addresses();
        _resolver.Resolve(Other, static _ => { });
        RunThreads();
        _clock.Pass(10 * Second - 1);
        _resolver.Tick();
        RunThreads();
        Assert.Equal(2, _answers.AskedCount);
        _answers[Name] = ["10.0.0.2"];
        _clock.Pass(1);
        _resolver.Tick();
        _resolver.Tick(); // It is being looked up already.
        RunThreads();
        Assert.Equal((3, true), (_answers.AskedCount, before[0].IsGone));
    }

    [Fact]
    public void A_failure_is_told_once_a_look_up_and_kept_for_its_own_time()
    {
        _answers[Name] = [];
        Assert.Empty(Ask());
        Assert.Empty(Ask());
        Assert.Equal([$"WARNING DNS lookup failed: {Name}: result=0"], _log.Lines);
        _clock.Pass(3 * Second);
        _answers[Name] = ["10.0.0.2"];
        Assert.Equal(["10.0.0.2"], Ask());
    }

    [Fact]
    public void Requests_for_a_name_that_is_being_looked_up_share_the_look_up()
    {
        var replies = new List<string>();
        for (var i = 0; i < 3; i++) _resolver.Resolve(Name, addresses => replies.Add(Text(addresses[0])));
        Assert.Empty(replies);
        Assert.Equal(1, _resolver.QueriesInFlight);
        RunThreads();
        Assert.Equal(["10.0.0.1", "10.0.0.1", "10.0.0.1"], replies);
        Assert.Equal(1, _answers.AskedCount);
        Assert.Equal(0, _resolver.QueriesInFlight);
    }

    [Fact]
    public void Several_addresses_take_turns_in_being_first()
    {
        _answers[Name] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
        Assert.Equal(["10.0.0.1", "10.0.0.2", "10.0.0.3"], Ask());
        Assert.Equal(["10.0.0.2", "10.0.0.3", "10.0.0.1"], Ask());
        Assert.Equal(["10.0.0.3", "10.0.0.1", "10.0.0.2"], Ask());
        Assert.Equal(["10.0.0.1", "10.0.0.2", "10.0.0.3"], Ask());
    }

    [Fact]
    public void An_address_that_a_new_answer_lacks_is_gone_and_a_failure_takes_none_away()
    {
        _answers[Name] = ["10.0.0.1", "10.0.0.2"];
        var before = Addresses();
        Refresh([]);
        Assert.All(before, address => Assert.False(address.IsGone));
        var after = Refresh(["10.0.0.2", "10.0.0.3"]);
        Assert.True(before[0].IsGone);
        Assert.False(before[1].IsGone);
        Assert.Contains(before[1], after);
        // It has returned; its servers of before are lost all the same.
        Assert.All(Refresh(["10.0.0.1"]), address => Assert.False(address.IsGone));
        Assert.True(before[0].IsGone);
    }

    [Fact]
    public void A_name_that_cannot_be_asked_for_is_answered_with_nothing()
    {
        _answers.Breaks = true;
        Assert.Empty(Ask());
        Assert.Equal($"WARNING DNS lookup failed: {Name}: result=0", _log.Lines[^1]);
    }

    [Fact]
    public void Names_beyond_the_bound_of_threads_wait_for_one()
    {
        var replies = 0;
        for (var i = 0; i < 20; i++) _resolver.Resolve($"h{i}", _ => replies++);
        Assert.Equal(FastPool.Base.Limits.LookupsMax, _threads.Count);
        RunThreads();
        Assert.Equal(20, replies);
    }

    [Fact]
    public void A_zone_whose_serial_grows_has_its_names_asked_for_anew()
    {
        _ini += "dns_zone_check_period=5\n";
        _answers.Serials["example.org"] = 7;
        Ask();
        Check();
        Assert.Equal([new CachedZone("example.org", 7, 1)], _resolver.Zones);
        Assert.Empty(_log.Lines);
        _answers.Serials["example.org"] = 9;
        Check();
        Assert.Equal(7u, _resolver.Zones[0].Serial); // The period is not over.
        _clock.Pass(5 * Second);
        _answers[Name] = ["10.0.0.9"];
        Check();
        Assert.Equal(["LOG zone 'example.org' serial changed: old=7 new=9"], _log.Lines);
        Assert.Equal("10.0.0.9", $"{_resolver.Hosts[0].Addresses[0]}");
    }

    [Fact]
    public void A_change_between_the_first_look_up_and_the_first_check_is_not_missed()
    {
        _ini += "dns_zone_check_period=5\n";
        Ask();
        _answers[Name] = ["10.0.0.9"];
        _answers.Serials["example.org"] = 8; // The first number that is seen, and already the changed one.
        Check();
        Assert.Equal("10.0.0.9", $"{_resolver.Hosts[0].Addresses[0]}");
        var asked = _answers.AskedCount;
        _clock.Pass(5 * Second);
        Check();
        Assert.Equal(asked, _answers.AskedCount); // It has been asked for since, so the same number says that nothing is new.
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public void A_look_up_that_began_before_a_change_was_seen_is_done_again()
    {
        _ini += "dns_zone_check_period=5\n";
        _answers.Serials["example.org"] = 7;
        Ask();
        Check();
        _clock.Pass(10 * Second);
        _answers.WhileAsked = () => // The zone changes, and is checked, while an answer of before is on its way.
        {
            _answers.WhileAsked = null;
            _answers[Name] = ["10.0.0.9"];
            _answers.Serials["example.org"] = 8;
            _resolver.Tick();
            _threads.Dequeue()();
        };
        Assert.Equal(["10.0.0.1"], Ask());
        Assert.Equal("10.0.0.9", $"{_resolver.Hosts[0].Addresses[0]}");
    }

    [Theory]
    [InlineData(9, 8, false)]
    [InlineData(9, 9, false)]
    [InlineData(uint.MaxValue, 2, true)]
    public void Serials_count_on_past_their_end(uint old, uint serial, bool hasGrown)
    {
        _ini += "dns_zone_check_period=5\n";
        _answers.Serials["example.org"] = old;
        Ask();
        Check();
        _answers.Serials["example.org"] = serial;
        _clock.Pass(5 * Second);
        Check();
        Assert.Equal(hasGrown ? 1 : 0, _log.Lines.Count);
    }

    [Fact]
    public void The_cache_can_be_looked_at()
    {
        Ask();
        var now = _clock.NowUs;
        var host = Assert.Single(_resolver.Hosts);
        Assert.Equal((Name, now + 10 * Second), (host.Name, host.ExpiresUs));
        _resolver.Resolve("short", _ => { });
        RunThreads();
        Assert.Equal(2, _resolver.Hosts.Count);
        Assert.Single(_resolver.Zones); // A name without a dot is in none.
    }

    private GivenAnswers Make()
    {
        _madeCount++;
        return _answers;
    }

    private void Check()
    {
        _resolver.Tick();
        RunThreads();
    }

    private IReadOnlyList<HostAddress> Refresh(string[] answer)
    {
        _clock.Pass(10 * Second);
        _answers[Name] = answer;
        return Addresses();
    }

    private IReadOnlyList<HostAddress> Addresses()
    {
        IReadOnlyList<HostAddress>? got = null;
        _resolver.Resolve(Name, addresses => got = addresses);
        RunThreads();
        return got!;
    }

    private string[] Ask() => [.. Addresses().Select(Text)];

    private static string Text(HostAddress address) => address.Ip.ToString();

    private void RunThreads()
    {
        while (_threads.TryDequeue(out var thread)) thread();
    }

    private sealed class GivenAnswers : INameQueries
    {
        private readonly Dictionary<string, string[]> _names = [];

        public int AskedCount { get; private set; }

        public bool Breaks { get; set; }

        /// <summary>Happens between a question and its answer.</summary>
        public Action? WhileAsked { get; set; }

        public Dictionary<string, uint> Serials { get; } = [];

        public string[] this[string name]
        {
            set => _names[name] = value;
        }

        public IReadOnlyList<IPAddress> Addresses(string name)
        {
            AskedCount++;
            if (Breaks) throw new InvalidOperationException("out of order");
            var answer = _names.GetValueOrDefault(name, []);
            WhileAsked?.Invoke();
            return [.. answer.Select(IPAddress.Parse)];
        }

        public uint? Serial(string zone) => Serials.TryGetValue(zone, out var serial) ? serial : null;
    }
}
