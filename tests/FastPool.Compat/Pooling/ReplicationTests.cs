using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace FastPool.Compat.Pooling;

/// <summary>
/// Replication through the pooler: PostgreSQL's own programs take a base backup, WAL and logical changes over connections that
/// are not shared. Source: PostgreSQL, Streaming Replication Protocol.
/// </summary>
public class ReplicationTests
{
    private const string Rules = """
        local all all trust
        host all postgres,user_trust all trust
        host replication user_trust all trust
        host all all all scram-sha-256

        """;

    private static readonly Lazy<Task<Postgres>> Server =
        new(() => Postgres.StartAsync("wal_level = logical\nmax_replication_slots = 20\nmax_wal_senders = 20", Rules));

    [PoolerTheory(Since = "1.23.0"), Loops]
    public async Task Pg_basebackup_takes_a_backup_with_its_wal(int loops)
    {
        await using var pooler = await StartAsync(loops);
        var folder = Path.Combine(Machine.NewFolder("b"), "backup");
        var (exit, text) = await RunAsync("pg_basebackup", pooler, "-D", folder, "-X", "stream", "-c", "fast", "--no-sync");
        Assert.True(exit == 0, $"{text}\n{pooler.Process.Text}");
        var (checkExit, checkText) = await Child.RunAsync(Machine.Program("pg_verifybackup"), ["-n", folder]);
        Assert.True(checkExit == 0, checkText);
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(folder, "pg_wal")));
        await pooler.LineAsync("login attempt: db=replication user=user_trust tls=no replication=yes");
        await pooler.PoolIsAsync("sv_active", 0, database: "replication");
        Assert.Equal(0, await pooler.PoolAsync("sv_idle", database: "replication"));
    }

    [PoolerTheory(Since = "1.23.0"), Loops]
    public async Task Pg_receivewal_receives_wal_up_to_the_end_that_is_wanted(int loops)
    {
        await using var pooler = await StartAsync(loops);
        var server = await Server.Value;
        var folder = Machine.NewFolder("w");
        var slot = $"wal_{loops}";
        var (createExit, createText) = await RunAsync("pg_receivewal", pooler, "-D", folder, "--slot", slot, "--create-slot");
        Assert.True(createExit == 0, createText);
        await server.ScalarAsync<string>("select pg_switch_wal()::text");
        await server.ScalarAsync<string>("select pg_create_restore_point('here')::text");
        var end = await server.ScalarAsync<string>("select pg_current_wal_insert_lsn()::text");
        await server.ScalarAsync<string>("select pg_create_restore_point('beyond')::text");
        var (exit, text) =
            await RunAsync("pg_receivewal", pooler, "-D", folder, "--slot", slot, "--endpos", end, "--no-loop", "--no-sync");
        Assert.True(exit == 0, $"{text}\n{pooler.Process.Text}");
        Assert.Contains(Directory.GetFiles(folder), file => Path.GetFileName(file).Length >= 24);
        await RunAsync("pg_receivewal", pooler, "--slot", slot, "--drop-slot");
    }

    [PoolerTheory(Since = "1.23.0"), Loops]
    public async Task Pg_recvlogical_brings_the_changes_of_a_table(int loops)
    {
        await using var pooler = await StartAsync(loops);
        var server = await Server.Value;
        var (slot, table) = ($"logical_{loops}", $"changes_{loops}");
        var (createExit, createText) =
            await RunAsync("pg_recvlogical", pooler, "-d", Postgres.Database, "--slot", slot, "--create-slot", "-P",
            "test_decoding");
        Assert.True(createExit == 0, createText);
        await pooler.ScalarAsync($"create table {table} (n int)"); // Through the pool, which others share.
        await pooler.ScalarAsync($"insert into {table} select generate_series(1, 500)");
        var end = await server.ScalarAsync<string>("select pg_current_wal_insert_lsn()::text");
        var (exit, text) =
            await RunAsync("pg_recvlogical", pooler, "-d", Postgres.Database, "--slot", slot, "--start", "-f", "-", "--endpos",
            end, "--no-loop");
        Assert.True(exit == 0, $"{text}\n{pooler.Process.Text}");
        Assert.Equal(500, text.Split('\n')
            .Count(line => line.StartsWith($"table public.{table}: INSERT:", StringComparison.Ordinal)));
        await pooler.LineAsync("tls=no replication=database");
        var (dropExit, dropText) =
            await RunAsync("pg_recvlogical", pooler, "-d", Postgres.Database, "--slot", slot, "--drop-slot");
        Assert.True(dropExit == 0, dropText);
    }

    [PoolerTheory(Since = "1.23.0"), Loops]
    public async Task A_replication_client_has_a_server_of_its_own_which_ends_with_it(int loops)
    {
        await using var pooler = await StartAsync(loops);
        await pooler.ScalarAsync("select 1"); // The pool has one idle server and knows its parameters.
        var client = await LoginAsync(pooler, "database", ("application_name", "walker"), ("options", "-c work_mem=12345"));
        await pooler.PoolIsAsync("sv_idle", 1);
        Assert.Equal("12345kB", (await client.QueryAsync("SHOW work_mem")).Rows[0][0]);
        Assert.Equal("walker", (await client.QueryAsync("SHOW application_name")).Rows[0][0]);
        Assert.Equal(1, await pooler.PoolAsync("sv_active"));
        Assert.Equal(1, await pooler.PoolAsync("sv_idle"));
        foreach (var listing in new[] { "SHOW CLIENTS", "SHOW SERVERS" })
        {
            var rows = await pooler.ConsoleAsync(listing);
            Assert.Contains(rows.Rows, row => row[rows.Columns.IndexOf("replication")] == "logical");
        }

        await client.QueryAsync("IDENTIFY_SYSTEM");
        Assert.Equal(1, await pooler.PoolAsync("sv_active")); // Transaction mode or not: it stays.
        await client.SendAsync(Wire.Typed('X'));
        await client.DisposeAsync();
        await pooler.LineAsync("closing because: replication client was closed (age");
        await pooler.PoolIsAsync("sv_active", 0);
        Assert.Equal(1, await pooler.PoolAsync("sv_idle"));
    }

    [PoolerTheory(Since = "1.23.0"), Loops]
    public async Task Its_first_login_needs_no_other_server_and_teaches_the_pool_nothing(int loops)
    {
        await using var pooler = await StartAsync(loops);
        await using var client = await LoginAsync(pooler, "database", ("DateStyle", "German"));
        Assert.Equal("German", client.Parameters["DateStyle"]);
        Assert.Equal(1, await pooler.PoolAsync("sv_active")); // The connection of the login is the replication connection.
        await using var other = await pooler.RawAsync();
        Assert.Equal("ISO, MDY", other.Parameters["DateStyle"]);
    }

    [PoolerTheory(Since = "1.23.0"), Loops]
    public async Task In_a_full_pool_an_idle_server_makes_room_and_a_busy_one_does_not(int loops)
    {
        await using var pooler = await StartAsync(loops, f => f["default_pool_size"] = "1");
        await pooler.ScalarAsync("select 1");
        await using (var client = await LoginAsync(pooler, "database"))
        {
            Assert.Null((await client.QueryAsync("IDENTIFY_SYSTEM")).Error);
            await pooler.LineAsync(Binary.Since126("closing because: evicted for pool_size (age",
                "closing because: evicted (age"));
            await using var waiter = await pooler.RawAsync();
            await waiter.SendAsync(Wire.Query("select 1"));
            await pooler.PoolIsAsync("cl_waiting", 1);
            client.Reset();
            Assert.Null((await waiter.ReplyAsync()).Error);
        }

        await using var busy = await pooler.RawAsync();
        await busy.QueryAsync("begin");
        await using var late = await LoginAsync(pooler, "database");
        await late.SendAsync(Wire.Query("IDENTIFY_SYSTEM"));
        await pooler.PoolIsAsync("cl_waiting", 1);
        await busy.QueryAsync("commit");
        Assert.Null((await late.ReplyAsync()).Error);
    }

    [PoolerTheory(Since = "1.23.0"), Loops]
    public async Task A_refused_replication_login_ends_its_own_client_alone(int loops)
    {
        await using var pooler = await StartAsync(loops);
        await using var bystander = await pooler.RawAsync();
        await using var client = await RawClient.ConnectAsync(pooler.Port);
        await client.SendAsync(Wire.Startup(("user", "user_trust"), ("database", "nowhere"), ("replication", "database")));
        Assert.Equal("FATAL/08P01 login failed", (await client.ReplyAsync()).ErrorText);
        await pooler.LineAsync("ERROR S: login failed: FATAL: database \"nowhere\" does not exist");
        await pooler.LineAsync("closing because: login failed (age");
        Assert.Null((await bystander.QueryAsync("select 1")).Error);
    }

    [PoolerTheory(Since = "1.23.0"), Loops]
    public async Task Reconnect_closes_it_without_waiting(int loops)
    {
        await using var pooler = await StartAsync(loops);
        await using var client = await LoginAsync(pooler, "yes", database: "replication");
        Assert.Null((await client.QueryAsync("IDENTIFY_SYSTEM")).Error);
        await pooler.ConsoleAsync("RECONNECT");
        Assert.Equal("FATAL/08P01 database configuration changed", (await client.ReplyAsync()).ErrorText);
    }

    [PoolerTheory(Since = "1.23.0"), Loops]
    public async Task A_client_that_leaves_while_its_server_is_opening_takes_it_along(int loops)
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0); // Accepts, and says nothing.
        silent.Start();
        await using var pooler = await Pooler.StartAsync(((IPEndPoint)silent.LocalEndpoint).Port, loops);
        await using (var client = await RawClient.ConnectAsync(pooler.Port))
        {
            await client.SendAsync(
                Wire.Startup(("user", "user_trust"), ("database", Postgres.Database), ("replication", "true")));
            await pooler.PoolIsAsync("sv_login", 1);
            client.Reset();
        }

        await pooler.LineAsync("closing because: replication client disconnected (age");
        await pooler.PoolIsAsync("sv_login", 0);
    }

    [PoolerTheory(Since = "1.23.0"), Loops]
    public async Task A_word_that_is_no_boolean_is_no_replication(int loops)
    {
        await using var pooler = await StartAsync(loops);
        foreach (
            var (word, isReplication) in new[] { ("t", true), ("on", true), ("1", true), ("off", false), ("0", false),
            ("maybe", false), ("", false) })
        {
            await using var client = await LoginAsync(pooler, word);
            var answer = await client.QueryAsync("IDENTIFY_SYSTEM");
            Assert.True(isReplication == answer.Error is null, $"{word}: {answer.ErrorText}");
        }
    }

    private static async Task<Pooler> StartAsync(int loops, Action<PoolerFile>? change = null) =>
        await Pooler.StartAsync((await Server.Value).Port, loops, f =>
    {
        f.Databases["replication"] = "{server}";
        f.Databases["nowhere"] = "{server}";
        change?.Invoke(f);
    });

    private static Task<RawClient> LoginAsync(Pooler pooler, string replication, params (string Name, string Value)[] more) =>
        RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database, [("replication", replication), .. more]);

    private static Task<RawClient> LoginAsync(Pooler pooler, string replication, string database) =>
        RawClient.LoginAsync(pooler.Port, "user_trust", database, ("replication", replication));

    private static Task<(int ExitCode, string Text)> RunAsync(string program, Pooler pooler, params string[] arguments) =>
        Child.RunAsync(Machine.Program(program),
            ["-h", "127.0.0.1", "-p", pooler.Port.ToString(CultureInfo.InvariantCulture), "-U", "user_trust", "-w",
            .. arguments]);
}
