using FastPool.Core.Pools;
using FastPool.Native;
using FastPool.Simulation.Network;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>target_session_attrs over a list of hosts, whose roles change.</summary>
public sealed class HostRoleTests
{
    private const string First = "127.0.0.1", Second = "127.0.0.2", Third = "127.0.0.3";

    private readonly HashSet<string> _standbys = [Second, Third];
    private readonly HashSet<string> _dead = [];
    private readonly List<string> _checks = [];
    private TransactionPath _path = null!;

    private Pool Pool => _path.Registry.PoolList.Single(static pool => pool.Database.Name == "d");

    private string[] Dialed => [.. _path.Dialed.Select(static socket => socket.Remote.ToString())];

    private string[] Open =>
        [.. _path.Dialed.Where(static socket => !socket.IsPoolerClosed).Select(static socket => socket.Remote.ToString())];

    private void Begin(string target, string settings = "default_pool_size=4", string hosts = $"{First},{Second},{Third}",
        int checkPeriod = 2)
    {
        var line = $"d = host={hosts} target_session_attrs={target}\n[fastpool]\nhost_check_period = {checkPeriod}";
        _path = new TransactionPath(settings: settings, databases: line)
        {
            ConnectResult = socket => _dead.Contains(socket.Remote.ToString()) ? Errno.ECONNREFUSED : 0,
            IsStandby = socket => _standbys.Contains(socket.Remote.ToString()),
        };
    }

    /// <summary>Every host lets the pooler in, while time goes by.</summary>
    private void Elapse(double seconds, Func<bool>? until = null) => _path.Elapse(seconds, () =>
    {
        foreach (var socket in _path.Dialed.ToArray())
        {
            if (socket.IsPoolerClosed) continue;
            _path.Serve(socket);
            _path.TryWelcomePooler();
            AnswerCheck(socket);
        }
        return until?.Invoke() == true;
    });

    private void AnswerCheck(MemorySocket socket)
    {
        var host = socket.Remote.ToString();
        if (_dead.Contains(host) || socket.PeerInput is not [(byte)'Q', ..]) return;
        if (!System.Text.Encoding.Latin1.GetString(socket.PeerInput).Contains("pg_is_in_recovery")) return;
        _checks.Add(host);
        socket.PeerTake(socket.PeerInput.Length);
        byte[] row = [.. Wire.Int16(2), .. Wire.Value(_standbys.Contains(host) ? "t" : "f"), .. Wire.Value("0")];
        socket.PeerWrite([.. TransactionPath.Reply('T'), .. Wire.Typed('D', row), .. TransactionPath.Reply('C', 'Z')]);
    }

    /// <summary>A client that has begun a query, which keeps its server.</summary>
    private MemorySocket Ask()
    {
        var client = _path.Connect("user", "ann", "database", "d");
        Elapse(0.05);
        client.PeerWrite(TransactionPath.SimpleQuery());
        Elapse(0.05);
        return client;
    }

    [Theory]
    [InlineData("primary")]
    [InlineData("read-write")]
    public void Sessions_that_write_are_the_primary_s_alone_and_the_standbys_are_asked_once(string target)
    {
        _standbys.UnionWith([First, Second]);
        _standbys.Remove(Third);
        Begin(target);
        for (var i = 0; i < 4; i++) Ask();
        Assert.Equal([Third, Third, Third, Third], Open);
        Assert.Equal([First, Second, Third, Third, Third, Third], Dialed);
    }

    [Theory]
    [InlineData("standby")]
    [InlineData("read-only")]
    [InlineData("prefer-standby")]
    public void Sessions_that_read_are_the_standbys_in_turn(string target)
    {
        Begin(target);
        for (var i = 0; i < 4; i++) Ask();
        Assert.Equal(4, Open.Length);
        Assert.Equal([Second, Third], Open.Distinct().Order());
        Assert.Single(Dialed, First);
    }

    [Fact]
    public void Where_there_is_no_standby_the_one_that_prefers_it_takes_the_primary()
    {
        _standbys.Clear();
        Begin("prefer-standby");
        Ask();
        Assert.Single(Open);
        Assert.Equal(3, Dialed.Distinct().Count());
        _path.Dialed.Clear();
        Ask();
        Assert.Single(Open);
    }

    [Fact]
    public void Where_the_standbys_are_down_the_one_that_prefers_them_takes_the_primary()
    {
        _dead.UnionWith([Second, Third]);
        Begin("prefer-standby");
        Ask();
        Assert.Equal([First], Open);
    }

    [Fact]
    public void A_name_with_several_addresses_is_a_list()
    {
        _standbys.Clear();
        _standbys.Add("127.0.0.2");
        Begin("primary", hosts: "two.example");
        Ask();
        Assert.Equal([Third], Open);
    }

    [Fact]
    public void After_a_failover_clients_wait_for_the_promotion_and_are_served_within_its_trust()
    {
        Begin("primary", "default_pool_size=4\nserver_login_retry=15\nquery_wait_timeout=0");
        var idle = Ask();
        _path.Dialed[0].PeerWrite(TransactionPath.SimpleReply());
        Elapse(0.01);
        idle.PeerTake(idle.PeerInput.Length);
        _dead.Add(First);
        _path.Dialed[0].PeerClose();
        Elapse(0.01);
        idle.PeerWrite(TransactionPath.SimpleQuery());
        Elapse(2);
        var late = Ask(); // It is told nothing of a failure: the standbys live.
        var dials = _path.Dialed.Count;
        Elapse(1);
        Assert.InRange(_path.Dialed.Count - dials, 3, 12); // Each host has its pause.
        Assert.True(idle.PeerInput.IsEmpty);
        Assert.Equal((byte)'R', late.PeerInput[0]);
        Assert.Equal(2, Pool.Counts.Waiting);
        _standbys.Remove(Third);
        var since = _path.NowUs;
        Elapse(5, () => Pool.Counts.Waiting == 0);
        Assert.InRange((_path.NowUs - since) / 1_000_000d, 0, 0.35);
        Assert.Equal([Third, Third], Open);
    }

    [Fact]
    public void When_all_hosts_are_down_there_is_nothing_to_wait_for()
    {
        Begin("primary", "default_pool_size=4\nserver_login_retry=15\nquery_wait_timeout=0");
        var client = Ask();
        client.PeerTake(client.PeerInput.Length);
        _dead.UnionWith([First, Second, Third]);
        _path.Dialed[0].PeerClose();
        Elapse(0.01);
        _path.Connect("user", "ann", "database", "d").PeerWrite(TransactionPath.SimpleQuery());
        Elapse(1);
        var late = Ask();
        Assert.Contains("cached error: 127.0.0.1: connect failed: Connection refused, 127.0.0.2: ",
            System.Text.Encoding.Latin1.GetString(late.PeerInput));
    }

    [Fact]
    public void Idle_servers_of_a_host_that_is_no_standby_any_more_are_closed()
    {
        _dead.Add(Third);
        Begin("standby");
        var client = Ask();
        var server = _path.Dialed.Single(static socket => !socket.IsPoolerClosed);
        Assert.Equal(Second, server.Remote.ToString());
        server.PeerWrite([.. Wire.Typed('S', Wire.RawStrings("in_hot_standby", "off")), .. TransactionPath.SimpleReply()]);
        Elapse(0.01);
        Assert.True(server.IsPoolerClosed);
        Assert.False(client.IsPoolerClosed);
    }

    private void FreeAll()
    {
        foreach (var socket in _path.Dialed)
        {
            if (!socket.IsPoolerClosed && !socket.PeerInput.IsEmpty)
            {
                socket.PeerTake(socket.PeerInput.Length);
                socket.PeerWrite(TransactionPath.SimpleReply());
            }
        }
        Elapse(0.01);
    }

    [Fact]
    public void A_promotion_is_noticed_without_traffic_by_one_server_of_the_host()
    {
        Begin("standby");
        for (var i = 0; i < 4; i++) Ask();
        FreeAll();
        Assert.Equal(4, Pool.Counts.Idle);
        Elapse(2.5);
        Assert.Equal([Second, Third], _checks.Order()); // One of two servers each.
        Assert.Equal(4, Pool.Counts.Idle);
        _standbys.Remove(Second);
        Elapse(2.5);
        Assert.Equal([Third], Open.Distinct());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_lost_server_has_the_idle_ones_of_its_host_ask_at_once_without_a_check_period(bool hasToldWhy)
    {
        Begin("standby", checkPeriod: 0);
        for (var i = 0; i < 4; i++) Ask();
        FreeAll();
        Elapse(5);
        Assert.Empty(_checks);
        _standbys.Remove(Second);
        var lost = _path.Dialed.First(static socket => socket.Remote.ToString() == Second);
        if (hasToldWhy)
            lost.PeerWrite(Wire.Error("FATAL", "57P01", "terminating connection due to administrator command"));
        lost.PeerClose();
        Elapse(1); // A turn of the janitor for the question, one for the rest of the host's servers.
        Assert.Equal([Second], _checks);
        Assert.Equal([Third], Open.Distinct());
    }

    [Fact]
    public void A_server_that_only_reads_has_the_idle_ones_of_its_host_ask_at_once()
    {
        _standbys.UnionWith([Second, Third]);
        Begin("primary", checkPeriod: 0);
        var writer = Ask();
        Ask();
        var sockets = _path.Dialed.Where(static socket => !socket.IsPoolerClosed).ToArray();
        Assert.Equal([First, First], sockets.Select(static socket => socket.Remote.ToString()));
        sockets[1].PeerTake(sockets[1].PeerInput.Length);
        sockets[1].PeerWrite(TransactionPath.SimpleReply());
        Elapse(0.01);
        _standbys.Add(First);
        _standbys.Remove(Third);
        sockets[0].PeerTake(sockets[0].PeerInput.Length);
        sockets[0].PeerWrite([.. Wire.Error("ERROR", "25006", "cannot execute UPDATE in a read-only transaction"),
            .. TransactionPath.Reply('Z')]);
        Elapse(0.5);
        Assert.Equal([First], _checks);
        Assert.Empty(Open);
        writer.PeerWrite(TransactionPath.SimpleQuery());
        Elapse(0.5);
        Assert.Equal([Third], Open);
    }

    [Fact]
    public void The_servers_of_a_host_that_answers_no_check_are_closed()
    {
        Begin("any");
        for (var i = 0; i < 4; i++) Ask();
        FreeAll();
        var lost = Open.GroupBy(static host => host).First(static hosts => hosts.Count() == 2).Key;
        _dead.Add(lost);
        Elapse(8); // server_answer_timeout has 5 s.
        Assert.DoesNotContain(lost, Open);
        Assert.Equal(2, Open.Length);
        var host = _path.Registry.Hosts.Read(_path.NowUs).Single(host => host.Name == lost);
        Assert.Equal(("host check failed", HostState.Down), (host.LastError, host.State));
    }
}
