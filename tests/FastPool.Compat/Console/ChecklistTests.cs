using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using FastPool.Compat.Dist;

namespace FastPool.Compat.Console;

/// <summary>The questions of tools that watch and steer PgBouncer, by the programs they ask with.</summary>
public sealed class ChecklistTests
{
    [PoolerTheory(FastPoolOnly = "says its own version"), Loops]
    public async Task The_version_is_bare(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        Assert.Equal(Binary.Since126("PgBouncer 1.26.1", "PgBouncer 1.25.2"), await PsqlAsync(pooler, "show version"));
    }

    [PoolerTheory(Since = "1.25")]
    [InlineData("show databases;")]
    [InlineData("SHOW POOLS")]
    [InlineData("select pools")]
    [InlineData("Select \"Lists\" ;")]
    public async Task Case_semicolon_and_SELECT_make_no_difference(string query)
    {
        await using var pooler = await Pooler.StartAsync(1);
        Assert.NotEqual("", await PsqlAsync(pooler, query));
    }

    [PoolerFact(Since = "1.25")]
    public async Task SHOW_STATS_has_columns_of_whole_numbers_and_the_consoles_own_row()
    {
        await using var pooler = await Pooler.StartAsync(1);
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("select 1");
        var rows = (await PsqlAsync(pooler, "show stats")).Split('\n').Select(static row => row.Split('|')).ToArray();
        Assert.All(rows, row => Assert.Equal(Binary.Since126(25, 23), row.Length));
        Assert.All(rows.SelectMany(static row => row.Skip(1)), static value => Assert.Matches("^[0-9]+$", value));
        Assert.Equal(["app", "pgbouncer"], rows.Select(static row => row[0]));
    }

    [PoolerFact(Since = "1.25")]
    public async Task SHOW_LISTS_has_its_fourteen_names()
    {
        await using var pooler = await Pooler.StartAsync(1);
        var names = (await PsqlAsync(pooler, "show lists")).Split('\n').Select(static row => row.Split('|')[0]);
        Assert.Equal(
            "databases users peers pools peer_pools free_clients used_clients login_clients free_servers used_servers dns_names dns_zones dns_queries dns_pending", string.Join(' ', names));
    }

    [PoolerFact(Since = "1.25")]
    public async Task Times_end_with_an_abbreviated_zone()
    {
        await using var pooler = await Pooler.StartAsync(1, file => file.Environment.Add(("TZ", "Asia/Kolkata")));
        var clients = await pooler.ConsoleAsync("SHOW CLIENTS");
        Assert.Matches("^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} IST$",
            clients.Rows[0][clients.Columns.IndexOf("connect_time")]);
    }

    [PoolerFact]
    public async Task No_notice_comes_with_the_login()
    {
        await using var pooler = await Pooler.StartAsync(1);
        await using var console = await RawClient.ConnectAsync(pooler.Port);
        await console.SendAsync(Wire.Startup(("user", "admin"), ("database", "pgbouncer")));
        Assert.DoesNotContain('N', (await console.ReplyAsync()).Types);
    }

    [PoolerTheory]
    [InlineData(";")]
    [InlineData("-- ping")]
    [InlineData("pause \"half")]
    [InlineData("show ' ")]
    public async Task Nonsense_is_an_error_and_the_session_goes_on(string query)
    {
        await using var pooler = await Pooler.StartAsync(1);
        await using var console = await RawClient.LoginAsync(pooler.Port, "admin", "pgbouncer");
        Assert.Equal($"ERROR/08P01 invalid command '{query}', use SHOW HELP;", (await console.QueryAsync(query)).ErrorText);
        Assert.Equal(["SHOW"], (await console.QueryAsync("SHOW VERSION")).Tags);
    }

    [PoolerFact]
    public async Task PAUSE_and_RESUME_say_when_they_are_late_and_tags_come_back()
    {
        await using var pooler = await Pooler.StartAsync(1);
        Assert.Equal("PAUSE", await PsqlAsync(pooler, "PAUSE"));
        Assert.Contains(Binary.Since126("ERROR:  08P01: already paused", "ERROR:  08P01: already suspended/paused"),
            await RawPsqlAsync(pooler, "\\set VERBOSITY verbose", "PAUSE"), StringComparison.Ordinal);
        Assert.Equal("PgBouncer " + Binary.Version, await PsqlAsync(pooler, "show version")); // While paused too.
        Assert.Equal("RESUME", await PsqlAsync(pooler, "RESUME"));
        Assert.Contains(Binary.Since126("ERROR:  pooler is not paused", "ERROR:  pooler is not paused/suspended"),
            await RawPsqlAsync(pooler, "RESUME"), StringComparison.Ordinal);
    }

    [PoolerTheory]
    [InlineData("DISABLE \"my-db\"", "DISABLE")]
    [InlineData("DISABLE app;", "DISABLE")]
    [InlineData("KILL app", "KILL")]
    [InlineData("SET log_connections = '0'", "SET log_connections=0")]
    [InlineData("SET log_connections=1", "SET log_connections=1")]
    public async Task Names_are_quoted_or_bare(string command, string tag)
    {
        await using var pooler = await Pooler.StartAsync(1, file => file.Databases["my-db"] = "{server} dbname=app");
        Assert.Equal(tag.Split(' ')[0], (await PsqlAsync(pooler, command)).Split(' ')[0]);
        Assert.Equal([tag], (await pooler.ConsoleAsync(command)).Tags);
    }

    [PoolerFact]
    public async Task Aligned_output_of_databases_has_paused_and_disabled()
    {
        await using var pooler = await Pooler.StartAsync(1);
        await pooler.ConsoleAsync("PAUSE app");
        var output = await RawPsqlAsync(pooler, "show databases");
        var heading = output.Split('\n').First(static line => line.Contains("paused", StringComparison.Ordinal)).Split('|')
            .Select(static cell => cell.Trim()).ToList();
        var row = output.Split('\n').First(static line => line.TrimStart().StartsWith("app ", StringComparison.Ordinal))
            .Split('|').Select(static cell => cell.Trim()).ToList();
        Assert.Equal(("1", "0"), (row[heading.IndexOf("paused")], row[heading.IndexOf("disabled")]));
    }

    /// <summary>Exporters, agents and templates, each with what it sends.</summary>
    [PoolerTheory(Since = "1.25")]
    [InlineData("prometheus-community",
        "SHOW STATS|SHOW VERSION;|SHOW LISTS;|SHOW CONFIG;|SHOW CLIENTS;|SHOW databases;|SHOW stats_totals;|SHOW pools;")]
    [InlineData("telegraf", "SHOW STATS|SHOW POOLS|SHOW LISTS|SHOW DATABASES")]
    [InlineData("datadog", "SHOW VERSION|SHOW STATS|SHOW POOLS|SHOW DATABASES|SHOW CONFIG|SHOW CLIENTS|SHOW SERVERS")]
    [InlineData("zabbix", "show pools;|show totals;|show stats;|show lists;|show databases;|show state;")]
    [InlineData("pgwatch", "show stats|show clients|SHOW VERSION")]
    [InlineData("pgmetrics", "show pools|show servers|show clients|show stats|show databases")]
    [InlineData("netdata", "SHOW VERSION;|SHOW CONFIG;|SHOW DATABASES;|SHOW STATS;|SHOW POOLS;")]
    public async Task A_tool_gets_rows_for_all_it_sends(string tool, string queries)
    {
        Assert.NotEmpty(tool);
        await using var pooler = await Pooler.StartAsync(1);
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("select 1");
        await using var stats = await RawClient.LoginAsync(pooler.Port, "stats", "pgbouncer");
        foreach (var query in queries.Split('|'))
        {
            var reply = await stats.QueryAsync(query);
            Assert.Equal("", reply.ErrorText);
            Assert.NotEmpty(reply.Rows);
        }
    }

    [PoolerFact(Since = "1.25")]
    public async Task Check_postgres_is_content()
    {
        await using var pooler = await Pooler.StartAsync(1);
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("select 1");
        foreach (
            var action in new[] { "pgb_pool_cl_active", "pgb_pool_cl_waiting", "pgb_pool_sv_active", "pgb_pool_sv_idle",
            "pgb_pool_sv_used", "pgb_pool_sv_tested", "pgb_pool_sv_login", "pgb_pool_maxwait" })
            Assert.Contains(" OK: ", await CheckAsync(pooler, action, "--warning=50", "--critical=60"), StringComparison.Ordinal);
        Assert.Contains(" OK: ", await CheckAsync(pooler, "pgbouncer_backends", "--warning=90%", "--critical=95%"),
            StringComparison.Ordinal);

        var config = await pooler.ConsoleAsync("SHOW CONFIG");
        Assert.Contains(config.Rows, static row => row[0] == "log_pooler_errors");
        var first = Checksum(await CheckAsync(pooler, "pgbouncer_checksum", "--critical=0"));
        Assert.Contains(" OK: ", await CheckAsync(pooler, "pgbouncer_checksum", $"--critical={first}"), StringComparison.Ordinal);
        await pooler.ConsoleAsync("SET max_client_conn = 501");
        Assert.NotEqual(first, Checksum(await CheckAsync(pooler, "pgbouncer_checksum", "--critical=0")));

        static string Checksum(string output) =>
            Regex.Match(output, "[0-9a-f]{32}").Value is { Length: 32 } sum ? sum : throw new InvalidOperationException(output);
    }

    /// <summary>Columns of both versions must look the same, down to the last byte of the description.</summary>
    [ReferenceTheory]
    [InlineData("SHOW VERSION")]
    [InlineData("SHOW MEM")]
    [InlineData("SHOW DNS_HOSTS")]
    [InlineData("SHOW DNS_ZONES")]
    [InlineData("SHOW TOTALS")]
    [InlineData("SHOW LISTS")]
    [InlineData("SHOW CONFIG")]
    [InlineData("SHOW timezone")]
    [InlineData("SHOW client_encoding")]
    public Task A_listing_that_did_not_change_is_described_alike(string query) => Reference.SameAsync(async program =>
    {
        await using var pooler = await StartAsync(program);
        var reply = await pooler.ConsoleAsync(query);
        return Convert.ToHexString(reply.Messages.Single(static message => message.Type == 'T').Body);
    });

    [ReferenceTheory]
    [InlineData("show 'version'")]
    [InlineData("SHOW VERSION;;")]
    [InlineData("pause nowhere")]
    [InlineData("PAUSE pgbouncer")]
    [InlineData("RECONNECT pgbouncer")]
    [InlineData("KILL pgbouncer")]
    [InlineData("DISABLE")]
    [InlineData("RESUME")]
    [InlineData("RESUME app")]
    [InlineData("SET nothing=1")]
    [InlineData("SET timezone='x'")]
    [InlineData("shutdown nonsense")]
    [InlineData("show verylongname_verylongname_verylongname_verylongname_verylongname_")]
    [InlineData("verylongcommandname123")]
    [InlineData("set a b")]
    [InlineData("show")]
    [InlineData("select 1")]
    [InlineData("show version -- c")]
    [InlineData("/* x */ show version")]
    [InlineData("show a; show b")]
    [InlineData("set x=-1")]
    [InlineData("set")]
    [InlineData("show \"no\"")]
    [InlineData("disable nowhere")]
    [InlineData("enable nowhere")]
    [InlineData("reconnect nowhere")]
    [InlineData("kill nowhere")]
    [InlineData("wait_close nowhere")]
    [InlineData("resume nowhere")]
    [InlineData("DISABLE pgbouncer")]
    [InlineData("ENABLE pgbouncer")]
    [InlineData("WAIT_CLOSE pgbouncer")]
    [InlineData("set client_encoding='x'")]
    [InlineData("set DATESTYLE to iso")]
    [InlineData("show datestyle")]
    [InlineData("show Default_Transaction_Isolation")]
    [InlineData("show standard_conforming_strings")]
    [InlineData("begin")]
    [InlineData("RELOAD now")]
    [InlineData("SUSPEND now")]
    [InlineData("show verylongname\t;")]
    [InlineData("pause APP")]
    [InlineData("SET LOG_CONNECTIONS=1")]
    [InlineData("SET server_lifetime = 1.5")]
    [InlineData("show stats totals")]
    public Task An_answer_is_the_same_message_for_message(string query) => Reference.SameAsync(async program =>
    {
        await using var pooler = await StartAsync(program);
        var reply = await pooler.ConsoleAsync(query);
        return string.Join(' ',
            reply.Messages.Select(static message => $"{message.Type}{Convert.ToHexString(SHA256.HashData(message.Body))}"));
    });

    [PoolerTheory(Since = "1.25")]
    [InlineData("trust")]
    [InlineData("md5")]
    [InlineData("scram-sha-256")]
    public async Task The_same_system_user_needs_no_password_over_the_Unix_socket(string method)
    {
        await using var pooler = await Pooler.StartAsync(1, file => file["auth_type"] = method);
        var (exit, text) =
            await Child.RunAsync(Machine.Program("psql"),
            ["-X", "-w", "-tA", "-h", pooler.Folder, "-p", $"{pooler.Port}", "-U", "pgbouncer", "-c", "show version",
            "pgbouncer"]);
        Assert.Equal((0, "PgBouncer " + Binary.Version), (exit, text.Trim()));
    }

    [PoolerFact(Since = "1.23")]
    public async Task The_console_answers_during_a_shutdown_over_the_Unix_socket()
    {
        await using var pooler = await Pooler.StartAsync(1);
        await using var client = await pooler.RawAsync();
        await pooler.ConsoleAsync("SHUTDOWN WAIT_FOR_CLIENTS");
        var (exit, text) =
            await Child.RunAsync(Machine.Program("psql"),
            ["-X", "-w", "-tA", "-h", pooler.Folder, "-p", $"{pooler.Port}", "-U", "pgbouncer", "-c", "show version",
            "pgbouncer"]);
        Assert.Equal((0, "PgBouncer " + Binary.Version), (exit, text.Trim()));
    }

    [PoolerFact(FastPoolOnly = "leaves the session hanging")]
    public async Task A_cancel_request_ends_a_PAUSE_that_waits_and_resumes()
    {
        await using var pooler = await Pooler.StartAsync(2);
        await using var busy = await pooler.RawAsync();
        await busy.QueryAsync("begin");
        await using var console = await RawClient.LoginAsync(pooler.Port, "admin", "pgbouncer");
        var pausing = console.QueryAsync("PAUSE");
        await Until.TrueAsync(async () => (await pooler.ConsoleAsync("SHOW STATE")).Rows[1][1] == "yes", "paused");
        await using (var cancel = await RawClient.ConnectAsync(pooler.Port))
        {
            await cancel.SendAsync(Wire.Untyped(Wire.CancelRequest, console.CancelKey));
            Assert.Null(await cancel.ReadAsync());
        }
        Assert.Equal("ERROR/08P01 PAUSE canceled", (await Until.DoneAsync(pausing, "an answer")).ErrorText);
        Assert.Equal("yes", (await pooler.ConsoleAsync("SHOW STATE")).Rows[0][1]);
    }

    private static Task<Pooler> StartAsync(string program) => Pooler.StartAsync(1, file =>
    {
        file.Program = program;
        file.Own["show_as"] = "1.25"; // The texts of the reference.
    });

    private static async Task<string> CheckAsync(Pooler pooler, string action, params string[] more)
    {
        var (_, text) =
            await Checkout.RunAsync(Checkout.Tool("check_postgres"),
            [$"--action={action}", "--host=127.0.0.1", $"--port={pooler.Port.ToString(CultureInfo.InvariantCulture)}",
            "--dbuser=stats", "--dbname=pgbouncer", .. more]);
        return text;
    }

    private static async Task<string> PsqlAsync(Pooler pooler, string query)
    {
        var (exit, text) =
            await Child.RunAsync(Machine.Program("psql"),
            ["-X", "-w", "-tA", "-h", "127.0.0.1", "-p", $"{pooler.Port}", "-U", "admin", "-c", query, "pgbouncer"]);
        Assert.True(exit == 0, text);
        return text.Trim();
    }

    private static async Task<string> RawPsqlAsync(Pooler pooler, params string[] commands)
    {
        var (_, text) =
            await Child.RunAsync(Machine.Program("psql"),
            ["-X", "-w", "-h", "127.0.0.1", "-p", $"{pooler.Port}", "-U", "admin",
            .. commands.SelectMany(static command => new[] { "-c", command }), "pgbouncer"]);
        return text;
    }
}
