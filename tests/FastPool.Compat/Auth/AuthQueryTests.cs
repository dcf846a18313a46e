using System.Text;
using Npgsql;

namespace FastPool.Compat.Auth;

/// <summary>
/// auth_query against PostgreSQL: who runs what, whose secret counts, and what a client may not get in between.
/// </summary>
public class AuthQueryTests
{
    private const string NoSuchUser = "FATAL/08P01 no such user"; // PgBouncer says so; it is for nobody to know.
    private static readonly string WrongPassword = $"FATAL/{Binary.State("28P01")} password authentication failed";
    private const string Query = "SELECT rolname, rolpassword FROM pg_authid WHERE rolname=$1 AND rolcanlogin";

    private static Task<Pooler> StartAsync(int loops, string authType, string? query = Query,
        Action<PoolerFile>? change = null) => Pooler.StartAsync(loops, f =>
    {
        f["auth_type"] = authType;
        f["auth_user"] = "user_trust";
        if (query is not null) f["auth_query"] = query;
        foreach (var user in Postgres.Roles.Where(static user => user != "user_trust")) f.Users.Remove(user);
        change?.Invoke(f);
    });

    private static async Task<string> LoginAsync(Pooler pooler, string user, string password = Postgres.Password,
        string database = Postgres.Database) =>
        (await LoginClient.LoginAsync(pooler.Port, false, user, database, password)).Answer;

    [PoolerTheory(FastPoolOnly = "runs it as auth_user")]
    [Loops("trust")]
    [Loops("plain")]
    public async Task Queries_sent_along_with_a_login_run_as_the_user_who_logs_in(int loops, string authType)
    {
        var server = await Postgres.StartAsync(rules: "local all all trust\nhost all all all trust\n");
        await using var own = server;
        await using var pooler = await Pooler.StartAsync(server.Port, loops, f =>
        {
            f["auth_type"] = authType;
            f["auth_user"] = "user_trust";
            f["auth_query"] = "select $1::text, 'secret'";
            f.Users.Clear();
            f.Users["user_trust"] = "";
        });
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
        {
            await using var client = await RawClient.ConnectAsync(pooler.Port);
            var password = authType == "plain" ? Wire.Typed('p', "secret\0"u8.ToArray()) : [];
            await client.SendAsync(
                [.. Wire.Startup(("user", "user_plain"), ("database", Postgres.Database)), .. password,
                .. Wire.Query("select current_user, session_user")]);
            Assert.Equal('I', (await client.ReplyAsync()).Status);
            Assert.Equal("user_plain user_plain", string.Join(' ', (await client.ReplyAsync()).Rows[0]));
        }));
    }

    [PoolerTheory(Since = "1.25"), Loops]
    public async Task A_password_is_good_until_it_has_expired(int loops)
    {
        var server = await Postgres.SharedAsync();
        await server.ScalarAsync<int>(
            $"select 1; create role until_past_{loops} login password '{Postgres.Password}' valid until '2020-01-01'; create role until_future_{loops} superuser login password '{Postgres.Password}' valid until '2999-01-01'; create role until_nologin_{loops} password 'x'");
        await using var pooler = await StartAsync(loops, "scram-sha-256", query: null);
        Assert.Equal("in", await LoginAsync(pooler, $"until_future_{loops}"));
        Assert.Equal($"FATAL/{Binary.State("28P01")} SASL authentication failed",
            await LoginAsync(pooler, $"until_past_{loops}"));
        Assert.Equal(Binary.IsFastPool ? $"FATAL/{Binary.State("28P01")} SASL authentication failed"
            : NoSuchUser, await LoginAsync(pooler, $"until_nologin_{loops}"));
        await using var plain = await StartAsync(loops, "plain", query: null);
        Assert.Equal($"FATAL/{Binary.State("28P01")} password authentication failed",
            await LoginAsync(plain, $"until_past_{loops}"));
    }

    [PoolerTheory(Since = "1.25"), Loops]
    public async Task A_name_is_never_part_of_the_query(int loops)
    {
        await using var pooler =
            await StartAsync(loops, "plain", change: f =>
            f.Databases["app"] = "{server} dbname=app user=user_trust auth_user=user_trust");
        foreach (var name in new[] { "'; drop table x; --", "\" or 1=1", "$1", "röle", "a b", "%s", "\\'" })
            Assert.Equal(Binary.IsFastPool ? WrongPassword : NoSuchUser, await LoginAsync(pooler, name));
        var server = await Postgres.SharedAsync();
        await server.ScalarAsync<int>(
            $"select 1; create role \"o'dd \"\"röle\"\" {loops}\" superuser login password '{Postgres.Password}'");
        Assert.Equal("in", await LoginAsync(pooler, $"o'dd \"röle\" {loops}"));
    }

    [PoolerTheory(FastPoolOnly = "gives them to the client"), Loops]
    public async Task Variables_that_auth_query_sets_are_not_the_clients(int loops)
    {
        var server = await Postgres.SharedAsync();
        await server.ScalarAsync<int>(
            $"select 1; create or replace function set_zone_{loops}() returns text language plpgsql as $$ begin perform set_config('timezone', 'Asia/Tokyo', false); return 'secret'; end $$");
        await using var connection = await server.ConnectAsync(Postgres.Database);
        await connection.ScalarAsync(
            $"create or replace function set_zone_{loops}() returns text language plpgsql as $$ begin perform set_config('timezone', 'Asia/Tokyo', false); return 'secret'; end $$");
        await using var pooler =
            await StartAsync(loops, "trust", $"select $1::text, set_zone_{loops}()", f =>
            f.Databases["app"] = "{server} dbname=app user=user_trust pool_size=1");
        for (var i = 0; i < 3; i++)
        {
            await using var client = await pooler.RawAsync("somebody");
            Assert.Equal("UTC", client.Parameters["TimeZone"]);
            Assert.Equal("UTC", (await client.QueryAsync("show timezone")).Rows[0][0]);
        }
    }

    /// <summary>A user forced on clients is not forced on the query.</summary>
    [PoolerTheory(Since = "1.25"), Loops]
    public async Task It_runs_as_auth_user_whoever_is_forced_on_clients(int loops)
    {
        await using var pooler = await StartAsync(loops, "plain", "select $1::text, session_user::text", f =>
            f.Databases["app"] = $"{{server}} dbname=app user=user_md5 password='{Postgres.Password}' auth_user=user_trust");
        Assert.Equal("in", await LoginAsync(pooler, "somebody", "user_trust"));
        await using var client = await RawClient.ConnectAsync(pooler.Port);
        await client.SendAsync(
            [.. Wire.Startup(("user", "somebody"), ("database", Postgres.Database)),
            .. Wire.Typed('p', "user_trust\0"u8.ToArray()), .. Wire.Query("select session_user::text")]);
        Assert.Equal('I', (await client.ReplyAsync()).Status);
        Assert.Equal("user_md5", (await client.ReplyAsync()).Rows[0][0]);
    }

    [PoolerTheory(FastPoolOnly = "closes it"), Loops]
    public async Task That_there_is_no_such_user_costs_no_server(int loops)
    {
        await using var pooler =
            await StartAsync(loops, "plain", change: f =>
            f.Databases["app"] = "{server} dbname=app application_name=asks auth_user=user_trust");
        Assert.Equal(WrongPassword, await LoginAsync(pooler, "nobody_knows"));
        var server = await Postgres.SharedAsync();
        var pid =
            await server.ScalarAsync<int>(
            "select min(pid) from pg_stat_activity where usename = 'user_trust' and application_name = 'asks'");
        for (var i = 0; i < 20; i++) Assert.Equal(WrongPassword, await LoginAsync(pooler, "nobody_knows"));
        Assert.Equal(1L, await server.ScalarAsync<long>($"select count(*) from pg_stat_activity where pid = {pid}"));
        Assert.DoesNotContain("S-",
            string.Join('\n', pooler.Process.Lines.Where(line => line.Contains("closing because", StringComparison.Ordinal))),
            StringComparison.Ordinal);
    }

    [PoolerTheory(FastPoolOnly = "kills the query"), Loops]
    public async Task A_transaction_timeout_is_not_the_querys(int loops)
    {
        await using var pooler = await StartAsync(loops, "plain", "select $1::text, 'secret' from pg_sleep(1)", f =>
        {
            f["transaction_timeout"] = "0.3";
            f.Databases["app"] = "{server} dbname=app user=user_trust auth_user=user_trust";
        });
        Assert.Equal("in", await LoginAsync(pooler, "somebody", "secret"));
    }

    [PoolerTheory(Since = "1.25")]
    [Loops("select 1", "expected 2 columns from auth_query, not 1")]
    [Loops("select 1, 2, $1::text", "expected 2 columns from auth_query, not 3")]
    [Loops("select nonsense", "error in auth_query: ERROR: column \"nonsense\" does not exist")]
    [Loops("select 1/(length($1::text)-length($1::text)), ''", "error in auth_query: ERROR: division by zero")]
    [Loops("set work_mem = 1024", "unexpected response from auth_query")]
    public async Task A_query_that_goes_wrong_lets_nobody_in(int loops, string query, string line)
    {
        await using var pooler = await StartAsync(loops, "trust", query);
        // These take no parameter: PostgreSQL complains of that first.
        if (query is "select 1" or "select nonsense" or "set work_mem = 1024") query = "";
        Assert.Equal("FATAL/08P01 bouncer config error", await LoginAsync(pooler, "somebody"));
        if (query.Length > 0) await pooler.LineAsync(line);
        else await pooler.LineAsync("error in auth_query: ERROR: ");
    }

    [PoolerTheory(Since = "1.25"), Loops]
    public async Task A_secret_counts_for_the_database_that_told_it(int loops)
    {
        await using var pooler = await StartAsync(loops, "plain", "select $1::text, current_database()::text", f =>
        {
            f.Databases["one"] = "{server} dbname=app user=user_trust auth_user=user_trust";
            f.Databases["two"] = "{server} dbname=postgres user=user_trust auth_user=user_trust";
        });
        foreach (var (database, secret) in new[] { ("one", "app"), ("two", "postgres"), ("one", "app") })
        {
            Assert.Equal("in", await LoginAsync(pooler, "somebody", secret, database));
            Assert.Equal($"FATAL/{Binary.State("28P01")} password authentication failed",
                await LoginAsync(pooler, "somebody", secret == "app" ? "postgres" : "app", database));
        }
    }

    [PoolerTheory(FastPoolOnly = "keeps keys by name"), Loops]
    public async Task Keys_of_one_cluster_are_not_used_for_another(int loops)
    {
        // The same name and password in two clusters: two salts, two verifiers, and keys for each.
        await using var other = await Postgres.StartAsync();
        await using var pooler = await StartAsync(loops, "scram-sha-256", change: f =>
        {
            f.Databases["other"] = $"host=127.0.0.1 port={other.Port} dbname=app";
            f.Users["user_trust"] = "";
        });
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal("in", await LoginAsync(pooler, "user_scram"));
            Assert.Equal("in", await LoginAsync(pooler, "user_scram", database: "other"));
            Assert.Equal("RECONNECT", await pooler.OwnUserAsync("RECONNECT"));
        }
    }
}
