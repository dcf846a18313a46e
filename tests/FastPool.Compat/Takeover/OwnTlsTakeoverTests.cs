using FastPool.Compat.Effects;
using FastPool.Compat.Tls;
using Npgsql;

namespace FastPool.Compat.Takeover;

/// <summary>-R with TLS on own records, to clients and to PostgreSQL: neither side notices.</summary>
public class OwnTlsTakeoverTests
{
    private const string Reason = "PgBouncer cuts them off";
    private const string Encrypted = "SSL Mode=Require;Trust Server Certificate=true";

    private static async Task<Pooler> StartAsync(int loops, Action<PoolerFile>? change = null)
    {
        var certificates = await Certificates.SharedAsync();
        return await Pooler.StartAsync((await ServerTlsTests.EncryptedAsync()).Port, loops, f =>
        {
            f.OfferTls(certificates, "require");
            f["server_tls_sslmode"] = "require";
            change?.Invoke(f);
        });
    }

    [PoolerTheory(FastPoolOnly = Reason), Loops]
    public async Task Connections_with_TLS_on_both_sides_go_on_in_the_new_process(int loops)
    {
        await using var pooler = await StartAsync(loops);
        await using var busy = await pooler.ConnectAsync(more: Encrypted);
        await using var begun = await busy.BeginTransactionAsync();
        var backend = await busy.BackendPidAsync();
        await using var idle = await pooler.ConnectAsync(more: Encrypted);
        await idle.ScalarAsync("select 1");
        for (var i = 0; i < 3; i++)
        {
            await using var old = await pooler.ReplaceAsync();
            Assert.Equal(0, await old.ExitAsync());
            Assert.DoesNotContain("cannot be handed over", old.Text, StringComparison.Ordinal);
            Assert.Equal(backend, await busy.BackendPidAsync());
            Assert.Equal(i, await idle.ScalarAsync($"select {i}"));
            foreach (var listing in (string[])["SHOW CLIENTS", "SHOW SERVERS"])
            {
                var rows = await pooler.OwnUserAsync(listing);
                Assert.Contains("|TLSv1.3/TLS_AES_256_GCM_SHA384|", rows, StringComparison.Ordinal);
            }
            Assert.Matches(@"tls_own_connections\|[4-9]\ntls_library_connections\|0", await pooler.OwnUserAsync("SHOW FASTPOOL"));
        }
        await begun.CommitAsync();
        Assert.Equal(1, await busy.ScalarAsync("select 1"));
    }

    [PoolerTheory(FastPoolOnly = Reason)]
    [Loops(1)]
    [Loops(4)]
    [Loops(5)]
    [Loops(21)]
    public async Task A_record_that_was_cut_becomes_whole_in_the_new_process(int loops, int bytes)
    {
        await using var pooler = await StartAsync(loops);
        await using var client = await TlsRawClient.LoginAsync(pooler.Port);
        await client.QueryAsync("begin");
        for (var i = 0; i < 3; i++)
        {
            await client.BeginQueryAsync($"select {i}", bytes);
            await pooler.TakeOverAsync();
            Assert.Equal($"{i}", (await client.GoOnAsync()).Rows[0][0]);
        }
        Assert.Equal('I', (await client.QueryAsync("commit")).Status);
    }

    [PoolerTheory(FastPoolOnly = Reason), Loops]
    public async Task COPY_goes_on_both_ways(int loops)
    {
        await using var pooler = await StartAsync(loops);
        await using var client = await pooler.ConnectAsync(more: Encrypted);
        await using var transaction = await client.BeginTransactionAsync();
        await client.ScalarAsync("create temp table much (n int, t text) on commit drop");
        await using (var writer = await client.BeginTextImportAsync("copy much from stdin"))
        {
            for (var i = 0; i < 60_000; i++)
            {
                if (i % 20_000 == 10_000) await pooler.TakeOverAsync();
                await writer.WriteAsync($"{i}\tsome text that makes the row longer than a number\n");
            }
        }
        using (var reader = await client.BeginTextExportAsync("copy (select n from much order by n) to stdout"))
        {
            for (var i = 0; i < 60_000; i++)
            {
                if (i % 20_000 == 10_000) await pooler.TakeOverAsync();
                Assert.Equal($"{i}", await reader.ReadLineAsync());
            }
        }
        Assert.Equal(60_000L, await client.ScalarAsync("select count(*) from much"));
    }

    [PoolerTheory(FastPoolOnly = Reason), Loops]
    public async Task Takeovers_under_load_lose_no_transaction(int loops)
    {
        await using var pooler = await StartAsync(loops, f => f["max_prepared_statements"] = "50");
        var loads = new[] { "simple", "prepared" }
            .Select(mode => TakeoverTests.LoadAsync(pooler, mode, clients: 12, seconds: 6, sslMode: "require")).ToList();
        await using var idle = await pooler.ConnectAsync(more: Encrypted);
        await idle.ScalarAsync("select 1");
        for (var i = 0; i < 5; i++) await pooler.TakeOverAsync();
        foreach (var load in loads)
        {
            var text = await load;
            Assert.Contains("number of failed transactions: 0 (", text, StringComparison.Ordinal);
            Assert.False(text.Contains("error:", StringComparison.Ordinal), text);
        }
        Assert.Equal(1, await idle.ScalarAsync("select 1"));
        Assert.DoesNotContain(pooler.Process.Lines, line => line.Contains(" ERROR ", StringComparison.Ordinal));
    }

    /// <summary>Wherever the new process dies, the old one has sealed nothing and goes on with its own numbers.</summary>
    [PoolerTheory(FastPoolOnly = Reason)]
    [Loops("sendmsg:signal=KILL:when=2")]
    [Loops("sendmsg:signal=KILL:when=3")]
    [Loops("sendmsg:signal=KILL:when=4")]
    [Loops("recvmsg:signal=KILL:when=4")]
    public async Task A_takeover_that_fails_ends_nothing(int loops, string death)
    {
        await using var pooler = await StartAsync(loops);
        await using var busy = await pooler.ConnectAsync(more: Encrypted);
        await using var begun = await busy.BeginTransactionAsync();
        await using var idle = await pooler.ConnectAsync(more: Encrypted);
        await idle.ScalarAsync("select 1");
        for (var i = 0; i < 2; i++)
        {
            await using (var next = pooler.StartNext("strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=" + death))
                await next.ExitAsync();
            Assert.Equal(1, await busy.ScalarAsync("select 1"));
            Assert.Equal(1, await idle.ScalarAsync("select 1"));
        }
        await pooler.TakeOverAsync();
        await begun.CommitAsync();
        Assert.Equal(1, await idle.ScalarAsync("select 1"));
    }

    [ReferenceFact]
    public async Task A_PgBouncer_that_takes_over_leaves_them_to_their_transactions()
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(1, f => f.OfferTls(certificates, "allow"));
        await using var busy = await pooler.ConnectAsync(more: Encrypted);
        await using var begun = await busy.BeginTransactionAsync();
        await busy.ScalarAsync("select 1");
        await using var plain = await pooler.RawAsync();
        await using var old = await pooler.ReplaceAsync(Reference.Path!);
        Assert.Equal("1", (await plain.QueryAsync("select 1")).Rows[0][0]);
        Assert.Equal(1, await busy.ScalarAsync("select 1"));
        await begun.CommitAsync();
        Assert.Equal(0, await old.ExitAsync());
        Assert.Equal("57P01", (await Assert.ThrowsAsync<PostgresException>(() => busy.ScalarAsync("select 1"))).SqlState);
    }
}
