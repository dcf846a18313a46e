using System.Globalization;
using System.Text;

namespace FastPool.Compat.Pooling;

/// <summary>session_state = keep: in transaction pooling a client sees what a connection of its own would show.</summary>
public class SessionStateTests
{
    private const string FastPoolOnly = "in transaction pooling it works with somebody else's session";

    private static readonly Lazy<Task<Postgres>> Prepared = new(PrepareAsync);

    private static async Task<Postgres> PrepareAsync()
    {
        var server = await Postgres.SharedAsync();
        await using var admin = await server.ConnectAsync(Postgres.Database);
        await admin.ScalarAsync("""
            create schema state_1; create schema state_2;
            create table state_1.t as select 'one' as v; create table state_2.t as select 2 as v, 'two' as w;
            create role state_role; create role state_other;
            grant state_role, state_other to user_trust;
            grant usage on schema state_1, state_2 to public; grant select on all tables in schema state_1, state_2 to public;
            create function public.state_set(text) returns text language sql as
                'select set_config(''work_mem'', $1, false) || set_config(''state.hidden'', $1, false)';
            select 1
            """);
        return server;
    }

    private static async Task<Pooler> StartAsync(int loops, int poolSize, int pinned = 0, string mode = "keep")
    {
        var server = await Prepared.Value;
        return await Pooler.StartAsync(server.Port, loops, file =>
        {
            file["default_pool_size"] = poolSize.ToString(CultureInfo.InvariantCulture);
            file["max_prepared_statements"] = "20";
            file.Own["session_state"] = mode;
            file.Own["pinned_servers_max"] = pinned.ToString(CultureInfo.InvariantCulture);
        });
    }

    private static Task<RawClient> LoginAsync(int port) => RawClient.LoginAsync(port, "user_trust", Postgres.Database);

    private static async Task<string> FirstAsync(RawClient client, string sql)
    {
        var reply = await client.QueryAsync(sql);
        Assert.Equal("", reply.ErrorText);
        return reply.Rows[0][0] ?? "(null)";
    }

    // ---- a script, played by the pooler's client and on a connection of its own ----------------------------------------

    /// <param name="Sql">Simple queries; # stands for the side that plays.</param>
    private sealed record Step(params string[] Sql);

    private static readonly Step[] Travelling =
    [
        new("set statement_timeout = '{n}s'"), new("show statement_timeout"), new("reset statement_timeout"),
        new("set work_mem = '{n}MB'"), new("show work_mem"), new("begin", "set work_mem = '9{n}MB'", "rollback"),
        new("begin", "set local work_mem = '7{n}MB'", "show work_mem", "commit"),
        new("begin", "savepoint a", "set work_mem = '8{n}MB'", "rollback to a", "show work_mem", "commit"),
        new("set local work_mem = '6{n}MB'"), new("begin", "set work_mem = '5{n}MB'", "commit", "show work_mem"),
        new("set search_path = state_1"), new("set search_path to state_2, public"), new("select * from t"),
        new("show search_path"),
        new("select * from t", "set search_path = state_1", "select * from t", "set search_path = state_2", "select * from t"),
        new("reset search_path"), new("select set_config('app.tenant', 'tenant {n} ''\\', false)"),
        new("select coalesce(current_setting('app.tenant', true), '')"), new("set app.tenant = 'ä{n}'"), new("reset app.tenant"),
        new("set \"App\".\"Other\" to {n}"), new("select coalesce(current_setting('app.other', true), '')"),
        new("begin", "select set_config('app.tenant', 'local', true)", "select current_setting('app.tenant')", "commit"),
        new("set role state_role"), new("select current_user, session_user"), new("set role none"), new("set role state_other"),
        new("reset role"), new("select current_setting('role')"), new("reset all"), new("discard all"), new("discard plans"),
        new("set work_mem to default"), new("set session statement_timeout = default"), new("set app.tenant to default"),
        new("set time zone default"), new("show statement_timeout"), new("show enable_seqscan"), new("show client_min_messages"),
        new("prepare p1 as select 'p1 {n}'"), new("execute p1"), new("prepare p2(int) as select $1 + {n}"), new("execute p2(4)"),
        new("deallocate p1"), new("deallocate all"), new("deallocate p2"),
        new("select name, statement from pg_prepared_statements where from_sql order by 1"),
        new("prepare p1 as select v from t"), new("set timezone = 'Asia/Tokyo'"), new("show timezone"),
        new("set datestyle = german"),
        new("select date '2026-11-28'"), new("reset datestyle"), new("select 1/0"), new("selec 1"),
        new("set work_mem = 'nonsense'"), new("set work_mem = '3MB'; select 1/0"), new("set work_mem = '4MB'; select 1"),
        new("do $$ begin perform set_config('app.tenant', 'done {n}', false); end $$"), new("set client_min_messages = warning"),
        new("set default_transaction_isolation = serializable"), new("show transaction_isolation"),
        new("set bytea_output = 'escape'"), new("set standard_conforming_strings = off"),
        new("select 1; reset all"), new("/* pool */ reset work_mem; close all"),
        new("reset work_mem; set work_mem = '{n}MB'"), new("reset timezone; select 1/0"),
        new("select '\\x41'::bytea"), new("set enable_seqscan = off; set enable_seqscan = on"),
        new("set session statement_timeout = {n}000"),
        new("set time zone interval '+02:00' hour to minute"), new("set lock_timeout = {n}000"), new("show lock_timeout"),
        new("set extra_float_digits = 0"), new("show extra_float_digits"), new("select 0.1::float8 + 0.2::float8"),
        new("set transaction read only"), new("set session characteristics as transaction read only"),
        new("show transaction_read_only"),
        new("set session characteristics as transaction read write"),
        new("select setting from pg_settings where name = 'work_mem'"),
    ];

    private static readonly Step[] Pinning =
    [
        new("create temp table mine(v int)"), new("insert into mine values ({n})"), new("select * from mine order by 1"),
        new("drop table mine"), new("discard temp"), new("select {n} as v into temp mine"),
        new("create temporary view seen as select {n}"),
        new("select pg_try_advisory_lock({lock})"), new("select pg_advisory_unlock({lock})"),
        new("select pg_advisory_unlock_all()"),
        new("declare c cursor with hold for select g from generate_series({n}, 9) g"), new("fetch 2 from c"),
        new("close c"), new("close all"),
        new("listen ch_#{id}"), new("notify ch_#{id}, 'hello {n}'"), new("unlisten *"),
        new("select count(*) from pg_listening_channels()"), new("begin", "declare d cursor for select 1", "fetch d", "commit"),
        new("set fastpool.pin = on"), new("set fastpool.pin = off"),
    ];

    private static readonly Step[] Hidden =
        [new("select public.state_set('1{n}MB')"), new("show work_mem"), new("reset work_mem"), new("select 1")];

    /// <summary>Startup parameters: every second client gives some.</summary>
    private static readonly (string Name, string Value)[][] AtLogin =
    [
        [], [("options", "-c statement_timeout=70s -c app.tenant=from\\ login")], [],
        [("work_mem", "11MB"), ("extra_float_digits", "1"), ("TimeZone", "Asia/Kabul")], [],
        [("options", "--enable_seqscan=off -c role=state_role"), ("client_min_messages", "warning")],
        [("work_mem", "5MB"), ("search_path", "no-such, $user, public"), ("options", "-c work_mem=7MB")],
    ];

    private static async Task<List<string>> PlayAsync(int port, int seed, IReadOnlyList<string> script, bool isExtended)
    {
        await using var client =
            await RawClient.LoginAsync(port, "user_trust", Postgres.Database, AtLogin[seed % AtLogin.Length]);
        var lines = new List<string>();
        foreach (var sql in script)
        {
            if (isExtended && !sql.Contains(';', StringComparison.Ordinal))
                await client.SendAsync([.. Wire.Parse("", sql), .. Wire.Bind("", ""), .. Wire.Execute(), .. Wire.Sync]);
            else
                await client.SendAsync(Wire.Query(sql));
            lines.Add(sql);
            lines.Add(Normal(await client.ReplyAsync()));
        }
        return lines;
    }

    /// <summary>Nothing of what differs by nature.</summary>
    private static string Normal(Reply reply)
    {
        var text = new StringBuilder();
        foreach (var message in reply.Messages)
        {
            if (message.Type is 'S') continue;
            text.Append(message.Type);
            if (message.Type is 'E' or 'N') text.Append($" {message.Field('C')} {message.Field('M')} ");
            else if (message.Type == 'C') text.Append($"({Encoding.UTF8.GetString(message.Body).TrimEnd('\0')})");
        }
        foreach (var row in reply.Rows) text.Append(" | ").Append(string.Join(',', row.Select(static value => value ?? "NULL")));
        return text.ToString();
    }

    private static IReadOnlyList<string> ScriptOf(int seed, char side, params Step[][] kinds)
    {
        var random = new Random(seed);
        var script = new List<string>();
        var length = random.Next(4, 14);
        for (var i = 0; i < length; i++)
        {
            var steps = kinds[random.Next(kinds.Length)];
            var n = random.Next(1, 9).ToString(CultureInfo.InvariantCulture);
            foreach (var sql in steps[random.Next(steps.Length)].Sql)
            {
                var ownLock = (seed * 2 + (side == 'p' ? 1 : 0)).ToString(CultureInfo.InvariantCulture);
                script.Add(sql.Replace("{n}", n, StringComparison.Ordinal)
                    .Replace("{lock}", ownLock, StringComparison.Ordinal)
                    .Replace("#{id}", $"{side}{seed}", StringComparison.Ordinal));
            }
        }
        return script;
    }

    private static async Task CompareAsync(Pooler pooler, int clients, params Step[][] kinds)
    {
        var server = await Prepared.Value;
        var count = int.Parse(Environment.GetEnvironmentVariable("FASTPOOL_SCRIPTS") ?? "300", CultureInfo.InvariantCulture);
        var first = int.Parse(Environment.GetEnvironmentVariable("FASTPOOL_FIRST_SEED") ?? "1", CultureInfo.InvariantCulture);
        var next = first - 1;
        await Task.WhenAll(Enumerable.Range(0, clients).Select(async _ =>
        {
            while (Interlocked.Increment(ref next) is var seed && seed < first + count)
            {
                var isExtended = seed % 3 == 0;
                var direct = await PlayAsync(server.Port, seed, ScriptOf(seed, 'd', kinds), isExtended);
                var pooled = await PlayAsync(pooler.Port, seed, ScriptOf(seed, 'p', kinds), isExtended);
                for (var i = 0; i < direct.Count; i += 2) (direct[i], pooled[i]) = ("", "");
                if (direct.SequenceEqual(pooled)) continue;
                var script = ScriptOf(seed, 'p', kinds);
                var at = Enumerable.Range(0, direct.Count).First(i => direct[i] != pooled[i]) / 2;
                Assert.Fail($"Seed {seed}, step {at} of: {string.Join("; ", script.Take(at + 1))}\n"
                    + $"direct: {direct[at * 2 + 1]}\npooled: {pooled[at * 2 + 1]}");
            }
        }));
        Assert.Equal("0", (await pooler.ConsoleAsync("show fastpool")).Rows.First(static row => row[0] == "pinned_servers")[1]);
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task Twenty_clients_on_three_servers_see_what_own_connections_show(int loops)
    {
        await using var pooler = await StartAsync(loops, poolSize: 3);
        await CompareAsync(pooler, clients: 20, Travelling);
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task Clients_with_what_cannot_travel_see_what_own_connections_show(int loops)
    {
        await using var pooler = await StartAsync(loops, poolSize: 8, pinned: 8);
        await CompareAsync(pooler, clients: 8, Travelling, Pinning);
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task Always_asks_after_functions_too(int loops)
    {
        await using var pooler = await StartAsync(loops, poolSize: 2, mode: "always");
        await CompareAsync(pooler, clients: 6, Hidden);
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task Statements_prepared_by_SQL_mean_what_they_meant_whatever_has_been_set_since(int loops)
    {
        string[] script =
        [
            "set search_path = state_1", "prepare p1 as select v from t", "reset all", "execute p1", "set search_path = state_1",
            "execute p1", "set search_path = state_2", "execute p1", "deallocate p1", "set datestyle = 'sql, dmy'",
            "prepare p2 as select date '01/02/2026' - date '2026-01-01'", "set datestyle = 'sql, mdy'", "execute p2",
            "set standard_conforming_strings = off", "prepare p3 as select 'a\\'b'", "reset standard_conforming_strings",
            "execute p3",
            "set role state_role", "prepare p4 as select current_user, count(*) from state_1.t", "reset role", "execute p4",
            "select name, statement from pg_prepared_statements where from_sql order by 1",
        ];
        var server = await Prepared.Value;
        await using var pooler = await StartAsync(loops, poolSize: 1);
        await using var direct = await LoginAsync(server.Port);
        await using var pooled = await LoginAsync(pooler.Port);
        await using var other = await LoginAsync(pooler.Port);
        foreach (var sql in script)
        {
            Assert.Equal($"{sql}: {Normal(await direct.QueryAsync(sql))}", $"{sql}: {Normal(await pooled.QueryAsync(sql))}");
            Assert.Equal("0", await FirstAsync(other, "select count(*) from pg_prepared_statements where from_sql"));
        }
    }

    /// <summary>PostgreSQL lists it among no settings.</summary>
    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task The_role_of_a_login_comes_back_however_it_is_reset(int loops)
    {
        string[] resets =
        [
            "reset role", "select 1; reset role", "reset all", "/* x */ discard all", "discard all",
            "reset session authorization",
            "set role none; reset role", "begin; reset role; rollback", "select 1; set role default",
        ];
        var server = await Prepared.Value;
        await using var pooler = await StartAsync(loops, poolSize: 1);
        foreach (var reset in resets)
        {
            foreach (var isExtended in new[] { false, true })
            {
                await using var direct = await RawClient.LoginAsync(server.Port, "user_trust", Postgres.Database, WithRole);
                await using var pooled = await RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database, WithRole);
                foreach (var sql in new[] { "set role user_trust", reset, "select current_user, session_user" })
                {
                    var request = isExtended && !sql.Contains(';', StringComparison.Ordinal)
                        ? [.. Wire.Parse("", sql), .. Wire.Bind("", ""), .. Wire.Execute(), .. Wire.Sync]
                        : Wire.Query(sql);
                    await direct.SendAsync(request);
                    await pooled.SendAsync(request);
                    Assert.Equal($"{reset}, {sql}: {Normal(await direct.ReplyAsync())}",
                        $"{reset}, {sql}: {Normal(await pooled.ReplyAsync())}");
                }
            }
        }
    }

    private static readonly (string Name, string Value)[] WithRole = [("options", "-c role=state_role -c app.tenant=x")];

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task A_prepared_statement_whose_table_is_gone_is_missed_only_where_it_is_executed(int loops)
    {
        var server = await Prepared.Value;
        var table = "gone_" + loops.ToString(CultureInfo.InvariantCulture);
        await using var admin = await server.ConnectAsync(Postgres.Database);
        await admin.ScalarAsync($"create table {table} as select 1 as v; grant select on {table} to public; select 1");
        await using var pooler = await StartAsync(loops, poolSize: 1);
        await using var one = await LoginAsync(pooler.Port);
        await using var two = await LoginAsync(pooler.Port);
        await one.QueryAsync("prepare kept as select 'kept'");
        await one.QueryAsync($"prepare p as select v from {table}");
        Assert.Equal("0", await FirstAsync(two, "select count(*) from pg_prepared_statements where from_sql"));
        await admin.ScalarAsync($"drop table {table}; select 1");
        Assert.Equal("kept", await FirstAsync(one, "execute kept"));
        Assert.Equal("0", await FirstAsync(two, "select count(*) from pg_prepared_statements where from_sql"));
        Assert.Equal("ERROR/26000 prepared statement \"p\" does not exist", (await one.QueryAsync("execute p")).ErrorText);
        await one.QueryAsync("prepare p as select 'again'");
        Assert.Equal("0", await FirstAsync(two, "select count(*) from pg_prepared_statements where from_sql"));
        Assert.Equal("again", await FirstAsync(one, "execute p"));
        Assert.Equal("kept", await FirstAsync(one, "execute kept"));
        Assert.Contains("a prepared statement is lost", pooler.Process.Text, StringComparison.Ordinal);
    }

    // ---- limits, ends, takeovers ---------------------------------------------------------------------------------------

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task More_pinned_servers_than_allowed_are_an_error_that_says_why(int loops)
    {
        await using var pooler = await StartAsync(loops, poolSize: 4, pinned: 1);
        await using var one = await LoginAsync(pooler.Port);
        await one.QueryAsync("create temp table one(v int)");
        Assert.Equal("0", await FirstAsync(one, "select count(*) from one"));
        await using var two = await LoginAsync(pooler.Port);
        await two.QueryAsync("create temp table two(v int)");
        var refused = await two.QueryAsync("select 1");
        Assert.Equal("FATAL/08P01 too many pinned servers (temporary table)", refused.ErrorText);
        await one.QueryAsync("drop table one");
        await one.QueryAsync("select 1");
        await using var three = await LoginAsync(pooler.Port);
        await three.QueryAsync("create temp table three(v int)");
        Assert.Equal("0", await FirstAsync(three, "select count(*) from three"));
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task The_console_tells_who_keeps_a_server_and_that_others_wait_for_it(int loops)
    {
        await using var pooler = await StartAsync(loops, poolSize: 1, pinned: 1);
        await using var one = await LoginAsync(pooler.Port);
        await using var two = await LoginAsync(pooler.Port);
        await one.QueryAsync("create temp table one(v int)");
        await one.QueryAsync("select 1");
        var waiting = two.QueryAsync("select 1");
        await Until.TrueAsync(async () =>
            (await pooler.ConsoleAsync("SHOW WAITING")).Rows is [[.., "servers pinned"]], "two waits");
        Assert.Equal([("pinned: temporary table", "1")],
            (await pooler.ConsoleAsync("SHOW SAFETY")).Rows.Select(static row => (row[3]!, row[4]!)));
        await one.QueryAsync("drop table one");
        await waiting;
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task Off_warns_a_client_once_and_says_what_would_mend_it(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, file => file.Own["session_warning"] = "notice");
        await using var connection = await pooler.ConnectAsync();
        var notices = new List<string>();
        connection.Notice += (_, e) => notices.Add($"{e.Notice.Severity}: {e.Notice.MessageText} ({e.Notice.Detail})");
        await connection.ScalarAsync("set work_mem = '8MB'");
        const string Warning =
            "SET outside a transaction does not work in transaction pooling (session_state = keep carries it along)";
        Assert.Equal(["NOTICE: " + Warning], notices);
        await connection.ScalarAsync("listen somewhere");
        Assert.Equal(1, await connection.ScalarAsync("select 1"));
        Assert.Single(notices);
        await Until.TrueAsync(() => pooler.Process.Text.Contains(Warning, StringComparison.Ordinal), "the log has it");
        Assert.Single(pooler.Process.Text.Split('\n'), static line => line.Contains(" WARNING C-") && line.EndsWith(Warning));
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task Whoever_leaves_leaves_nothing(int loops)
    {
        await using var pooler = await StartAsync(loops, poolSize: 1, pinned: 1);
        for (var i = 0; i < 5; i++)
        {
            await using (var gone = await LoginAsync(pooler.Port))
            {
                // The farewell comes right behind, before anybody could ask.
                await gone.SendAsync([.. Wire.Query("create temp table mine(v int); set work_mem = '77MB'"), .. Wire.Terminate]);
                while (await gone.ReadAsync() is not null) { }
            }
            await using var next = await LoginAsync(pooler.Port);
            Assert.NotEqual("77MB", await FirstAsync(next, "show work_mem"));
            Assert.Equal("0", await FirstAsync(next, "select count(*) from pg_class where relnamespace = pg_my_temp_schema()"));
        }
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task Large_and_odd_states_are_right_and_disturb_nobody(int loops)
    {
        await using var pooler = await StartAsync(loops, poolSize: 2, pinned: 1);
        await using var one = await LoginAsync(pooler.Port);
        await using var two = await LoginAsync(pooler.Port);
        await using var three = await LoginAsync(pooler.Port);
        var path = string.Join(", ", Enumerable.Range(0, 4000).Select(static i => $"\"a {i} \"\"\\é\""));
        Assert.InRange(Encoding.UTF8.GetByteCount(path), 60_000, 80_000);
        await one.QueryAsync("set search_path = " + path);
        await two.QueryAsync("set app.odd = 'it''s \\ \" $1 {n}\n\t☃ --'");
        for (var round = 0; round < 5; round++)
        {
            Assert.Equal(path, await FirstAsync(one, "show search_path"));
            Assert.Equal("it's \\ \" $1 {n}\n\t☃ --", await FirstAsync(two, "show app.odd"));
            Assert.Equal("\"$user\", public", await FirstAsync(three, "show search_path"));
            Assert.Equal("", await FirstAsync(three, "select coalesce(current_setting('app.odd', true), '')"));
        }
        await one.QueryAsync("reset search_path");
        // More than can travel: it keeps a server, and the other one serves everybody else.
        await one.QueryAsync($"set app.big = '{new string('x', 1_000_000)}'");
        for (var round = 0; round < 5; round++)
        {
            Assert.Equal("1000000", await FirstAsync(one, "select length(current_setting('app.big'))"));
            Assert.Equal("", await FirstAsync(three, "select coalesce(current_setting('app.big', true), '')"));
            Assert.Equal("1", await FirstAsync(two, "select 1"));
        }
        await one.QueryAsync("reset app.big");
        await Until.TrueAsync(async () => (await pooler.ConsoleAsync("SHOW FASTPOOL")).Rows
            .Any(static row => row is ["pinned_servers", "0"]), "the state is small again");
        // Two of them in one text, of which the second name is not seen: the server stays with the client to its end.
        await one.QueryAsync($"set app.big = '{new string('x', 100_000)}'; set app.behind = 'b'");
        Assert.Equal("b", await FirstAsync(one, "select current_setting('app.behind')"));
        for (var round = 0; round < 5; round++)
            Assert.Equal("", await FirstAsync(three, "select coalesce(current_setting('app.behind', true), '')"));
        one.Reset();
        await Until.TrueAsync(async () => (await pooler.ConsoleAsync("SHOW FASTPOOL")).Rows
            .Any(static row => row is ["pinned_servers", "0"]), "the server is free again");
        for (var round = 0; round < 5; round++)
            Assert.Equal("", await FirstAsync(three, "select coalesce(current_setting('app.behind', true), '')"));
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task Parameters_that_PostgreSQL_takes_at_a_login_are_taken_and_outlive_a_takeover(int loops)
    {
        await using var pooler = await StartAsync(loops, poolSize: 1);
        await using var client = await RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database,
            ("statement_timeout", "71s"), ("options", "-c app.tenant=a\\\\b'c -c lock_timeout=5"), ("lc_messages", "C"));
        await using var other = await LoginAsync(pooler.Port);
        for (var round = 0; round < 2; round++)
        {
            Assert.Equal("71s", await FirstAsync(client, "show statement_timeout"));
            Assert.Equal("0", await FirstAsync(other, "show statement_timeout"));
            Assert.Equal("", await FirstAsync(other, "select coalesce(current_setting('app.tenant', true), '')"));
            Assert.Equal("a\\b'c", await FirstAsync(client, "select current_setting('app.tenant')"));
            await client.QueryAsync("set app.tenant = 'other'");
            await client.QueryAsync("set lock_timeout = 9");
            Assert.Equal("9ms", await FirstAsync(client, "show lock_timeout"));
            if (round == 0) await pooler.TakeOverAsync();
            await client.QueryAsync(round == 0 ? "discard all" : "reset all");
            Assert.Equal("5ms", await FirstAsync(client, "show lock_timeout"));
        }
        await using var wrong = await RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database,
            ("statement_timeout", "long"));
        var refused = await wrong.QueryAsync("select 1");
        Assert.Contains("session state cannot be set: invalid value for parameter \"statement_timeout\": \"long\"",
            refused.ErrorText, StringComparison.Ordinal);
        Assert.Equal("0", await FirstAsync(other, "show statement_timeout"));
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task A_role_that_is_gone_is_that_clients_error(int loops)
    {
        await using var pooler = await StartAsync(loops, poolSize: 1);
        var server = await Prepared.Value;
        await using var admin = await server.ConnectAsync(Postgres.Database);
        await admin.ScalarAsync($"create role state_gone_{loops}; grant state_gone_{loops} to user_trust; select 1");
        await using var client = await LoginAsync(pooler.Port);
        await client.QueryAsync($"set role state_gone_{loops}");
        await using var other = await LoginAsync(pooler.Port);
        Assert.Equal("user_trust", await FirstAsync(other, "select current_user"));
        await admin.ScalarAsync($"revoke state_gone_{loops} from user_trust; drop role state_gone_{loops}; select 1");
        var refused = await client.QueryAsync("select 1");
        Assert.Contains("session state cannot be set: ", refused.ErrorText, StringComparison.Ordinal);
        Assert.Equal("user_trust", await FirstAsync(other, "select current_user"));
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task A_takeover_carries_state_and_pins(int loops)
    {
        await using var pooler = await StartAsync(loops, poolSize: 3, pinned: 2);
        await using var one = await LoginAsync(pooler.Port);
        await using var two = await LoginAsync(pooler.Port);
        await one.QueryAsync("set work_mem = '11MB'; set app.tenant = 'one'");
        await two.QueryAsync("create temp table mine as select 42 as v");
        await using var open = await LoginAsync(pooler.Port);
        await open.QueryAsync("begin; set app.open = 'mine'");
        await pooler.TakeOverAsync();
        await open.QueryAsync("commit"); // In the new process nobody has read of that variable.
        Assert.Equal("42", await FirstAsync(two, "select v from mine"));
        Assert.Equal("1", (await pooler.ConsoleAsync("show fastpool")).Rows.First(static row => row[0] == "pinned_servers")[1]);
        await using var three = await LoginAsync(pooler.Port);
        Assert.Equal("", await FirstAsync(three, "select coalesce(current_setting('app.tenant', true), '')"));
        Assert.Equal("", await FirstAsync(three, "select coalesce(current_setting('app.open', true), '')"));
        Assert.Equal("mine", await FirstAsync(open, "select current_setting('app.open')"));
        Assert.Equal("11MB", await FirstAsync(one, "show work_mem"));
        Assert.Equal("one", await FirstAsync(one, "select current_setting('app.tenant')"));
    }

    /// <summary>As drivers send it: no server is kept for a name that only the Bind tells.</summary>
    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task A_set_config_whose_name_is_bound_travels(int loops)
    {
        await using var pooler = await StartAsync(loops, poolSize: 1, pinned: 1);
        await using var one = await LoginAsync(pooler.Port);
        await using var two = await LoginAsync(pooler.Port);
        foreach (var (client, value) in new[] { (one, "first"), (two, "second") })
        {
            foreach (var name in (string[])["", "s"])
            {
                await client.SendAsync([.. Wire.Parse(name, "select set_config($1, $2, false)"),
                    .. Wire.Bind("", name, "app.bound" + name, value), .. Wire.Execute(), .. Wire.Sync]);
                Assert.Equal("", (await client.ReplyAsync()).ErrorText);
            }
        }
        for (var round = 0; round < 3; round++)
        {
            Assert.Equal("first", await FirstAsync(one, "select current_setting('app.bound')"));
            Assert.Equal("second", await FirstAsync(two, "select current_setting('app.bounds')"));
        }
        Assert.Contains((await pooler.ConsoleAsync("show fastpool")).Rows, static row => row is ["pinned_servers", "0"]);
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task Off_leaves_it_on_the_server_and_a_database_may_choose(int loops)
    {
        var server = await Prepared.Value;
        await using var pooler = await Pooler.StartAsync(server.Port, loops, file =>
        {
            file["default_pool_size"] = "1";
            file.Databases["kept"] = "{server} dbname=app session_state=keep";
        });
        await using var kept = await RawClient.LoginAsync(pooler.Port, "user_trust", "kept");
        await kept.QueryAsync("set work_mem = '11MB'");
        await using var alsoKept = await RawClient.LoginAsync(pooler.Port, "user_trust", "kept");
        Assert.NotEqual("11MB", await FirstAsync(alsoKept, "show work_mem"));
        await using var lost = await LoginAsync(pooler.Port);
        await lost.QueryAsync("set work_mem = '12MB'");
        await using var finds = await LoginAsync(pooler.Port);
        Assert.Equal("12MB", await FirstAsync(finds, "show work_mem"));
    }
}
