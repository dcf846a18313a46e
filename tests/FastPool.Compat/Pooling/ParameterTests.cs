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
            client.ParameterOrder.TakeLast(6));
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
