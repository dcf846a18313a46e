using System.Globalization;
using System.Text.RegularExpressions;

namespace FastPool.Compat.Console;

/// <summary>How tools bind what they read: by name, by place, by count and by type.</summary>
public sealed class ToolTests
{
    /// <summary>
    /// Tool, query, and what it makes of the columns: so many; names it looks up; names it reads as whole numbers.
    /// </summary>
    public static TheoryData<string, string, int, string, string> Bindings => new()
    {
        { "prometheus-community", "SHOW VERSION;", 1, "version", "" },
        { "prometheus-community", "SHOW LISTS;", 2, "list,items", "items" },
        { "prometheus-community", "SHOW CONFIG;", 4, "key,value", "" },
        { "prometheus-community", "SHOW CLIENTS;", 21, "database,user,state,application_name", "" },
        { "prometheus-community", "SHOW databases;", 17,
            "name,host,port,database,force_user,pool_size,reserve_pool_size,pool_mode,max_connections,current_connections,paused,disabled", "pool_size,reserve_pool_size,max_connections,current_connections,paused,disabled" },
        { "prometheus-community", "SHOW stats_totals;", 12,
            "database,query_count,query_time,xact_count,xact_time,wait_time,bytes_received,bytes_sent",
            "query_count,query_time,xact_count,xact_time,wait_time,bytes_received,bytes_sent" },
        { "prometheus-community", "SHOW pools;", 17,
            "database,user,cl_active,cl_waiting,sv_active,sv_idle,sv_used,sv_tested,sv_login,maxwait",
            "cl_active,cl_waiting,sv_active,sv_idle,sv_used,sv_tested,sv_login,maxwait" },
        { "telegraf", "SHOW STATS", 23, "database,total_xact_count,avg_query_time",
            "total_server_assignment_count,total_xact_count,total_query_count,total_received,total_sent,total_xact_time,total_query_time,total_wait_time,avg_xact_count,avg_query_count,avg_recv,avg_sent,avg_xact_time,avg_query_time,avg_wait_time" },
        { "datadog", "SHOW POOLS", 17,
            "database,user,cl_active,cl_waiting,sv_active,sv_idle,sv_used,sv_tested,sv_login,maxwait,maxwait_us", "maxwait_us" },
        { "datadog", "SHOW CLIENTS", 21, "database,user,addr,state,connect_time,request_time,wait,wait_us", "wait,wait_us" },
        { "datadog", "SHOW SERVERS", 21, "database,user,addr,state,connect_time,request_time", "" },
        { "crunchy", "SHOW SERVERS", 21, "close_needed", "close_needed" },
        { "pgbouncer_fdw", "SHOW CLIENTS", 21, "id,prepared_statements,remote_pid,link", "id,prepared_statements,remote_pid" },
        { "netdata", "SHOW DATABASES", 17, "name,max_connections,current_connections", "max_connections,current_connections" },
        { "gitlab", "SHOW DATABASES", 17, "paused", "paused" },
        { "pgwatch", "show stats", 23,
            "total_xact_count,total_query_count,total_received,total_sent,total_xact_time,total_query_time,total_wait_time",
            "total_xact_count,total_wait_time" },
    };

    [PoolerTheory(FastPoolOnly = "has one version")]
    [MemberData(nameof(Bindings))]
    public async Task A_tool_finds_its_columns_and_numbers_as_before_1_26(string tool, string query, int count, string names,
        string numbers) => await FindsAsync(tool, query, count, names, numbers, "1.25");

    [PoolerTheory(Since = "1.26")]
    [MemberData(nameof(Bindings))]
    public async Task A_tool_finds_its_columns_and_numbers(string tool, string query, int count, string names, string numbers)
    {
        var more = query.TrimEnd(';').ToLowerInvariant() switch
        {
            "show stats" => 2,
            "show stats_totals" or "show stats_averages" => 1,
            _ => 0,
        };
        await FindsAsync(tool, query, count + more, names, numbers, "1.26");
    }

    private static async Task FindsAsync(string tool, string query, int count, string names, string numbers, string version)
    {
        Assert.NotEmpty(tool);
        await using var pooler = await Pooler.StartAsync(1, f => f.Own["show_as"] = version);
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("select 1");
        await using var stats = await RawClient.LoginAsync(pooler.Port, "stats", "pgbouncer");
        var reply = await stats.QueryAsync(query);
        Assert.Equal(count, reply.Columns.Count);
        Assert.NotEmpty(reply.Rows);
        Assert.Empty(names.Split(',').Except(reply.Columns));
        foreach (var name in numbers.Split(',', StringSplitOptions.RemoveEmptyEntries))
            Assert.All(reply.Rows,
                row => Assert.True(
                long.TryParse(row[reply.Columns.IndexOf(name)], NumberStyles.None, CultureInfo.InvariantCulture, out _),
                $"{name} is {row[reply.Columns.IndexOf(name)]}"));
    }

    /// <summary>The community's template cuts psql's rows by place.</summary>
    /// <summary>It counts columns: of the averages it reads the one before with the columns of 1.26.</summary>
    [PoolerTheory(FastPoolOnly = "has one version")]
    [InlineData("show databases;", "pool_size:6 max_connections:12 current_connections:13 current_client_connections:15")]
    [InlineData("show pools;",
        "cl_active:3 cl_waiting:4 sv_active:7 sv_idle:10 sv_used:11 sv_tested:12 sv_login:13 maxwait:14 maxwait_us:15 pool_mode:16")]
    [InlineData("show stats;",
        "total_server_assignment_count:2 total_xact_count:3 total_received:5 total_sent:6 avg_xact_time:18 avg_query_time:19 avg_wait_time:20")]
    public async Task Zabbix_cuts_the_right_fields(string query, string fields)
    {
        await using var pooler = await Pooler.StartAsync(1, f => f.Own["show_as"] = "1.25");
        var columns = (await pooler.ConsoleAsync(query)).Columns;
        Assert.All(fields.Split(' '), field =>
            Assert.Equal(field, $"{field.Split(':')[0]}:{columns.IndexOf(field.Split(':')[0]) + 1}"));
    }

    [PoolerFact(Since = "1.25")]
    public async Task Versions_names_and_times_are_parsed_as_tools_parse_them()
    {
        await using var pooler = await Pooler.StartAsync(1, f => f.Environment.Add(("TZ", "UTC")));
        await using var client = await pooler.RawAsync();
        var version = (await pooler.ConsoleAsync("SHOW VERSION")).Rows[0][0]!;
        // pgbouncer_fdw casts each part to a number.
        Assert.Equal(Binary.Since126<string[]>(["1", "26", "1"], ["1", "25", "2"]),
            Regex.Match(version, @"\d.+").Value.Split('.'));
        Assert.Contains("PgBouncer", version, StringComparison.Ordinal);
        var config = (await pooler.ConsoleAsync("SHOW CONFIG")).Rows.ToDictionary(static row => row[0]!, static row => row[1]);
        Assert.True(int.TryParse(config["max_client_conn"], out _) && int.TryParse(config["max_user_connections"], out _));
        // pgscv opens it.
        Assert.Contains("[databases]", await File.ReadAllTextAsync(config["conffile"]!), StringComparison.Ordinal);
        var clients = await pooler.ConsoleAsync("SHOW CLIENTS");
        foreach (var column in new[] { "connect_time", "request_time" })
        {
            var words = clients.Rows[0][clients.Columns.IndexOf(column)]!.Split(' ');
            Assert.True(
                DateTime.TryParseExact($"{words[0]} {words[1]}", "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture,
                DateTimeStyles.None, out _));
            Assert.Equal("UTC", words[2]);
        }
        var databases = await pooler.ConsoleAsync("SHOW DATABASES");
        Assert.Null(databases.Rows[0][databases.Columns.IndexOf("force_user")]);
        // Typed as a number by one tool: it may only be NULL.
        Assert.Null(databases.Rows[0][databases.Columns.IndexOf("load_balance_hosts")]);
    }

    [ReferenceFact]
    public async Task Settings_that_did_not_change_are_shown_as_PgBouncer_shows_them()
    {
        var folder = Machine.NewFolder("c");
        var rows = new List<Dictionary<string, string>>();
        foreach (var program in new[] { Reference.Path!, Binary.Path })
        {
            var ini = Path.Combine(folder, "p.ini");
            var port = Machine.FreePort();
            await File.WriteAllTextAsync(ini, $"""
                [databases]
                [pgbouncer]
                listen_addr = 127.0.0.1
                listen_port = {port}
                unix_socket_dir = {folder}
                unix_socket_mode = 0770
                auth_type = any
                admin_users = a, b
                query_timeout = 0.5
                server_lifetime = 1234567
                default_pool_size = 0x10
                tcp_keepalive = 7
                pool_mode = Transaction
                server_reset_query = SELECT 'it''s'
                """);
            await using var child = Child.Start(program, [ini], folder);
            await child.LineAsync("process up");
            await using var console = await RawClient.LoginAsync(port, "a", "pgbouncer");
            rows.Add(
                (await console.QueryAsync("SHOW CONFIG")).Rows.ToDictionary(static row => row[0]!,
                row => string.Join('|', row.Select(static value => value ?? "NULL"))
                .Replace($"{port}", "PORT", StringComparison.Ordinal)));
            child.Signal(Child.SigInt);
            await child.ExitAsync();
        }
        var (theirs, ours) = (rows[0], rows[1]);
        // Settings that a later version gave another default or made changeable.
        string[] changed =
            ["auth_query", "server_tls_sslmode", "server_check_query", "max_prepared_statements", "max_user_connections",
            "client_tls_ciphers", "server_tls_ciphers"];
        var common = theirs.Keys.Intersect(ours.Keys).Except(changed).Order(StringComparer.Ordinal).ToList();
        Assert.True(common.Count > 75, $"{common.Count}");
        Assert.Equal(common.Select(key => theirs[key]), common.Select(key => ours[key]));
        Assert.Equal(theirs.Keys.Intersect(ours.Keys), ours.Keys.Intersect(theirs.Keys)); // In the same order.
    }

    [ReferenceTheory]
    [InlineData("client_encoding", "UTF8", "")]
    [InlineData("client_encoding", "'utf-8'", "")]
    [InlineData("datestyle", "ISO, MDY", "")]
    [InlineData("TimeZone", "Europe/Berlin", "")]
    [InlineData("application_name", "psql", "")]
    [InlineData("extra_float_digits", "2", "")]
    [InlineData("extra_float_digits", "2", "extra_float_digits")]
    [InlineData("work_mem", "1MB", "")]
    public Task Startup_parameters_of_the_console_are_those_of_any_database_as_in_PgBouncer(string name, string value,
        string ignored) => Reference.SameAsync(async program =>
    {
        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            f.Program = program;
            f["ignore_startup_parameters"] = ignored;
        });
        await using var console = await RawClient.ConnectAsync(pooler.Port);
        await console.SendAsync(Wire.Startup(("user", "admin"), ("database", "pgbouncer"), (name, value)));
        var reply = await console.ReplyAsync();
        return (reply.Status, reply.ErrorText);
    });

    [PoolerTheory(Since = "1.25")]
    [InlineData("RELOAD")]
    [InlineData("PAUSE")]
    [InlineData("PAUSE app")]
    [InlineData("RESUME")]
    [InlineData("SUSPEND")]
    [InlineData("DISABLE app")]
    [InlineData("ENABLE app")]
    [InlineData("RECONNECT")]
    [InlineData("KILL app")]
    [InlineData("KILL_CLIENT 1")]
    [InlineData("WAIT_CLOSE")]
    [InlineData("SHUTDOWN WAIT_FOR_CLIENTS")]
    [InlineData("SHOW FDS")]
    [InlineData("SET log_stats=0")]
    public async Task A_user_who_may_only_look_changes_nothing(string command)
    {
        await using var pooler = await Pooler.StartAsync(1);
        await using var stats = await RawClient.LoginAsync(pooler.Port, "stats", "pgbouncer");
        Assert.Equal("ERROR/08P01 admin access needed", (await stats.QueryAsync(command)).ErrorText);
        Assert.Equal(["SET"], (await stats.QueryAsync("SET datestyle TO 'ISO'")).Tags);
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
    }

    [PoolerTheory]
    [InlineData("PAUSE \"my-db\"|RESUME \"my-db\"")]
    [InlineData("PAUSE app;|RESUME app ;")]
    [InlineData("pause app|resume APP|resume app")]
    [InlineData("SET server_lifetime TO '12.5'|SET server_lifetime=13")]
    public async Task Names_go_there_and_back(string commands)
    {
        await using var pooler = await Pooler.StartAsync(1, file => file.Databases["my-db"] = "{server} dbname=app");
        foreach (var command in commands.Split('|'))
        {
            var reply = await pooler.ConsoleAsync(command);
            // Names are not folded.
            if (command.EndsWith("APP", StringComparison.Ordinal))
                Assert.Equal("ERROR/08P01 no such database: APP", reply.ErrorText);
            else Assert.Equal("", reply.ErrorText);
        }
    }

    [PoolerFact(Since = "1.25")]
    public async Task The_rule_that_an_operator_writes_lets_the_own_user_in_by_peer()
    {
        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            var hba = Path.Combine(Machine.NewFolder("hba"), "hba");
            File.WriteAllText(hba, "local pgbouncer pgbouncer peer\nhost all all 0.0.0.0/0 md5\n");
            f["auth_type"] = "hba";
            f["auth_hba_file"] = hba;
        });
        Assert.Equal(Binary.Since126("PgBouncer 1.26.1", "PgBouncer 1.25.2"), await pooler.OwnUserAsync("show version"));
    }
}
