using System.Globalization;
using System.Text.RegularExpressions;

namespace FastPool.Compat.Takeover;

/// <summary>-R under load: no client notices.</summary>
public partial class TakeoverTests
{
    private const int Takeovers = 10;

    [PoolerTheory(FastPoolOnly = "PgBouncer drops what does not fit into SHOW FDS"), Loops]
    public async Task Ten_takeovers_in_a_row_lose_no_transaction_and_no_connection(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, file =>
        {
            file["max_prepared_statements"] = "50";
            file.Databases["whole"] = "{server} dbname=app pool_mode=session";
        });
        var loads = new[] { "simple", "extended", "prepared" }.Select(mode => LoadAsync(pooler, mode, clients: 17, seconds: 8))
            .ToList();
        await using var guests = await Guests.EnterAsync(pooler);
        await Until.TrueAsync(async () =>
            await pooler.PoolAsync("cl_active") + await pooler.PoolAsync("cl_waiting") >= 17 * 3, "all clients are in");
        for (var i = 0; i < Takeovers; i++)
        {
            await guests.LiveAsync();
            await pooler.TakeOverAsync();
        }
        await guests.LeaveAsync();
        foreach (var load in loads)
        {
            var text = await load;
            Assert.Contains("number of failed transactions: 0 (", text, StringComparison.Ordinal);
            Assert.DoesNotContain("error:", text, StringComparison.Ordinal);
            var transactions = long.Parse(Processed().Match(text).Groups[1].Value, CultureInfo.InvariantCulture);
            Assert.True(transactions > 1000, text);
        }
        Assert.DoesNotContain(pooler.Process.Lines, line => line.Contains(" ERROR ", StringComparison.Ordinal));
    }

    [ReferenceFact]
    public async Task PgBouncer_is_taken_over_under_load_and_takes_over_again()
    {
        await using var pooler = await Pooler.StartAsync(1, file => file.Program = Reference.Path!);
        var loads = new[] { "simple", "extended" }.Select(mode => LoadAsync(pooler, mode, clients: 10, seconds: 6)).ToList();
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        var pid = (await client.QueryAsync("select pg_backend_pid()")).Rows[0][0];
        foreach (var program in new[] { Binary.Path, Reference.Path!, Binary.Path, Reference.Path! })
        {
            await pooler.TakeOverAsync(program);
            Assert.Equal(pid, (await client.QueryAsync("select pg_backend_pid()")).Rows[0][0]);
        }
        Assert.Equal('I', (await client.QueryAsync("commit")).Status);
        foreach (var load in loads)
        {
            var text = await load;
            Assert.Contains("number of failed transactions: 0 (", text, StringComparison.Ordinal);
            Assert.False(text.Contains("error:", StringComparison.Ordinal), text);
        }
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer serves the queue first"), Loops]
    public async Task A_waiting_client_keeps_its_place_in_the_queue(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, file => file["default_pool_size"] = "1");
        await using var holder = await pooler.RawAsync();
        await holder.QueryAsync("begin");
        await holder.QueryAsync("create temp sequence turns"); // The only server's: it tells in which order it was used.
        var waiting = new List<Task<Reply>>();
        var clients = new List<RawClient>();
        for (var i = 0; i < 5; i++)
        {
            var client = await pooler.RawAsync();
            clients.Add(client);
            waiting.Add(client.QueryAsync("select nextval('turns')"));
            await pooler.PoolIsAsync("cl_waiting", i + 1);
        }
        await pooler.TakeOverAsync();
        Assert.Equal(5, await pooler.PoolAsync("cl_waiting"));
        await pooler.TakeOverAsync();
        await holder.QueryAsync("commit");
        var turns = (await Task.WhenAll(waiting)).Select(reply => reply.Rows[0][0]);
        // Across loops order counts in steps of time.
        Assert.Equal(["1", "2", "3", "4", "5"], loops == 1 ? turns : turns.Order());
        foreach (var client in clients) await client.DisposeAsync();
    }

    [PoolerFact(FastPoolOnly = "PgBouncer's counters begin anew")]
    public async Task Counters_and_disabled_databases_are_kept()
    {
        await using var pooler = await Pooler.StartAsync(1, file => file.Databases["other"] = "{server} dbname=app");
        for (var i = 0; i < 5; i++) await pooler.ScalarAsync("select 1");
        await pooler.ConsoleAsync("DISABLE other");
        var before = await TotalsAsync();
        await pooler.TakeOverAsync();
        Assert.Equal(before, await TotalsAsync());
        Assert.Contains("is disabled", (await RefusedAsync(pooler, "other")).ErrorText, StringComparison.Ordinal);
        Assert.Equal(1, await pooler.PoolAsync("sv_idle"));

        async Task<string> TotalsAsync()
        {
            var stats = await pooler.ConsoleAsync("SHOW STATS_TOTALS");
            return string.Join('|', stats.Rows.Single(row => row[0] == Postgres.Database));
        }
    }

    [PoolerFact(FastPoolOnly = "in PgBouncer the taken-over socket's file stays behind")]
    public async Task The_pid_file_and_the_socket_file_change_hands()
    {
        var pidFile = "";
        await using var pooler =
            await Pooler.StartAsync(1, file => file["pidfile"] = pidFile = Path.Combine(Machine.NewFolder("pid"), "p.pid"));
        await pooler.TakeOverAsync();
        Assert.Equal($"{pooler.Pid}\n", await File.ReadAllTextAsync(pidFile));
        Assert.Equal("1", await pooler.OwnUserAsync("show version") is { Length: > 0 } ? "1" : "");
        pooler.Process.Signal(Child.SigInt);
        Assert.Equal(0, await pooler.Process.ExitAsync());
        Assert.False(File.Exists(pidFile));
        Assert.False(File.Exists(Path.Combine(pooler.Folder, $".s.PGSQL.{pooler.Port}")));
    }

    [PoolerFact(FastPoolOnly = "not said there")]
    public async Task Of_connections_the_log_says_as_much_as_it_is_told_to()
    {
        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            f["log_connections"] = "0";
            f["log_disconnections"] = "0";
        });
        await pooler.TakeOverAsync();
        await pooler.LineAsync("process up");
        Assert.DoesNotContain("new connection to server", pooler.Process.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("closing because", pooler.Process.Text, StringComparison.Ordinal);
        Assert.Matches("tls: OpenSSL [0-9]+[.][0-9]+[.][0-9]+.* 20[0-9][0-9]\n?", pooler.Process.Text);
    }

    [PoolerFact]
    public async Task The_log_tells_the_steps()
    {
        await using var pooler = await Pooler.StartAsync(1);
        await pooler.TakeOverAsync();
        string[] steps =
        [
            "WARNING Online restart is deprecated, use so_reuseport instead",
            "LOG takeover_init: launching connection",
            "login OK, sending SUSPEND",
            "LOG SUSPEND finished, sending SHOW FDS",
            $"LOG got pooler socket: 127.0.0.1:{pooler.Port}",
            $"LOG got pooler socket: unix:{pooler.Port}",
            "LOG SHOW FDS finished",
            "LOG disko over, going background",
            "LOG kernel file descriptor limit",
            "LOG sending SHUTDOWN;",
            "closing because: disko over (age=0s)",
            "LOG old process killed, resuming work",
            "LOG process up: PgBouncer",
        ];
        var at = 0;
        foreach (var line in pooler.Process.Lines)
        {
            if (at < steps.Length && line.Contains(steps[at], StringComparison.Ordinal)) at++;
        }
        Assert.True(at == steps.Length, $"missing: {steps.ElementAtOrDefault(at)}\n{pooler.Process.Text}");
    }

    internal static async Task<Reply> RefusedAsync(Pooler pooler, string database)
    {
        await using var client = await RawClient.ConnectAsync(pooler.Port);
        await client.SendAsync(Wire.Startup(("user", "user_trust"), ("database", database)));
        return await client.ReplyAsync();
    }

    internal static async Task<string> LoadAsync(Pooler pooler, string mode, int clients, int seconds, string sslMode = "disable")
    {
        var script = Path.Combine(pooler.Folder, $"{mode}.sql");
        await File.WriteAllTextAsync(script, "\\set n random(1, 1000)\nselect :n;\n");
        await using var child = Child.Start(
            Machine.Program("pgbench"),
            ["-n", "-M", mode, "-c", $"{clients}", "-T", $"{seconds}", "-f", script, "-h", "127.0.0.1", "-p", $"{pooler.Port}",
                "-U", "user_trust", Postgres.Database],
            pooler.Folder, ("PGSSLMODE", sslMode));
        await child.ExitAsync(seconds + 60);
        return child.Text;
    }

    [GeneratedRegex(@"number of transactions actually processed: (\d+)")]
    private static partial Regex Processed();
}
