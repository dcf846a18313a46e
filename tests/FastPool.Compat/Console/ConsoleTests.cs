namespace FastPool.Compat.Console;

/// <summary>The admin console: the tables that tools read, and the commands that operators give.</summary>
public class ConsoleTests
{
    [PoolerTheory, Loops]
    public async Task A_session_that_leaves_during_its_PAUSE_is_gone(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var holder = await pooler.RawAsync();
        await holder.QueryAsync("begin");
        await using (var console = await RawClient.LoginAsync(pooler.Port, "admin", "pgbouncer"))
        {
            await console.SendAsync(Wire.Query("PAUSE"));
            await Until.TrueAsync(async () =>
                (await pooler.ConsoleAsync("SHOW STATE")).Rows.Exists(row => row is ["paused", "yes"]), "it is paused");
            await console.SendAsync(Wire.Typed('X'));
        }

        await Until.TrueAsync(async () =>
            (await pooler.ConsoleAsync("SHOW CLIENTS")).Rows.Count(row => row[1] == "admin") == 1, "only who asks is there");
        Assert.Equal("", (await pooler.ConsoleAsync("RESUME")).ErrorText);
        Assert.Equal('I', (await holder.QueryAsync("commit")).Status);
    }

    private const string PoolColumns =
        "database,user,cl_active,cl_waiting,cl_active_cancel_req,cl_waiting_cancel_req,sv_active,sv_active_cancel,"
        + "sv_being_canceled,sv_idle,sv_used,sv_tested,sv_login,maxwait,maxwait_us,pool_mode,load_balance_hosts";

    private const string SocketColumns =
        "type,user,database,replication,state,addr,port,local_addr,local_port,connect_time,request_time,wait,wait_us,"
        + "close_needed,ptr,link,remote_pid,tls,application_name,prepared_statements,id";

    private const string DatabaseColumns =
        "name,host,port,database,force_user,pool_size,min_pool_size,reserve_pool_size,server_lifetime,pool_mode,"
        + "load_balance_hosts,max_connections,current_connections,max_client_connections,current_client_connections,paused,disabled";

    private const string StatsColumns =
        "database,total_server_assignment_count,total_xact_count,total_query_count,total_received,total_sent,total_xact_time,"
        + "total_query_time,total_wait_time,total_client_parse_count,total_server_parse_count,total_bind_count,total_client_login_count,avg_server_assignment_count,avg_xact_count,"
        + "avg_query_count,avg_recv,avg_sent,avg_xact_time,avg_query_time,avg_wait_time,avg_client_parse_count,avg_server_parse_count,avg_bind_count,"
        + "avg_client_login_count";

    private const string TotalsColumns =
        "database,server_assignment_count,xact_count,query_count,bytes_received,bytes_sent,xact_time,query_time,wait_time,"
        + "client_parse_count,server_parse_count,bind_count,client_login_count";

    private const string AveragesColumns =
        "database,server_assignment_count,xact_count,query_count,bytes_received,bytes_sent,xact_time,query_time,wait_time,"
        + "avg_client_parse_count,avg_server_parse_count,avg_bind_count,"
        + "avg_client_login_count";

    private const string UserColumns =
        "name,pool_size,reserve_pool_size,pool_mode,max_user_connections,current_connections,max_user_client_connections,current_client_connections";

    // Types: t text, i int4, q int8, N numeric; one letter a column.
    [PoolerTheory(Since = "1.26")]
    [Loops("SHOW VERSION", "version", "t")]
    [Loops("SHOW STATE", "key,value", "tt")]
    [Loops("SHOW CONFIG", "key,value,default,changeable", "tttt")]
    [Loops("SHOW POOLS", PoolColumns, "tt" + "iiiii" + "iiiii" + "iii" + "tt")]
    [Loops("SHOW CLIENTS", SocketColumns, "ttttttiti" + "tt" + "iii" + "tt" + "itt" + "ii")]
    [Loops("SHOW SERVERS", SocketColumns, "ttttttiti" + "tt" + "iii" + "tt" + "itt" + "ii")]
    [Loops("SHOW DATABASES", DatabaseColumns, "ttitt" + "iiii" + "tt" + "iiiiii")]
    [Loops("SHOW STATS", StatsColumns, "tNNNNNNNNNNNNNNNNNNNNNNNN")]
    [Loops("SHOW STATS_TOTALS", TotalsColumns, "tNNNNNNNNNNNN")]
    [Loops("SHOW STATS_AVERAGES", AveragesColumns, "tNNNNNNNNNNNN")]
    [Loops("SHOW TOTALS", "name,value", "tN")]
    [Loops("SHOW LISTS", "list,items", "ti")]
    [Loops("SHOW USERS", UserColumns, "ttttiiii")]
    [Loops("SHOW PEERS", "peer_id,host,port,pool_size", "itii")]
    [Loops("SHOW PEER_POOLS", "peer_id,cl_active_cancel_req,cl_waiting_cancel_req,sv_active_cancel,sv_login", "iiiii")]
    [Loops("SHOW MEM", "name,size,used,free,memtotal", "tiiii")]
    [Loops("SHOW DNS_HOSTS", "hostname,ttl,addrs", "tqt")]
    [Loops("SHOW DNS_ZONES", "zonename,serial,count", "tqi")]
    public async Task Every_table_has_exactly_its_columns(int loops, string command, string columns, string types)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("select 1");
        var reply = await pooler.ConsoleAsync(command);
        Assert.Equal("", reply.ErrorText);
        Assert.Equal(columns.Split(','), reply.Columns);
        Assert.Equal(types,
            string.Concat(
            reply.ColumnTypes.Select(oid => oid switch { 25 => 't', 23 => 'i', 20 => 'q', 1700 => 'N', _ => '?' })));
        Assert.Equal(["SHOW"], reply.Tags);
        Assert.All(reply.Rows, row => Assert.Equal(reply.Columns.Count, row.Length));
    }

    [PoolerTheory(Since = "1.25"), Loops]
    public async Task The_version_is_the_one_that_tools_expect(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        Assert.Equal(Binary.Since126("PgBouncer 1.26.1", "PgBouncer 1.25.2"),
            (await pooler.ConsoleAsync("SHOW VERSION")).Rows[0][0]);
        await using var console = await RawClient.LoginAsync(pooler.Port, "admin", "pgbouncer");
        Assert.Equal(
            ["server_version", "client_encoding", "server_encoding", "DateStyle", "TimeZone", "standard_conforming_strings",
                "is_superuser"], console.ParameterOrder.Where(static name => name != "pgbouncer.version"));
        Assert.Equal((Binary.Since126("1.26.1/bouncer", "1.25.2/bouncer"), "on"),
            (console.Parameters["server_version"], console.Parameters["is_superuser"]));
    }

    [PoolerTheory(FastPoolOnly = "has other settings and states, by its version"), Loops]
    public async Task Lists_and_states_have_their_rows_in_order(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        Assert.Equal(
            "databases,users,peers,pools,peer_pools,free_clients,used_clients,login_clients,free_servers,used_servers,dns_names,dns_zones,dns_queries,dns_pending".Split(','),
            (await pooler.ConsoleAsync("SHOW LISTS")).Rows.Select(r => r[0]));
        Assert.Equal([["active", "yes"], ["paused", "no"], ["suspended", "no"]], (await pooler.ConsoleAsync("SHOW STATE")).Rows);
        var config = await pooler.ConsoleAsync("SHOW CONFIG");
        Assert.Equal(100, config.Rows.Count);
        Assert.Equal("default_pool_size|5|20|yes", string.Join('|', config.Rows.Single(r => r[0] == "default_pool_size")));
        Assert.Equal("unix_socket_mode|511|0777|no", string.Join('|', config.Rows.Single(r => r[0] == "unix_socket_mode")));
    }

    [PoolerTheory, Loops]
    public async Task Statistics_count_transactions_queries_and_bytes(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        for (var i = 0; i < 10; i++)
            await client.QueryAsync("select repeat('b', 1000)");
        await client.QueryAsync("begin");
        await client.QueryAsync("select 1");
        await client.QueryAsync("commit");
        var stats = await pooler.ConsoleAsync("SHOW STATS");
        var row = stats.Rows.Single(r => r[0] == Postgres.Database);
        long Of(string column) => long.Parse(row[stats.Columns.IndexOf(column)]!);
        Assert.Equal((11, 13), (Of("total_xact_count"), Of("total_query_count")));
        Assert.InRange(Of("total_sent"), 10_000, 20_000);
        Assert.InRange(Of("total_received"), 300, 2000);
    }

    [PoolerTheory(FastPoolOnly = "counts blocks of objects"), Loops]
    public async Task Memory_counts_what_is_there(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        await client.SendAsync([.. Wire.Typed('P', "mine\0select 1\0\0\0"u8.ToArray()), .. Wire.Typed('S')]);
        await client.ReplyAsync();
        await client.SendAsync(Wire.Query("select pg_sleep(30)"));
        await Until.TrueAsync(
            async () =>
            {
                var used = (await pooler.ConsoleAsync("SHOW MEM")).Rows.ToDictionary(static row => row[0]!, static row => row[2]);
                return (used["server_cache"], used["server_prepared_statement_cache"], used["outstanding_request_cache"],
                    used["client_cache"]) == ("1", "1", "1", "2");
            },
            "one server with a statement and a request, the client and the console");
    }

    [PoolerTheory, Loops]
    public async Task Clients_and_servers_show_who_is_linked_to_whom(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client =
            await RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database, ("application_name", "linked"));
        await client.QueryAsync("begin");
        var pid = (await client.QueryAsync("select pg_backend_pid()")).Rows[0][0];
        var clients = await pooler.ConsoleAsync("SHOW CLIENTS");
        var servers = await pooler.ConsoleAsync("SHOW SERVERS");
        var c = clients.Rows.Single(r => r[clients.Columns.IndexOf("application_name")] == "linked");
        var s = servers.Rows.Single(r => r[servers.Columns.IndexOf("remote_pid")] == pid);
        Assert.Equal(c[clients.Columns.IndexOf("ptr")], s[servers.Columns.IndexOf("link")]);
        Assert.Equal(s[servers.Columns.IndexOf("ptr")], c[clients.Columns.IndexOf("link")]);
        Assert.Equal(("active", "active"), (c[clients.Columns.IndexOf("state")], s[servers.Columns.IndexOf("state")]));
        Assert.Equal(("C", "S"), (c[0], s[0]));
    }

    [PoolerTheory, Loops]
    public async Task Psql_steers_the_console(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await pooler.ScalarAsync("select 1");
        async Task<string> PsqlAsync(params string[] arguments) => (await Child.RunAsync(
            Machine.Program("psql"),
                ["-X", "-h", "127.0.0.1", "-p", $"{pooler.Port}", "-U", "admin", "-d", "pgbouncer", .. arguments])).Text;
        Assert.Contains("app|user_trust|", await PsqlAsync("-At", "-c", "SHOW POOLS"), StringComparison.Ordinal);
        Assert.Contains("total_xact_count", await PsqlAsync("-c", "show stats;"), StringComparison.Ordinal);
        var help = await PsqlAsync("-c", "SHOW HELP");
        Assert.Contains("NOTICE:  Console usage", help, StringComparison.Ordinal);
        Assert.Contains("DETAIL:", help, StringComparison.Ordinal);
        Assert.Contains("\tRELOAD", help, StringComparison.Ordinal);
        Assert.Contains("ERROR:  invalid command 'select 1;', use SHOW HELP;", await PsqlAsync("-c", "select 1;"),
            StringComparison.Ordinal);
        Assert.Equal("RELOAD", await PsqlAsync("-c", "RELOAD"));
    }

    /// <summary>Those of 1.25; units have those of 1.26.</summary>
    [PoolerTheory(FastPoolOnly = "has one version"), Loops]
    public async Task Help_lists_the_commands(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f.Own["show_as"] = "1.25");
        var reply = await pooler.ConsoleAsync("SHOW HELP");
        Assert.Equal("NCZ", reply.Types);
        Assert.Equal(
            """

            	SHOW HELP|CONFIG|DATABASES|POOLS|CLIENTS|SERVERS|USERS|VERSION
            	SHOW PEERS|PEER_POOLS
            	SHOW FDS|SOCKETS|ACTIVE_SOCKETS|LISTS|MEM|STATE
            	SHOW DNS_HOSTS|DNS_ZONES
            	SHOW STATS|STATS_TOTALS|STATS_AVERAGES|TOTALS
            	SET key = arg
            	RELOAD
            	PAUSE [<db>]
            	RESUME [<db>]
            	DISABLE <db>
            	ENABLE <db>
            	RECONNECT [<db>]
            	KILL [<db>]
            	KILL_CLIENT <client_id>
            	SUSPEND
            	SHUTDOWN
            	SHUTDOWN WAIT_FOR_SERVERS|WAIT_FOR_CLIENTS
            	WAIT_CLOSE [<db>]
            """,
            reply.Messages[0].Field('D')!.TrimEnd('\n'));
    }

    [PoolerTheory, Loops]
    public async Task Reload_brings_a_new_database_and_takes_one_away(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f.Databases["old"] = "{server} dbname=app");
        await using var old = await pooler.RawAsync(database: "old");
        pooler.Rewrite(f =>
        {
            f.Databases["fresh"] = "{server} dbname=app";
            f.Databases.Remove("old");
            f["default_pool_size"] = "7";
        });
        Assert.Equal(["RELOAD"], (await pooler.ConsoleAsync("RELOAD")).Tags);
        await using var fresh = await pooler.ConnectAsync(database: "fresh");
        Assert.Equal(1, await fresh.ScalarAsync("select 1"));
        Assert.Equal("FATAL/08P01 database removed", (await old.ReplyAsync()).ErrorText);
        var databases = await pooler.ConsoleAsync("SHOW DATABASES");
        Assert.Equal(["app", "fresh", "pgbouncer"], databases.Rows.Select(r => r[0]));
        Assert.Equal("7", databases.Rows[0][databases.Columns.IndexOf("pool_size")]);
    }

    [PoolerTheory, Loops]
    public async Task Set_changes_a_setting_at_once(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        Assert.Equal(["SET query_timeout=5"],
            (await pooler.ConsoleAsync("SET query_timeout = 5")).Tags.Select(t =>
            t.Replace(" = ", "=", StringComparison.Ordinal)));
        var config = await pooler.ConsoleAsync("SHOW CONFIG");
        Assert.Equal("5", config.Rows.Single(r => r[0] == "query_timeout")[1]);
        Assert.Equal("ERROR/08P01 SET failed", (await pooler.ConsoleAsync("SET no_such_thing = 5")).ErrorText);
    }

    [PoolerTheory, Loops]
    public async Task Pause_waits_for_the_servers_and_resume_lets_clients_go_on(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var busy = await pooler.RawAsync();
        await using var other = await pooler.RawAsync();
        await busy.QueryAsync("begin");
        await using var console = await RawClient.LoginAsync(pooler.Port, "admin", "pgbouncer");
        var paused = console.QueryAsync("PAUSE");
        await pooler.LineAsync("PAUSE command issued");
        var waiting = other.QueryAsync("select 1");
        await pooler.PoolIsAsync("cl_waiting", 1);
        Assert.False(paused.IsCompleted);
        await busy.QueryAsync("commit");
        Assert.Equal(["PAUSE"], (await paused).Tags);
        Assert.False(waiting.IsCompleted);
        Assert.Equal(["RESUME"], (await pooler.ConsoleAsync("RESUME")).Tags);
        Assert.Equal("TDCZ", (await waiting).Types);
        Assert.Equal(Binary.Since126("ERROR/08P01 pooler is not paused", "ERROR/08P01 pooler is not paused/suspended"),
            (await pooler.ConsoleAsync("RESUME")).ErrorText);
    }

    [PoolerTheory, Loops]
    public async Task Pause_of_a_database_stops_only_that_database(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f.Databases["still"] = "{server} dbname=app");
        await using var still = await pooler.RawAsync(database: "still");
        await using var moving = await pooler.RawAsync();
        Assert.Equal(["PAUSE"], (await pooler.ConsoleAsync("PAUSE still")).Tags);
        var waiting = still.QueryAsync("select 1");
        await pooler.PoolIsAsync("cl_waiting", 1, database: "still");
        Assert.Equal("TDCZ", (await moving.QueryAsync("select 1")).Types);
        Assert.Equal(["RESUME"], (await pooler.ConsoleAsync("RESUME still")).Tags);
        Assert.Equal("TDCZ", (await waiting).Types);
        Assert.Equal("ERROR/08P01 no such database: nowhere", (await pooler.ConsoleAsync("PAUSE nowhere")).ErrorText);
    }

    [PoolerTheory, Loops]
    public async Task Reconnect_replaces_servers_without_disturbing_a_transaction(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["default_pool_size"] = "1");
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        var before = (await client.QueryAsync("select pg_backend_pid()")).Rows[0][0];
        Assert.Equal(["RECONNECT"], (await pooler.ConsoleAsync("RECONNECT")).Tags);
        Assert.Equal(before, (await client.QueryAsync("select pg_backend_pid()")).Rows[0][0]);
        await client.QueryAsync("commit");
        Assert.NotEqual(before, (await client.QueryAsync("select pg_backend_pid()")).Rows[0][0]);
    }

    [PoolerTheory, Loops]
    public async Task Disable_refuses_new_clients_and_leaves_the_others_in_peace(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        Assert.Equal(["DISABLE"], (await pooler.ConsoleAsync("DISABLE app")).Tags);
        var refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => pooler.ConnectAsync());
        Assert.Equal("database \"app\" is disabled", refused.MessageText);
        Assert.Equal("TDCZ", (await client.QueryAsync("select 1")).Types);
        Assert.Equal(["ENABLE"], (await pooler.ConsoleAsync("ENABLE app")).Tags);
        await using var welcome = await pooler.ConnectAsync();
    }

    [PoolerTheory, Loops]
    public async Task Kill_drops_the_clients_of_a_database(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        Assert.Equal(["KILL"], (await pooler.ConsoleAsync("KILL app")).Tags);
        Assert.Equal("FATAL/08P01 database removed", (await client.ReplyAsync()).ErrorText);
        Assert.Equal(["RESUME"], (await pooler.ConsoleAsync("RESUME app")).Tags);
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
    }

    [PoolerTheory(Since = "1.24"), Loops]
    public async Task Kill_client_drops_one_client(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var victim =
            await RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database, ("application_name", "victim"));
        await using var other = await pooler.RawAsync();
        var clients = await pooler.ConsoleAsync("SHOW CLIENTS");
        var id = clients.Rows.Single(r => r.Contains("victim"))[clients.Columns.IndexOf("id")];
        await using (var stats = await RawClient.LoginAsync(pooler.Port, "stats", "pgbouncer"))
            Assert.Equal("ERROR/08P01 admin access needed", (await stats.QueryAsync($"KILL_CLIENT {id}")).ErrorText);
        Assert.Equal(["KILL_CLIENT"], (await pooler.ConsoleAsync($"KILL_CLIENT {id}")).Tags);
        Assert.Equal("FATAL/08P01 admin forced disconnect", (await victim.ReplyAsync()).ErrorText);
        Assert.Equal("TDCZ", (await other.QueryAsync("select 1")).Types);
        Assert.Equal("ERROR/08P01 client not found", (await pooler.ConsoleAsync("KILL_CLIENT 999999")).ErrorText);
    }

    [PoolerTheory, Loops]
    public async Task Only_listed_users_come_in_and_stats_users_only_look(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var stats = await RawClient.LoginAsync(pooler.Port, "stats", "pgbouncer");
        Assert.Equal(["SHOW"], (await stats.QueryAsync("SHOW POOLS")).Tags);
        Assert.Equal("ERROR/08P01 admin access needed", (await stats.QueryAsync("RELOAD")).ErrorText);
        Assert.Equal("ERROR/08P01 admin access needed", (await stats.QueryAsync("SHUTDOWN")).ErrorText);
        await using var stranger = await RawClient.ConnectAsync(pooler.Port);
        await stranger.SendAsync(Wire.Startup(("user", "user_trust"), ("database", "pgbouncer")));
        Assert.Equal("FATAL/08P01 not allowed", (await stranger.ReplyAsync()).ErrorText);
    }

    [PoolerTheory, Loops]
    public async Task Extended_queries_are_refused_by_the_console(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var console = await RawClient.LoginAsync(pooler.Port, "admin", "pgbouncer");
        await console.SendAsync(Wire.Typed('P', "\0SHOW POOLS\0\0\0"u8.ToArray()));
        Assert.Equal("ERROR/08P01 extended query protocol not supported by admin console",
            (await console.ReplyAsync()).ErrorText);
    }

    [PoolerTheory(FastPoolOnly = "cuts its answers to 512 bytes and wants a command in one piece"), Loops]
    public async Task A_console_command_may_be_long_and_come_in_pieces(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var before = new FaultProxy(pooler.Port) { SegmentBytes = 3 };
        await using var console = await RawClient.LoginAsync(before.Port, "admin", "pgbouncer");
        Assert.Equal(["SHOW"], (await console.QueryAsync("SHOW POOLS")).Tags);
        var long_ = "select " + string.Join(" ", Enumerable.Repeat("x", 1500));
        Assert.StartsWith("ERROR/08P01 invalid command '", (await console.QueryAsync(long_)).ErrorText, StringComparison.Ordinal);
        Assert.Equal(["SHOW"], (await console.QueryAsync("SHOW STATE")).Tags);
    }

    [PoolerTheory, Loops]
    public async Task Shutdown_ends_the_process_with_success(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        // PgBouncer says nothing.
        Assert.Equal(Binary.IsFastPool ? "FATAL/57P01 terminating connection due to administrator command" : "",
            (await pooler.ConsoleAsync("SHUTDOWN")).ErrorText);
        Assert.Equal(0, await pooler.Process.ExitAsync());
        if (Binary.IsFastPool) Assert.Equal("57P01", (await client.ReadAsync())!.Field('C'));
        Assert.Null(await client.ReadAsync());
        Assert.Contains("SHUTDOWN command issued", pooler.Process.Text, StringComparison.Ordinal);
    }

    [PoolerTheory(Since = "1.23"), Loops]
    public async Task Shutdown_wait_for_servers_and_wait_for_clients_let_work_end(int loops)
    {
        await using (var pooler = await Pooler.StartAsync(loops))
        {
            await using var client = await pooler.RawAsync();
            await client.QueryAsync("begin");
            Assert.Equal(["SHUTDOWN"], (await pooler.ConsoleAsync("SHUTDOWN WAIT_FOR_SERVERS")).Tags);
            await Until.TrueAsync(async () => !await Machine.IsListeningAsync(pooler.Port), "the port is closed");
            Assert.Equal('T', (await client.QueryAsync("select 1")).Status);
            Assert.Equal('I', (await client.QueryAsync("commit")).Status);
            Assert.Equal(0, await pooler.Process.ExitAsync());
            Assert.Contains("server connections dropped, exiting", pooler.Process.Text, StringComparison.Ordinal);
        }

        await using (var pooler = await Pooler.StartAsync(loops))
        {
            await using (var client = await pooler.RawAsync())
            {
                Assert.Equal(["SHUTDOWN"], (await pooler.ConsoleAsync("SHUTDOWN WAIT_FOR_CLIENTS")).Tags);
                await Until.TrueAsync(async () => !await Machine.IsListeningAsync(pooler.Port), "the port is closed");
                Assert.Equal("TDCZ", (await client.QueryAsync("select 1")).Types);
                Assert.False(pooler.Process.HasExited);
            }

            Assert.Equal(0, await pooler.Process.ExitAsync());
            Assert.Contains("client connections dropped, exiting", pooler.Process.Text, StringComparison.Ordinal);
        }
    }
}
