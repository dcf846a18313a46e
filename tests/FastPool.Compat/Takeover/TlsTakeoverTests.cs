using System.Globalization;
using FastPool.Compat.Tls;
using Npgsql;

namespace FastPool.Compat.Takeover;

/// <summary>
/// -R with TLS in the library's hands, whose keys no other process can have. No client is cut in the middle of a transaction.
/// One that has to connect anew is told so while nothing is under way.
/// </summary>
public class TlsTakeoverTests
{
    private const string Told = "this connection cannot be handed over to the new process, connect again";
    private const string Encrypted = "SSL Mode=Require;Trust Server Certificate=true";

    [PoolerTheory(FastPoolOnly = "PgBouncer cuts them off"), Loops]
    public async Task A_client_with_TLS_finishes_its_transaction_in_the_old_process(int loops)
    {
        await using var pooler = await StartAsync(loops);
        await using var busy = await pooler.ConnectAsync(more: Encrypted);
        await using var begun = await busy.BeginTransactionAsync();
        var backend = await busy.BackendPidAsync();
        await using var idle = await pooler.ConnectAsync(more: Encrypted);
        await idle.ScalarAsync("select 1");
        await using var plain = await pooler.RawAsync();
        await using var old = await pooler.ReplaceAsync();

        await ToldAsync(() => idle.ScalarAsync("select 1"));
        Assert.Equal("1", (await plain.QueryAsync("select 1")).Rows[0][0]);
        await using (var newcomer = await pooler.ConnectAsync(more: Encrypted)) Assert.Equal(2,
            await newcomer.ScalarAsync("select 2"));
        Assert.False(old.HasExited);
        Assert.Contains("LOG 2 client connections cannot be handed over, 1 of them in a transaction", old.Text,
            StringComparison.Ordinal);
        Assert.Equal(backend, await busy.BackendPidAsync());
        await begun.CommitAsync();
        await ToldAsync(() => busy.ScalarAsync("select 1"));
        Assert.Equal(0, await old.ExitAsync());
        Assert.EndsWith("LOG the last of them is closed, exiting", old.Text, StringComparison.Ordinal);
        Assert.Equal("1", (await plain.QueryAsync("select 1")).Rows[0][0]);
        Assert.True(File.Exists(Path.Combine(pooler.Folder, $".s.PGSQL.{pooler.Port}")));
        Assert.Contains("PgBouncer", await pooler.OwnUserAsync("show version"), StringComparison.Ordinal);
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer cuts them off"), Loops]
    public async Task Pid_file_and_endpoint_change_hands_while_the_old_process_lingers(int loops)
    {
        var (pidFile, port) = (Path.Combine(Machine.NewFolder("pid"), "p.pid"), Machine.FreePort());
        await using var pooler = await StartAsync(loops, f =>
        {
            f["pidfile"] = pidFile;
            f.Own["metrics_listen"] = $"127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}";
        });
        await using var busy = await pooler.ConnectAsync(more: Encrypted);
        await using var begun = await busy.BeginTransactionAsync();
        await busy.ScalarAsync("select 1");
        await using var old = await pooler.ReplaceAsync();
        Assert.Equal($"{pooler.Pid}\n", await File.ReadAllTextAsync(pidFile));
        await pooler.LineAsync($"metrics on http://127.0.0.1:{port}/");
        Assert.Equal(1, await busy.ScalarAsync("select 1"));
        old.Signal(Child.SigTerm); // An operator that does not want to wait says so twice in all.
        Assert.Equal(0, await old.ExitAsync());
        Assert.Contains("LOG got SIGTERM while shutting down, fast exit", old.Text, StringComparison.Ordinal);
        Assert.Equal($"{pooler.Pid}\n", await File.ReadAllTextAsync(pidFile));
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer cuts them off"), Loops]
    public async Task A_session_with_TLS_is_told_between_two_transactions(int loops)
    {
        await using var pooler = await StartAsync(loops, f => f["pool_mode"] = "session");
        await using var session = await pooler.ConnectAsync(more: Encrypted);
        await session.ScalarAsync("listen anything");
        await using var begun = await session.BeginTransactionAsync();
        await session.ScalarAsync("select 1");
        await using var old = await pooler.ReplaceAsync();
        await session.ScalarAsync("select 1");
        await begun.CommitAsync();
        Assert.Equal(0, await old.ExitAsync());
        await ToldAsync(() => session.ScalarAsync("select 1"));
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer cuts them off"), Loops]
    public async Task Plain_clients_of_encrypted_servers_go_along_after_their_transactions(int loops)
    {
        var server = await ServerTlsTests.EncryptedAsync();
        await using var pooler = await Pooler.StartAsync(server.Port, loops, f =>
        {
            f["server_tls_sslmode"] = "require";
            f.Own["tls_records"] = "library";
        });
        var load = TakeoverTests.LoadAsync(pooler, "simple", clients: 12, seconds: 4);
        await Until.TrueAsync(async () =>
            await pooler.PoolAsync("cl_active") + await pooler.PoolAsync("cl_waiting") >= 12, "all clients are in");
        for (var i = 0; i < 3; i++) await pooler.TakeOverAsync();
        var text = await load;
        Assert.Contains("number of failed transactions: 0 (", text, StringComparison.Ordinal);
        // A transaction has 200 ms to end, which on a busy machine is not enough for each; who was too slow has been told so.
        // Did none go along, all twelve would be told, and pgbench adds a line of its own.
        var errors = text.Split('\n').Where(static line => line.Contains("error:", StringComparison.Ordinal)).ToList();
        Assert.All(errors, static line => Assert.Matches("this connection cannot be handed over|Run was aborted", line));
        Assert.InRange(errors.Count, 0, 7);
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer cuts them off"), Loops]
    public async Task A_long_transaction_on_an_encrypted_server_keeps_nobody_waiting_and_is_finished(int loops)
    {
        var server = await ServerTlsTests.EncryptedAsync();
        await using var pooler = await Pooler.StartAsync(server.Port, loops, f =>
        {
            f["server_tls_sslmode"] = "require";
            f.Own["tls_records"] = "library";
        });
        await using var busy = await pooler.RawAsync();
        await busy.QueryAsync("begin");
        await using var old = await pooler.ReplaceAsync();
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
        Assert.Equal("CZ", (await busy.QueryAsync("commit")).Types);
        Assert.Equal("FATAL/57P01 " + Told, (await busy.ReplyAsync()).ErrorText);
        Assert.Equal(0, await old.ExitAsync());
    }

    [PoolerFact(FastPoolOnly = "PgBouncer cuts them off")]
    public async Task A_takeover_that_fails_ends_no_TLS()
    {
        await using var pooler = await StartAsync(1);
        await using var busy = await pooler.ConnectAsync(more: Encrypted);
        await using var begun = await busy.BeginTransactionAsync();
        await busy.ScalarAsync("select 1");
        await using var idle = await pooler.ConnectAsync(more: Encrypted);
        await idle.ScalarAsync("select 1");
        await using (var next =
            pooler.StartNext("strace", "-f", "-qq", "-o", "/dev/null", "-e",
            "inject=sendmsg:signal=KILL:when=4")) await next.ExitAsync();
        Assert.Equal(1, await busy.ScalarAsync("select 1"));
        await begun.CommitAsync();
        Assert.Equal(1, await idle.ScalarAsync("select 1"));
    }

    [ReferenceFact]
    public async Task PgBouncer_that_takes_over_cuts_no_TLS_client_off()
    {
        await using var pooler = await StartAsync(1);
        await using var busy = await pooler.ConnectAsync(more: Encrypted);
        await using var begun = await busy.BeginTransactionAsync();
        await busy.ScalarAsync("select 1");
        await using var plain = await pooler.RawAsync();
        await using var old = await pooler.ReplaceAsync(Reference.Path!);
        Assert.Equal("1", (await plain.QueryAsync("select 1")).Rows[0][0]);
        Assert.Equal(1, await busy.ScalarAsync("select 1"));
        await begun.CommitAsync();
        Assert.Equal(0, await old.ExitAsync());
        await ToldAsync(() => busy.ScalarAsync("select 1"));
    }

    private static async Task<Pooler> StartAsync(int loops, Action<PoolerFile>? change = null)
    {
        var certificates = await Certificates.SharedAsync();
        return await Pooler.StartAsync(loops, f =>
        {
            f.OfferTls(certificates, "allow");
            f.Own["tls_records"] = "library";
            change?.Invoke(f);
        });
    }

    private static async Task ToldAsync(Func<Task> query)
    {
        var told = await Assert.ThrowsAsync<PostgresException>(query);
        Assert.Equal(("57P01", Told), (told.SqlState, told.MessageText));
    }
}
