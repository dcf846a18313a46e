using FastPool.Base;
using FastPool.Control;
using FastPool.Control.Answers;
using FastPool.Control.Commands;
using FastPool.Control.Operations;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Tests.Control.Listings;

public sealed class ShowTests
{
    [Theory]
    [InlineData("show version")]
    [InlineData("SELECT version")]
    [InlineData("\"show\" \"VERSION\";")]
    public void The_version_is_that_of_the_pooler_it_stands_in_for(string query)
    {
        var reply = new ConsoleWorld().Query(query);
        Assert.Equal(["PgBouncer 1.26.1"], reply.Rows);
        Assert.Equal(["T", "D", "C", "Z"], reply.Messages.Select(static message => message.Type.ToString()));
    }

    [Fact]
    public void Help_is_a_notice()
    {
        var reply = new ConsoleWorld().Query("show help");
        Assert.Equal(['N', 'C', 'Z'], reply.Messages.Select(static message => message.Type));
        Assert.Equal("NOTICE/00000 \"Console usage\"", reply.Messages[0].Text);
        Assert.Equal("SCMD", reply.Messages[0].FieldCodes);
        var detail = reply.Messages[0].Field('D')!;
        Assert.StartsWith(
            "\n\tSHOW HELP|CONFIG|DATABASES|POOLS|CLIENTS|SERVERS|USERS|VERSION\n\tSHOW PEERS|PEER_POOLS\n\tSHOW SOCKETS|", detail);
        Assert.EndsWith("\n\tSHUTDOWN\n\tSHUTDOWN WAIT_FOR_SERVERS|WAIT_FOR_CLIENTS\n\tWAIT_CLOSE [<db>]", detail);
        Assert.Equal(17, detail.Count(static character => character == '\t'));
    }

    [Theory]
    [InlineData("client_encoding", "UTF-8")]
    [InlineData("default_transaction_isolation", "read committed")]
    [InlineData("standard_conforming_strings", "on")]
    [InlineData("DateStyle", "ISO")]
    [InlineData("TimeZone", "GMT")]
    public void Drivers_find_what_they_probe(string name, string value)
    {
        var reply = new ConsoleWorld().Query("SHOW " + name);
        Assert.Equal([(name.ToLowerInvariant(), 25u, -1)], reply.Columns);
        Assert.Equal([value], reply.Rows);
        Assert.Equal("SHOW", reply.Tag);
    }

    [Fact]
    public void The_state_is_one_of_three()
    {
        var world = new ConsoleWorld();
        Assert.Equal(["active|yes", "paused|no", "suspended|no"], world.Query("show state").Rows);
        world.Query("pause");
        Assert.Equal(["active|no", "paused|yes", "suspended|no"], world.Query("show state").Rows);
    }

    [Fact]
    public void Every_setting_has_its_row()
    {
        var rows =
            new ConsoleWorld(
            "[pgbouncer]\nlisten_port=7510\nauth_type=trust\nunix_socket_mode=0777\nserver_lifetime=1000000\nquery_timeout=0.5\n")
            .Query("show config").Rows;
        Assert.Equal(100, rows.Length);
        Assert.Equal("admin_users|||yes", rows[0]);
        Assert.Equal("verbose|0|NULL|yes", rows[^1]);
        Assert.Contains("auth_type|trust|md5|yes", rows);
        Assert.Contains("auth_user|NULL|NULL|yes", rows);
        Assert.Contains("listen_port|7510|6432|no", rows);
        Assert.Contains("unix_socket_mode|511|0777|no", rows);
        Assert.Contains("server_lifetime|1e+06|3600|yes", rows);
        Assert.Contains("query_timeout|0.5|0|yes", rows);
        Assert.Contains("conffile|t.ini|NULL|yes", rows);
    }

    [Fact]
    public void Databases_are_shown_with_what_holds_for_them()
    {
        var world = new ConsoleWorld(
            "[pgbouncer]\nlisten_port=7510\n[databases]\n"
            + "multi=host=127.0.0.1,127.0.0.1 port=7501 dbname=p0 load_balance_hosts=disable pool_size=5\n"
            + "p1=host=127.0.0.1 port=7501 pool_size=3 reserve_pool_size=2 pool_mode=transaction max_db_connections=7\n"
            + "uni=user=postgres port=7501 dbname=p0\n*=host=other\n");
        world.Client("p1");
        world.Query("pause p1");
        world.Query("disable uni");
        world.Query("disable auto1"); // Registered, and idle: it exists unseen.
        Assert.Equal(
            [
                "multi|127.0.0.1,127.0.0.1|7501|p0|NULL|5|0|0|3600|NULL|disable|0|0|0|0|0|0",
                "p1|127.0.0.1|7501|p1|NULL|3|0|2|3600|transaction|NULL|7|0|0|1|1|0",
                "pgbouncer|NULL|7510|pgbouncer|pgbouncer|2|0|0|3600|statement|NULL|0|0|0|4|0|0",
                "uni|NULL|7501|p0|postgres|20|0|0|3600|NULL|NULL|0|0|0|0|0|1",
            ],
            world.Query("show databases").Rows);
        world.Client("auto1");
        Assert.StartsWith("auto1|other|", world.Query("show databases").Rows[0]);
    }

    [Fact]
    public void Pools_count_clients_and_servers_by_state()
    {
        var world =
            new ConsoleWorld("[pgbouncer]\npool_mode=transaction\ndefault_pool_size=1\n[databases]\np0=host=h\np1=host=h,i\n");
        var first = world.Client("p0");
        world.Acquire(first);
        world.Acquire(world.Client("p0"));
        world.Client("p0");
        world.Client("p1", "bob");
        world.Pass(1_203_740);
        world.Loops[0].Cancels.Add(new CancelView(world.Connect(), first.Pool, 0, null));
        world.Loops[0].Cancels.Add(
            new CancelView(world.Connect(), first.Pool, 0, new CancelCarrier(90, default, default, 0, 0, IsConnecting: true)));
        world.Loops[0].Cancels.Add(
            new CancelView(world.Connect(), first.Pool, 0, new CancelCarrier(91, default, default, 0, 0, IsConnecting: false)));
        Assert.Equal(
            [
                "p0|alice|2|1|1|2|1|1|0|0|0|0|1|1|203740|transaction|NULL",
                "p1|bob|1|0|0|0|0|0|0|0|0|0|0|0|0|transaction|round-robin",
                "pgbouncer|pgbouncer|1|0|0|0|0|0|0|0|0|0|0|0|0|statement|NULL",
            ],
            world.Query("show pools").Rows);
        Assert.Equal(
            [$"C|(nouser)|p0|none|active_cancel_req", $"C|(nouser)|p0|none|waiting_cancel_req",
                "C|(nouser)|p0|none|waiting_cancel_req"],
            world.Query("show clients").Rows.Where(static row => row.Contains("cancel")).Select(FirstFive));
        Assert.Equal(
            ["S|alice|p0|none|active", "S|alice|p0|none|new", "S|alice|p0|none|active_cancel"],
            world.Query("show servers").Rows.Select(FirstFive));
    }

    [Fact]
    public void Clients_stand_by_pool_state_and_age()
    {
        var world =
            new ConsoleWorld(
            "[pgbouncer]\npool_mode=transaction\nlisten_port=7510\ndefault_pool_size=1\n[databases]\np0=host=h\np1=host=h\n",
            loops: 2);
        var waiting = world.Client("p0");
        var linked = world.Client("p0");
        var idle = world.Client("p1", loop: 1);
        var unix = world.Client("p0", remote: EndAddress.OfUnix);
        world.Connect(); // In login: not shown.
        world.Acquire(linked);
        linked.Judge((byte)'Q', 10);
        linked.Parameters = world.Loops[0].Context.Interner.With(linked.Parameters, TrackedParameters.ApplicationName, "appA");
        world.Acquire(waiting);
        var admin = world.Admin();
        world.Pass(1_203_265);
        var rows = world.Query(admin, "show clients").Rows;
        var pointer = ConnectionName.Pointer;
        Assert.Equal(
            [
                $"C|alice|p0|none|active|127.0.0.1|50000|127.0.0.1|7510|2023-11-14 22:13:20 UTC|2023-11-14 22:13:20 UTC|1|203265|0|{pointer(linked.Id)}|{pointer(linked.Server!.Id)}|0||appA|0|{linked.Id}",
                $"C|alice|p0|none|idle|unix|7510|unix|7510|2023-11-14 22:13:20 UTC|2023-11-14 22:13:20 UTC|0|0|0|{pointer(unix.Id)}||4711|||0|{unix.Id}",
                $"C|alice|p0|none|waiting|127.0.0.1|50000|127.0.0.1|7510|2023-11-14 22:13:20 UTC|2023-11-14 22:13:20 UTC|0|0|0|{pointer(waiting.Id)}||0|||0|{waiting.Id}",
                $"C|alice|p1|none|idle|127.0.0.1|50000|127.0.0.1|7510|2023-11-14 22:13:20 UTC|2023-11-14 22:13:20 UTC|0|0|0|{pointer(idle.Id)}||0|||0|{idle.Id}",
                $"C|admin|pgbouncer|none|idle|127.0.0.1|50000|127.0.0.1|7510|2023-11-14 22:13:20 UTC|2023-11-14 22:13:20 UTC|0|0|0|{pointer(admin.Id)}||0|||0|{admin.Id}",
            ],
            rows);
    }

    [Fact]
    public void A_console_session_never_seems_to_wait() // The original counts from the session's first command on.
    {
        var world = new ConsoleWorld();
        var admin = world.Admin();
        admin.Judge((byte)'Q', 10);
        world.Pass(5_000_000);
        var row = Assert.Single(world.Query(admin, "show clients").Rows).Split('|');
        Assert.Equal(["0", "0"], row[11..13]);
    }

    [Fact]
    public void Servers_show_their_partner_and_their_mark()
    {
        var world = new ConsoleWorld();
        var client = world.Client("p0");
        world.Acquire(client);
        var server = client.Server!;
        server.CancelKey = 0x00007b5d_00000001;
        world.Query("reconnect");
        var row = Assert.Single(world.Query("show servers").Rows);
        Assert.Equal(
            $"S|alice|p0|none|active|127.0.0.1|5432|127.0.0.1|40000|2023-11-14 22:13:20 UTC|2023-11-14 22:13:20 UTC|0|0|1|{ConnectionName.Pointer(server.Id)}|{ConnectionName.Pointer(client.Id)}|31581|||0|{server.Id}", row);
    }

    [Fact]
    public void Sockets_show_lists_and_buffers()
    {
        var world = new ConsoleWorld();
        var client = world.Client("p1");
        client.Transport = new FakeEnd { Descriptor = 7, Buffer = new BufferView(100, 60, 5, 20, 7) };
        world.Acquire(client);
        world.Connect();
        var admin = world.Admin();
        var rows = world.Query(admin, "show sockets").Rows.Select(static row => row.Split('|')).ToArray();
        Assert.Equal(["cl_active", "sv_active", "cl_active", "cl_login"], rows.Select(static row => row[4]));
        Assert.Equal(["100", "60", "5", "20", "0", "40", "47"], rows[0][21..]);
        Assert.Equal(["18", "0", "0", "0", "0", "18", "0"], rows[2][21..]); // The query that asks.
        Assert.Equal(["(nouser)", "(nodb)"], rows[3][1..3]);
        Assert.Equal(["cl_active", "cl_active"],
            world.Query(admin, "show active_sockets").Rows.Select(static row => row.Split('|')[4]));
    }

    [Fact]
    public void Descriptors_are_listed_without_what_TLS_touches()
    {
        var world = new ConsoleWorld();
        var client = world.Client("p0");
        client.Transport = new FakeEnd { Descriptor = 9 };
        world.Acquire(client);
        client.Server!.Transport = new FakeEnd { Descriptor = 11 };
        client.Server.CancelKey = 135558366362328;
        var secured = world.Client("p0", "bob");
        secured.Transport = new FakeEnd { Descriptor = 12, Tls = "TLSv1.3/TLS_AES_256_GCM_SHA384" };
        world.Acquire(secured);
        world.Connect().Transport = new FakeEnd { Descriptor = 13 };
        world.Loops[0].Listeners.Add(new ListenerView(7, "127.0.0.1", 7510));
        Assert.Equal(
            [
                "7|pooler|NULL|NULL|127.0.0.1|7510|0|0|NULL|NULL|NULL|NULL|NULL|NULL|NULL",
                "13|client|NULL|NULL|127.0.0.1|50000|0|0|NULL|NULL|NULL|NULL|NULL|NULL|NULL",
                $"9|client|alice|p0|127.0.0.1|50000|{client.CancelKey}|11|NULL|NULL|NULL|NULL|NULL|NULL|NULL",
                "11|server|alice|p0|127.0.0.1|5432|135558366362328|9|NULL|NULL|NULL|NULL|NULL|NULL|NULL",
            ],
            world.Query("show fds").Rows);
        Assert.Contains("TLSv1.3/TLS_AES_256_GCM_SHA384",
            world.Query("show clients").Rows.Single(static row => row.Contains("|bob|")));
    }

    [Fact]
    public void Each_user_shows_sizes_of_its_own() // The original repeats those of an earlier row.
    {
        var world = new ConsoleWorld(
            "[pgbouncer]\nauth_user=asker\n[databases]\np0=user=forced\n[users]\n"
            + "bob=pool_size=9 reserve_pool_size=1 pool_mode=statement max_user_connections=11 max_user_client_connections=12\ncarl=\n");
        world.Client("p0", "bob");
        Assert.Equal(
            [
                "admin|||NULL|0|0|0|1",
                "asker|||NULL|0|0|0|0",
                "bob|        9|        1|statement|11|0|12|1",
                "carl|||NULL|0|0|0|0",
                "forced|||NULL|0|0|0|0",
                "pgbouncer|||NULL|0|0|0|0",
            ],
            world.Query("show users").Rows);
    }

    [Fact]
    public void Peers_and_the_cancels_on_their_way_to_them()
    {
        var world =
            new ConsoleWorld(
            "[pgbouncer]\npeer_id=1\nlisten_port=7510\n[peers]\n3=host=127.0.0.1 port=7530 pool_size=4\n2=host=/run/pgsock/x port=7520 pool_size=5\n9=host=h\n");
        Assert.Equal(["2|/run/pgsock/x|7520|5", "3|127.0.0.1|7530|4", "9|h|6432|20"], world.Query("show peers").Rows);
        Assert.Empty(world.Query("show peer_pools").Rows);
        world.Loops[0].PeersUsed.AddRange([9, 2]);
        world.Loops[0].Cancels.Add(new CancelView(world.Connect(remote: EndAddress.OfUnix), null, 9, null));
        Assert.Equal(["2|0|0|0|0", "9|0|1|0|0"], world.Query("show peer_pools").Rows);
        Assert.StartsWith("C|(nouser)|(nodb)|none|waiting_cancel_req|unix|7510|unix|7510|", world.Query("show clients").Rows[^1]);
    }

    [Fact]
    public void Lists_count_everything()
    {
        var world = new ConsoleWorld(dns: new SomeDns());
        world.Acquire(world.Client("p0"));
        world.Connect();
        Assert.Equal(
            [
                "databases|3", "users|3", "peers|0", "pools|2", "peer_pools|0", "free_clients|0", "used_clients|3",
                    "login_clients|1",
                "free_servers|0", "used_servers|1", "dns_names|3", "dns_zones|1", "dns_queries|2", "dns_pending|0",
            ],
            world.Query("show lists").Rows);
    }

    [Fact]
    public void The_resolver_shows_names_and_zones()
    {
        var world = new ConsoleWorld(dns: new SomeDns());
        Assert.Equal(["localhost|3|127.0.0.1:0,[::1]:0", "nx.example.invalid|0|", "z|8|10.0.0.1:0"],
            world.Query("show dns_hosts").Rows);
        Assert.Equal(["example.invalid|0|1"], world.Query("show dns_zones").Rows);
    }

    [Fact]
    public void Memory_has_a_row_a_cache()
    {
        var rows = new ConsoleWorld().Query("show mem").Rows.Select(static row => row.Split('|')).ToArray();
        Assert.Equal(
            "user_cache credentials_cache db_cache peer_cache peer_pool_cache pool_cache outstanding_request_cache server_cache client_cache iobuf_cache var_list_cache server_prepared_statement_cache",
            string.Join(' ', rows.Select(static row => row[0])));
        Assert.All(rows, static row =>
            Assert.Equal(long.Parse(row[1]) * (long.Parse(row[2]) + long.Parse(row[3])), long.Parse(row[4])));
    }

    [Fact]
    public void Memory_tells_of_held_results_where_they_may_be()
    {
        var world = new ConsoleWorld(ConsoleWorld.Ini, loops: 2);
        world.Loops[0].Figures.HeldResultBytes = 130_000;
        Assert.Equal("result_buffer|65536|2|0|131072", world.Query("show mem").Rows[^1]);
        world.Loops[1].Figures.HeldResultBytes = 65_536;
        Assert.Equal("result_buffer|65536|3|0|196608", world.Query("show mem").Rows[^1]);
        Assert.Contains("held_result_bytes|195536", world.Query("show fastpool").Rows);
        var idle = new ConsoleWorld(ConsoleWorld.Ini + "[fastpool]\nresult_buffer=1\n");
        Assert.Equal("result_buffer|65536|0|0|0", idle.Query("show mem").Rows[^1]);
    }

    [Fact]
    public void Thousands_of_clients_hold_no_loop_and_need_no_great_buffer()
    {
        const int ClientCount = 2000;
        var world = new ConsoleWorld("[pgbouncer]\n[databases]\np0=host=h\n", loops: 2);
        for (var i = 0; i < ClientCount; i++) world.Client("p0", loop: i % 2);
        var before = world.Posts.PostCount;
        var reply = world.Query("show clients");
        Assert.Equal(ClientCount + 1, reply.Rows.Length);
        Assert.True(reply.PartCount >= 5);
        Assert.True(world.Posts.PostCount - before >= ClientCount / LoopWalk.SliceMax);
    }

    [Fact]
    public void A_listing_leaves_in_parts_of_bounded_length()
    {
        var reply = new LengthReply();
        var world = new ConsoleWorld();
        for (var i = 0; i < 1000; i++) world.Client("p0");
        world.Plane.Console.Execute(world.Admin(), "show clients", reply);
        world.Run();
        Assert.All(reply.Lengths, static length => Assert.True(length < Answer.PartBytes + 1024));
    }

    private static string FirstFive(string row) => string.Join('|', row.Split('|')[..5]);

    private sealed class LengthReply : IConsoleReply
    {
        public List<int> Lengths { get; } = [];

        public void Part(ReadOnlyMemory<byte> messages) => Lengths.Add(messages.Length);

        public void Answer(ReadOnlyMemory<byte> messages) => Lengths.Add(messages.Length);

        public void Send(IReadOnlyList<DescriptorMessage> messages, DescriptorCopies copies) => Assert.Fail("none was asked for");

        public void Disconnect(string reason) => Assert.Fail(reason);
    }

    private sealed class SomeDns : IDnsView
    {
        public IReadOnlyList<DnsHost> Hosts =>
            [new DnsHost("z", 9_000_000, ["10.0.0.1"]), new DnsHost("localhost", 4_900_000, ["127.0.0.1", "::1"]),
            new DnsHost("nx.example.invalid", 5, [])];

        public IReadOnlyList<DnsZone> Zones => [new DnsZone("example.invalid", 0, 1)];

        public int QueriesInFlight => 2;
    }
}
