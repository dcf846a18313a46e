using FastPool.Core.Pools;
using FastPool.Native;
using FastPool.Simulation.Network;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>A list of hosts, of which some say nothing, refuse, or are down.</summary>
public sealed class SilentHostTests
{
    private const string Three = "d = host=127.0.0.1,127.0.0.2,127.0.0.3 load_balance_hosts=";

    private readonly HashSet<string> _silent = [];
    private readonly HashSet<string> _dead = [];
    private TransactionPath _path = null!;

    private Pool Pool => _path.Registry.PoolList.Single(static pool => pool.Database.Name == "d");

    private void Begin(string settings, string databases = Three + "round-robin")
    {
        _path = new TransactionPath(settings: settings, databases: databases)
        {
            ConnectResult = socket => _dead.Contains(socket.Remote.ToString()) ? Errno.ECONNREFUSED : 0,
        };
    }

    /// <summary>Every host that is well lets the pooler in, while time goes by.</summary>
    private void Elapse(double seconds, Func<bool>? until = null) => _path.Elapse(seconds, () =>
    {
        foreach (var socket in _path.Dialed)
        {
            if (socket.IsPoolerClosed || _silent.Contains(socket.Remote.ToString())) continue;
            _path.Serve(socket);
            _path.TryWelcomePooler();
        }
        return until?.Invoke() == true;
    });

    private string[] Dialed => [.. _path.Dialed.Select(static socket => socket.Remote.ToString())];

    private double LogInSeconds()
    {
        var since = _path.NowUs;
        var client = _path.Connect("user", "ann", "database", "d");
        Elapse(20, () => !client.PeerInput.IsEmpty);
        Assert.Equal((byte)'R', client.PeerInput[0]);
        return (_path.NowUs - since) / 1_000_000d;
    }

    [Theory]
    [InlineData("default_pool_size=3")]
    [InlineData("default_pool_size=1")]
    [InlineData("default_pool_size=3\nmax_db_connections=1")]
    public void A_silent_host_delays_a_login_by_its_patience_alone_and_no_limit_is_exceeded(string settings)
    {
        Begin(settings);
        _silent.Add("127.0.0.1");
        Assert.InRange(LogInSeconds(), 0.025, 0.04);
        Assert.Equal(["127.0.0.1", "127.0.0.2"], Dialed);
        var hasRoom = settings == "default_pool_size=3";
        Assert.Equal((!hasRoom, hasRoom ? 2 : 1), (_path.Dialed[0].IsPoolerClosed, Pool.Counts.Servers));
    }

    [Fact]
    public void While_a_login_waits_for_a_silent_host_others_go_elsewhere_at_once()
    {
        Begin("default_pool_size=6\nserver_connect_timeout=15");
        _silent.Add("127.0.0.1");
        LogInSeconds();
        var busy = new List<MemorySocket>();
        for (var i = 0; i < 3; i++)
        {
            var before = _path.Dialed.Count;
            busy.Add(_path.Connect("user", "ann", "database", "d"));
            Elapse(0.01);
            busy[^1].PeerWrite(TransactionPath.SimpleQuery()); // It keeps its server: nobody answers.
            Elapse(0.01);
            Assert.InRange(_path.Dialed.Count - before, i == 0 ? 0 : 1, 1);
        }
        Assert.Equal(1, Dialed.Count(static host => host == "127.0.0.1"));
        Assert.Equal(3, Pool.Counts.Active);
    }

    [Fact]
    public void A_silent_host_that_answers_in_the_end_is_one_more_server()
    {
        Begin("default_pool_size=3");
        _silent.Add("127.0.0.1");
        LogInSeconds();
        _silent.Clear();
        Elapse(0.01);
        Assert.Equal((2, 0), (Pool.Counts.Idle, Pool.Counts.Login));
    }

    [Fact]
    public void A_login_at_a_silent_host_that_fails_is_no_failure_of_the_pool()
    {
        Begin("default_pool_size=3\nserver_connect_timeout=2");
        _silent.Add("127.0.0.1");
        LogInSeconds();
        Elapse(3);
        Assert.True(_path.Dialed[0].IsPoolerClosed);
        Assert.Equal((1, 1, 0L), (Pool.Counts.Idle, Pool.Counts.Servers, Pool.RetryAtUs));
    }

    /// <summary>Every connect at once is a login that takes long, not a host that is dead.</summary>
    [Fact]
    public void A_host_that_speaks_to_one_of_several_logins_is_not_left_by_the_others()
    {
        Begin("default_pool_size=3");
        for (var i = 0; i < 3; i++) _path.Connect("user", "ann", "database", "d");
        _silent.UnionWith(["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
        Elapse(0.02);
        foreach (var socket in _path.Dialed) socket.PeerWrite(Wire.Typed('N', Wire.RawStrings("Mslowly", "")));
        Elapse(0.02);
        Assert.DoesNotContain(_path.Dialed, static socket => socket.IsPoolerClosed);
        Assert.Equal(_path.Dialed.Count, Dialed.Distinct().Count());
    }

    /// <summary>The only place: it must not sit out the connect timeout at a host while another has come back.</summary>
    [Fact]
    public void A_login_left_for_a_host_that_is_dead_too_comes_back()
    {
        Begin("default_pool_size=1\nserver_connect_timeout=15", "d = host=127.0.0.1,127.0.0.2");
        _silent.UnionWith(["127.0.0.1", "127.0.0.2"]);
        var client = _path.Connect("user", "ann", "database", "d");
        Elapse(0.06);
        Assert.Equal(["127.0.0.1", "127.0.0.2"], Dialed);
        _silent.Remove("127.0.0.1");
        Elapse(0.5, () => !client.PeerInput.IsEmpty);
        Assert.False(client.PeerInput.IsEmpty);
    }

    [Fact]
    public void A_far_host_is_not_left_for_one_that_refuses()
    {
        Begin("default_pool_size=1\nserver_login_retry=5", "d = host=127.0.0.1,127.0.0.2 load_balance_hosts=disable");
        _dead.Add("127.0.0.1");
        _silent.Add("127.0.0.2");
        _path.Connect("user", "ann", "database", "d");
        Elapse(0.2);
        Assert.Equal(["127.0.0.1", "127.0.0.2"], Dialed);
        Assert.False(_path.Dialed[1].IsPoolerClosed);
    }

    [Fact]
    public void The_preferred_host_has_a_second()
    {
        Begin("default_pool_size=3", Three + "disable");
        LogInSeconds();
        _silent.Add("127.0.0.1");
        var client = _path.Connect("user", "ann", "database", "d");
        var other = _path.Connect("user", "ann", "database", "d");
        Elapse(0.01);
        client.PeerWrite(TransactionPath.SimpleQuery());
        other.PeerWrite(TransactionPath.SimpleQuery());
        Elapse(0.9);
        Assert.Equal(["127.0.0.1", "127.0.0.1"], Dialed);
        Elapse(0.2);
        Assert.Equal(["127.0.0.1", "127.0.0.1", "127.0.0.2"], Dialed);
    }

    /// <summary>The first login at a host that nobody knows may just be slow: the preferred host is used all the same.</summary>
    [Fact]
    public void A_server_that_stands_in_for_the_preferred_host_goes_when_that_one_answers()
    {
        Begin("default_pool_size=3", Three + "disable");
        _silent.Add("127.0.0.1");
        LogInSeconds();
        Assert.Equal(["127.0.0.1", "127.0.0.2"], Dialed);
        Elapse(2);
        Assert.False(_path.Dialed[1].IsPoolerClosed);
        _silent.Clear();
        Elapse(0.5);
        Assert.True(_path.Dialed[1].IsPoolerClosed);
        Assert.Equal((1, 0, 1), (Pool.Counts.Idle, Pool.Counts.Login, Pool.Counts.Servers));
    }

    [Fact]
    public void A_server_of_a_list_without_preference_stays_when_a_silent_host_answers()
    {
        Begin("default_pool_size=3");
        _silent.Add("127.0.0.1");
        LogInSeconds();
        _silent.Clear();
        Elapse(1);
        Assert.DoesNotContain(_path.Dialed, static socket => socket.IsPoolerClosed);
        Assert.Equal(2, Pool.Counts.Idle);
    }

    [Fact]
    public void A_server_in_place_of_a_dead_host_stays_when_that_one_is_back()
    {
        Begin("default_pool_size=3\nserver_login_retry=1", Three + "disable");
        _dead.Add("127.0.0.1");
        LogInSeconds();
        _dead.Clear();
        Elapse(3);
        Assert.Equal(["127.0.0.1", "127.0.0.2"], Dialed);
        Assert.False(_path.Dialed[1].IsPoolerClosed);
    }

    [Fact]
    public void When_all_are_down_clients_hear_the_last_error_of_each_at_once_and_the_first_that_is_back_is_used()
    {
        Begin("default_pool_size=2\nserver_login_retry=5\nserver_lifetime=1");
        LogInSeconds();
        var client = _path.Connect("user", "ann", "database", "d");
        Elapse(0.01);
        client.PeerTake(client.PeerInput.Length);
        _dead.UnionWith(["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
        foreach (var socket in _path.Dialed) socket.PeerClose();
        Elapse(0.01);
        client.PeerWrite(TransactionPath.SimpleQuery());
        Elapse(0.01); // That one finds out.
        var late = _path.Connect("user", "ann", "database", "d");
        Elapse(0.01);
        late.PeerTake(late.PeerInput.Length);
        late.PeerWrite(TransactionPath.SimpleQuery());
        Elapse(0.01);
        var text = System.Text.Encoding.Latin1.GetString(late.PeerInput);
        const string Refused = "connect failed: Connection refused";
        const string Each = $"127.0.0.1: {Refused}, 127.0.0.2: {Refused}, 127.0.0.3: {Refused}";
        Assert.Contains($"server login has been failing, cached error: {Each} (server_login_retry)", text);
        Assert.True(client.PeerInput.IsEmpty); // It waits, as in PgBouncer.
        _dead.Remove("127.0.0.3");
        var before = _path.Dialed.Count;
        Elapse(5, () => Pool.Counts.Connected > 0);
        Assert.Equal("127.0.0.3", Dialed[^1]);
        Assert.InRange(_path.Dialed.Count - before, 1, 6);
    }
}
