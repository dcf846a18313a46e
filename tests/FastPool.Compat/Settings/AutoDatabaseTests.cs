namespace FastPool.Compat.Effects;

/// <summary>Databases made from the * entry: how they come, hide and go.</summary>
public class AutoDatabaseTests
{
    private const string Dropped = "dropping database 'app' as it does not exist anymore or inactive auto-database";

    [PoolerTheory, Loops]
    public async Task An_idle_one_is_hidden_comes_back_by_use_and_is_dropped_after_its_time(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            UseStar(f);
            f["server_idle_timeout"] = "1";
            f["autodb_idle_timeout"] = "3";
        });
        await pooler.ScalarAsync("select 1");
        Assert.Contains("app", await NamesAsync(pooler));
        await Until.TrueAsync(async () => !(await NamesAsync(pooler)).Contains("app"), "it is hidden");
        Assert.DoesNotContain(Dropped, pooler.Process.Text);
        await pooler.ScalarAsync("select 1");
        Assert.Contains("app", await NamesAsync(pooler));
        Assert.Single(pooler.Process.Lines, line => line.Contains("registered new auto-database: app", StringComparison.Ordinal));
        await pooler.LineAsync(Dropped);
        await pooler.ScalarAsync("select 1");
        Assert.Equal(2,
            pooler.Process.Lines.Count(line => line.Contains("registered new auto-database: app", StringComparison.Ordinal)));
    }

    [PoolerTheory, Loops]
    public async Task A_changed_template_moves_its_databases_to_the_new_server(int loops)
    {
        await using var second = await Postgres.StartAsync();
        await using var pooler = await Pooler.StartAsync(loops, f => UseStar(f));
        await using var client = await pooler.RawAsync();
        var first = (await client.QueryAsync("begin; show port")).Rows[0][0];
        pooler.Rewrite(f => f.Databases["*"] = $"host=127.0.0.1 port={second.Port}");
        Assert.Equal(["RELOAD"], (await pooler.ConsoleAsync("RELOAD")).Tags);
        Assert.Equal(first, (await client.QueryAsync("show port")).Rows[0][0]);
        await client.QueryAsync("commit");
        Assert.Equal($"{second.Port}", (await client.QueryAsync("show port")).Rows[0][0]);
    }

    [PoolerTheory, Loops]
    public async Task An_entry_of_its_own_takes_an_auto_database_over(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            UseStar(f);
            f["server_idle_timeout"] = "1";
            f["autodb_idle_timeout"] = "1";
        });
        await using var client = await pooler.RawAsync();
        Assert.Equal("TDCZ", (await client.QueryAsync("select 1")).Types);
        pooler.Rewrite(f => f.Databases[Postgres.Database] = "{server} dbname=app pool_size=3");
        await pooler.ConsoleAsync("RELOAD");
        Assert.Equal("TDCZ", (await client.QueryAsync("select 1")).Types);
        await client.DisposeAsync();
        await pooler.LineAsync("closing because: server idle timeout");
        await pooler.PoolIsAsync("sv_idle", 0);
        Assert.Contains("app", await NamesAsync(pooler));
        Assert.DoesNotContain(Dropped, pooler.Process.Text);
    }

    private static void UseStar(PoolerFile file)
    {
        file.Databases.Clear();
        file.Databases["*"] = "{server}";
    }

    private static async Task<IEnumerable<string?>> NamesAsync(Pooler pooler) =>
        (await pooler.ConsoleAsync("SHOW DATABASES")).Rows.Select(row => row[0]);
}
