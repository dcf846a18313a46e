namespace FastPool.Compat.Pooling;

/// <summary>
/// Session parameters belong to the client, though servers are shared; and what a client reads when it is let in.
/// </summary>
public class ParameterTests
{
    [PoolerTheory, Loops]
    public async Task Each_client_keeps_its_parameters_over_one_shared_server(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["default_pool_size"] = "1");
        await using var one = await RawClient.LoginAsync(
            pooler.Port, "user_trust", Postgres.Database, ("application_name", "it's one"), ("DateStyle", "German"),
                ("TimeZone", "Asia/Tokyo"), ("client_encoding", "LATIN1"));
        await using var two =
            await RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database, ("application_name", "two"));
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(["it's one", "German", "Asia/Tokyo", "LATIN1"], await SettingsAsync(one));
            Assert.Equal(["two", "ISO", "UTC", "UTF8"], await SettingsAsync(two));
        }

        Assert.Equal("", (await two.QueryAsync("set application_name = 'renamed'")).ErrorText);
        Assert.Equal(["it's one", "German", "Asia/Tokyo", "LATIN1"], await SettingsAsync(one));
        Assert.Equal(["renamed", "ISO", "UTC", "UTF8"], await SettingsAsync(two));
        Assert.Equal("renamed", two.Parameters["application_name"]);
    }

    [PoolerTheory, Loops]
    public async Task The_welcome_carries_the_servers_parameters_and_the_clients_own(int loops)
    {
        var version = await (await Postgres.SharedAsync()).ScalarAsync<string>("select current_setting('server_version')");
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client =
            await RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database, ("application_name", "me"),
            ("timezone", "Europe/Paris"));
        Assert.Equal(version, client.Parameters["server_version"]);
        Assert.Equal("UTF8", client.Parameters["server_encoding"]);
        Assert.Equal("on", client.Parameters["integer_datetimes"]);
        Assert.Equal("me", client.Parameters["application_name"]);
        Assert.Equal("Europe/Paris", client.Parameters["TimeZone"]);
        Assert.Equal(8, client.CancelKey.Length);
    }

    [PoolerTheory(Since = "1.20"), Loops]
    public async Task Tracked_parameters_come_last_in_the_welcome_and_in_a_fixed_order(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        Assert.Equal(
            ["DateStyle", "client_encoding", "TimeZone", "standard_conforming_strings", "application_name", "IntervalStyle"],
            client.ParameterOrder.Where(static name => name is not ("search_path" or "default_transaction_read_only"
                or "scram_iterations")).TakeLast(6)); // These three come behind them, where PostgreSQL reports them.
        Assert.Equal(0, client.CancelKey[0] & 0x80); // Drivers print the first half as a pid: never negative.
    }

    [PoolerTheory, Loops]
    public async Task An_unknown_startup_parameter_is_refused_unless_it_is_to_be_ignored(int loops)
    {
        await using var pooler =
            await Pooler.StartAsync(loops, f => f["ignore_startup_parameters"] = "extra_float_digits, search_path");
        await using var fine =
            await RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database, ("extra_float_digits", "2"),
            ("search_path", "x"));
        await using var refused = await RawClient.ConnectAsync(pooler.Port);
        await refused.SendAsync(
            Wire.Startup(("user", "user_trust"), ("database", Postgres.Database), ("statement_timeout", "5")));
        Assert.Equal("FATAL/08P01 unsupported startup parameter: statement_timeout", (await refused.ReplyAsync()).ErrorText);
        await pooler.LineAsync("unsupported startup parameter: statement_timeout=5");
    }

    [PoolerTheory(Since = "1.20"), Loops]
    public async Task Startup_options_set_tracked_parameters_and_refuse_others(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await RawClient.LoginAsync(
            pooler.Port, "user_trust", Postgres.Database, ("options", "-c timezone=Asia/Tokyo -c application_name=by\\ options"));
        Assert.Equal(["by options", "ISO", "Asia/Tokyo", "UTF8"], await SettingsAsync(client));
        await using var refused = await RawClient.ConnectAsync(pooler.Port);
        await refused.SendAsync(
            Wire.Startup(("user", "user_trust"), ("database", Postgres.Database), ("options", "-c work_mem=1")));
        Assert.Equal("FATAL/08P01 unsupported startup parameter in options: work_mem", (await refused.ReplyAsync()).ErrorText);
    }

    [PoolerTheory(FastPoolOnly = "skips values longer than about 126 bytes"), Loops]
    public async Task A_long_value_is_carried_over_too(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["default_pool_size"] = "1");
        await using var one =
            await RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database, ("application_name", new string('n', 200)));
        await using var two =
            await RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database, ("application_name", "two"));
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal("two", (await SettingsAsync(two))[0]);
            Assert.Equal(new string('n', 63), (await SettingsAsync(one))[0]); // PostgreSQL keeps 63 bytes of it.
        }
    }

    /// <summary>PostgreSQL reports it from version 18 on. PgBouncer 1.26 mixes it up before.</summary>
    [PoolerTheory(FastPoolOnly = "does not track it, or mixes it up"), Loops]
    public async Task Each_client_has_the_search_path_of_its_login_on_every_version(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, static f =>
        {
            f["default_pool_size"] = "1";
            f["max_prepared_statements"] = "10";
        });
        await using var admin = await RawClient.LoginAsync((await Postgres.SharedAsync()).Port, "postgres", Postgres.Database);
        foreach (var schema in (string[])["s1", "S two"])
        {
            await admin.QueryAsync($"create schema \"{schema}\"; create table \"{schema}\".whose as select '{schema}' as name;"
                + $"grant usage on schema \"{schema}\" to public; grant select on \"{schema}\".whose to public");
        }
        await using var none = await pooler.RawAsync();
        await using var one = await LoginAsync(pooler, ("search_path", "s1"));
        await using var two = await LoginAsync(pooler, ("options", "-c search_path=\"S\\ two\",public"));
        for (var turn = 0; turn < 3; turn++)
        {
            foreach (var (client, schema) in new[] { (one, "s1"), (two, "S two") })
            {
                Assert.Equal(schema, (await client.QueryAsync("select name from whose")).Rows[0][0]);
                var parse = turn == 0 ? Wire.Parse("k", "select name from whose") : [];
                await client.SendAsync([.. parse, .. Wire.Bind("", "k"), .. Wire.Execute(), .. Wire.Sync]);
                Assert.Equal(schema, (await client.ReplyAsync()).Rows[0][0]);
            }
            Assert.Equal("\"$user\", public", (await none.QueryAsync("show search_path")).Rows[0][0]);
            await one.QueryAsync("set search_path = \"S two\""); // It does not stay with the others.
        }
        Assert.False(one.Parameters.ContainsKey("search_path") && (await VersionAsync(admin)) < 18);
    }

    private static Task<RawClient> LoginAsync(Pooler pooler, params (string Name, string Value)[] parameters) =>
        RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database, parameters);

    private static async Task<int> VersionAsync(RawClient client) =>
        int.Parse((await client.QueryAsync("show server_version_num")).Rows[0][0]!,
            System.Globalization.CultureInfo.InvariantCulture) / 10_000;

    [PoolerTheory(FastPoolOnly = "does not track it before 1.26"), Loops]
    public async Task Values_that_PostgreSQL_reports_follow_their_client(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["default_pool_size"] = "1");
        await using var one = await LoginAsync(pooler, ("default_transaction_read_only", "on"), ("client_encoding", "utf-8"));
        await using var two = await LoginAsync(pooler, ("intervalstyle", "iso_8601"));
        Assert.Equal("UTF8", one.Parameters["client_encoding"]);
        for (var turn = 0; turn < 2; turn++)
        {
            Assert.Equal("on", (await one.QueryAsync("show default_transaction_read_only")).Rows[0][0]);
            Assert.Equal("off", (await two.QueryAsync("show default_transaction_read_only")).Rows[0][0]);
            Assert.Equal("iso_8601", (await two.QueryAsync("show intervalstyle")).Rows[0][0]);
            Assert.Equal("postgres", (await one.QueryAsync("show intervalstyle")).Rows[0][0]);
        }
        await two.QueryAsync("begin; set intervalstyle = 'sql_standard'; savepoint s; set intervalstyle = 'postgres_verbose'");
        await two.QueryAsync("rollback to s; commit");
        Assert.Equal("postgres", (await one.QueryAsync("show intervalstyle")).Rows[0][0]);
        Assert.Equal("sql_standard", (await two.QueryAsync("show intervalstyle")).Rows[0][0]);
        await two.QueryAsync("begin; select set_config('intervalstyle', 'iso_8601', false); rollback");
        Assert.Equal("postgres", (await one.QueryAsync("show intervalstyle")).Rows[0][0]);
        Assert.Equal("sql_standard", (await two.QueryAsync("show intervalstyle")).Rows[0][0]);
    }

    /// <summary>On a connection of its own, RESET goes back to what the login gave; so it does here.</summary>
    [PoolerTheory(FastPoolOnly = "falls back to the server's own"), InlineData("transaction"), InlineData("session")]
    public async Task Values_of_the_login_outlive_RESET_and_DISCARD_ALL(string mode)
    {
        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            f["default_pool_size"] = "1";
            f["pool_mode"] = mode;
        });
        (string, string)[] login =
        [
            ("TimeZone", "Asia/Tokyo"), ("DateStyle", "German, DMY"), ("application_name", "it's me"),
            ("search_path", "\"S two\", pg_catalog, public"),
        ];
        await using var direct =
            await RawClient.LoginAsync((await Postgres.SharedAsync()).Port, "user_trust", Postgres.Database, login);
        await using var pooled = await LoginAsync(pooler, login);
        var isOtherPath = false;
        foreach (
            var text in (string[])["select 1", "DISCARD ALL", "set timezone = 'UTC'; set datestyle = 'SQL'", "reset TimeZone",
            "reset all", "set timezone = 'UTC'", "reset time zone", "set search_path = x", "begin", "reset all", "rollback",
            "discard all;", "begin; select 1/0", "reset all", "rollback"])
        {
            var (expected, actual) = (await direct.QueryAsync(text), await pooled.QueryAsync(text));
            Assert.Equal(expected.ErrorText, actual.ErrorText);
            Assert.Equal(expected.Tags, actual.Tags);
            if (actual.Status == 'E') continue;
            Assert.Equal(await SettingsAsync(direct), await SettingsAsync(pooled));
            isOtherPath = mode == "transaction" && (isOtherPath ? text != "discard all;" : text == "set search_path = x");
            if (!isOtherPath) // It is not reported before PostgreSQL 18, so a SET does not stay.
                Assert.Equal((await direct.QueryAsync("show search_path")).Rows,
                    (await pooled.QueryAsync("show search_path")).Rows);
            foreach (var name in (string[])["TimeZone", "DateStyle", "application_name"])
                Assert.Equal(direct.Parameters[name], pooled.Parameters[name]);
        }
        await pooled.SendAsync([.. Wire.Parse("", "discard all"), .. Wire.Bind("", ""), .. Wire.Execute(), .. Wire.Sync,
            .. Wire.Query("show timezone")]);
        Assert.Equal("12CZ", (await pooled.ReplyAsync()).Types.Replace("S", "", StringComparison.Ordinal));
        Assert.Equal("Asia/Tokyo", (await pooled.ReplyAsync()).Rows[0][0]);
    }

    [PoolerTheory(FastPoolOnly = "says its own behind it"), Loops]
    public async Task After_a_FATAL_of_the_server_s_own_the_client_hears_no_second_one(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        var reply = await client.QueryAsync("select pg_terminate_backend(pg_backend_pid())");
        Assert.Equal("FATAL/57P01 terminating connection due to administrator command", reply.ErrorText);
        Assert.Equal(1, reply.Types.Count(static type => type == 'E'));
    }

    [PoolerTheory, Loops]
    public async Task An_impossible_value_ends_that_client_only(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["default_pool_size"] = "1");
        await using var client =
            await RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database, ("TimeZone", "No/Where"));
        await using var other = await pooler.RawAsync();
        Assert.Equal("FATAL/08P01 invalid server parameter", (await client.QueryAsync("select 1")).ErrorText);
        Assert.Equal("1", (await other.QueryAsync("select 1")).Rows[0][0]);
    }

    private static async Task<string[]> SettingsAsync(RawClient client)
    {
        var reply = await client.QueryAsync(
            "select current_setting('application_name'), split_part(current_setting('DateStyle'), ',', 1), current_setting('TimeZone'), current_setting('client_encoding')");
        Assert.Equal("", reply.ErrorText);
        return reply.Rows[0]!;
    }
}
