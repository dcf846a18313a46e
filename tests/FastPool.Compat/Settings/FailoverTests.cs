using System.Net;

namespace FastPool.Compat.Effects;

/// <summary>
/// PostgreSQL goes away and comes back, here or elsewhere: who is outside a transaction sees a wait and nothing more.
/// </summary>
public class FailoverTests
{
    private const int Clients = 12;

    [PoolerTheory, Loops]
    public async Task Clients_outside_a_transaction_do_not_notice_a_crash_and_a_restart(int loops)
    {
        await using var server = await Postgres.StartAsync();
        await using var pooler = await Pooler.StartAsync(server.Port, loops);
        await using var clients = await IdleClientsAsync(pooler);
        await server.StopAsync();
        await server.StartAgainAsync();
        var answers = await clients.AskAsync("select 1");
        Assert.True(answers.All(static answer => answer == "1"), pooler.Process.Text);
        Assert.DoesNotContain(pooler.Process.Lines, static line => line.Contains("pooler error", StringComparison.Ordinal));
    }

    [PoolerTheory(FastPoolOnly = "a dead host costs server_login_retry there"), Loops]
    public async Task Idle_clients_hear_nothing_of_a_failover_to_another_host_of_the_list(int loops)
    {
        await using var first = await Postgres.StartAsync();
        await using var second = await Postgres.StartAsync();
        await using var standby = new FaultProxy(second.Port, IPAddress.Parse("127.0.5.5"), first.Port);
        await using var pooler = await Pooler.StartAsync(first.Port, loops, f =>
        {
            f.Databases[Postgres.Database] = $"host=127.0.0.1,127.0.5.5 port={first.Port} dbname=app load_balance_hosts=disable";
            f["server_login_retry"] = "600";
        });
        await using var clients = await IdleClientsAsync(pooler);
        await using var busy = await pooler.RawAsync();
        await busy.QueryAsync("begin");
        Assert.All(await clients.AskAsync("show port"), answer => Assert.Equal($"{first.Port}", answer));
        await first.StopAsync();
        Assert.All(await clients.AskAsync("show port"), answer => Assert.Equal($"{second.Port}", answer));
        Assert.Contains((await busy.ReplyAsync()).Messages, static message => message.Field('M') == "server conn crashed?");
        Assert.Single(pooler.Process.Lines, static line => line.Contains("pooler error", StringComparison.Ordinal));
    }

    [PoolerTheory(FastPoolOnly = "another host would have to wait for server_login_retry"), Loops]
    public async Task RECONNECT_moves_everybody_to_where_the_name_points_now_and_fails_nobody(int loops)
    {
        var server = await Postgres.SharedAsync();
        await using var pooler = await Pooler.StartAsync(server.Port, loops);
        var load = Takeover.TakeoverTests.LoadAsync(pooler, "extended", clients: 10, seconds: 3);
        await Until.TrueAsync(async () =>
            await pooler.PoolAsync("cl_active") + await pooler.PoolAsync("cl_waiting") >= 10, "all clients are in");
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(["RECONNECT"], (await pooler.ConsoleAsync("RECONNECT")).Tags);
            Assert.Equal(["WAIT_CLOSE"], (await pooler.ConsoleAsync("WAIT_CLOSE")).Tags);
        }
        var text = await load;
        Assert.Contains("number of failed transactions: 0 (", text, StringComparison.Ordinal);
        Assert.DoesNotContain("error:", text, StringComparison.Ordinal);
    }

    private static async Task<Crowd> IdleClientsAsync(Pooler pooler)
    {
        var crowd = new Crowd();
        for (var i = 0; i < Clients; i++) crowd.Members.Add(await pooler.RawAsync());
        await crowd.AskAsync("select 1");
        await pooler.PoolIsAsync("sv_login", 0); // A client that comes after a failed login is told so at once, as in PgBouncer.
        return crowd;
    }

    private sealed class Crowd : IAsyncDisposable
    {
        public List<RawClient> Members { get; } = [];

        /// <summary>All at once.</summary>
        public async Task<string?[]> AskAsync(string sql) => await Task.WhenAll(Members.Select(async client =>
        {
            var reply = await client.QueryAsync(sql);
            return reply.Error is null ? reply.Rows[0][0] : reply.ErrorText;
        }));

        public async ValueTask DisposeAsync()
        {
            foreach (var client in Members) await client.DisposeAsync();
        }
    }
}
