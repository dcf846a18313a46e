namespace FastPool.Compat.Pooling;

/// <summary>Servers that do not answer, or not as they should, what the pooler itself asks of them.</summary>
public class SilentServerTests
{
    [PoolerTheory(FastPoolOnly = "what a client left behind is there for the next one"), Loops]
    public async Task A_server_whose_reset_fails_serves_nobody_after_it(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["pool_mode"] = "session";
            f["server_reset_query"] = "select 1/0";
            f["default_pool_size"] = "1";
        });
        var seen = new HashSet<string>();
        for (var i = 0; i < 3; i++)
        {
            await using var client = await pooler.RawAsync();
            var row = (await client.QueryAsync("select pg_backend_pid(), current_setting('work_mem')")).Rows[0];
            Assert.True(seen.Add(row[0]!), "the same server again");
            Assert.NotEqual("77MB", row[1]);
            Assert.Equal("CZ", (await client.QueryAsync("set work_mem to '77MB'")).Types);
        }
        await pooler.LineAsync("reset query failed, closing the connection: ERROR 22012: division by zero");
        await pooler.LineAsync("closing because: reset query failed (age");
        Assert.Equal(1, pooler.Process.Text.Split("22012").Length - 1); // Once a minute.
    }

    [PoolerTheory(FastPoolOnly = "such a server holds its place until its idle time is over"), Loops]
    public async Task A_server_that_never_answers_its_check_is_given_up_and_a_pause_returns(int loops)
    {
        var isSilent = false;
        await using var server = new ScriptedServer(async peer =>
        {
            await peer.WelcomeAsync(("server_version", "15.0"), ("client_encoding", "UTF8"));
            for (; ; )
            {
                var message = await peer.ReadAsync();
                if (message.Type == 'X') return;
                if (message.Type != 'Q' || Volatile.Read(ref isSilent)) continue;
                await peer.SendAsync('C', "SELECT 1\0"u8.ToArray());
                await peer.SendAsync('Z', (byte)'I');
            }
        });
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["server_check_query"] = "select 1";
            f["server_check_delay"] = "0";
            f["server_tls_sslmode"] = "disable";
            f.Databases["silent"] = $"host=127.0.0.1 port={server.Port} pool_size=1";
        });
        await using var client = await pooler.RawAsync(database: "silent");
        Assert.Equal('I', (await client.QueryAsync("select 1")).Status);
        Volatile.Write(ref isSilent, true);
        await client.SendAsync(Wire.Query("select 2"));
        await pooler.PoolIsAsync("sv_tested", 1, database: "silent");
        Assert.Equal(["PAUSE"], (await pooler.ConsoleAsync("PAUSE silent")).Tags);
        await pooler.LineAsync("closing because: test query failed (age");
    }
}
