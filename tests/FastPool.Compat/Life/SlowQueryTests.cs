using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace FastPool.Compat.Life;

/// <summary>log_min_duration, with a real server.</summary>
public class SlowQueryTests
{
    [PoolerTheory(FastPoolOnly = "has no such setting"), Loops]
    public async Task Slow_queries_and_transactions_are_in_the_log_and_parameters_are_not(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, file =>
        {
            file.Own["log_min_duration"] = "200";
            file["max_prepared_statements"] = "10";
        });
        await using var raw = await pooler.RawAsync();
        await raw.QueryAsync("select 'simple', pg_sleep(0.25)");
        await pooler.LineAsync("slow query: ");
        var took = Regex.Match(pooler.Process.Text, @"slow query: (\d+)\.\d{3} ms").Groups[1].Value;
        Assert.InRange(int.Parse(took, CultureInfo.InvariantCulture), 250, 10_000);
        await using (var connection = await pooler.ConnectAsync())
        {
            await using var command = new NpgsqlCommand("select $1::text, pg_sleep(0.25)", connection);
            command.Parameters.Add(new NpgsqlParameter { Value = "hidden" });
            await command.PrepareAsync();
            await command.ExecuteScalarAsync();
        }
        await pooler.LineAsync(": select $1::text, pg_sleep(0.25)");
        await raw.QueryAsync("begin");
        for (var i = 0; i < 5; i++) await raw.QueryAsync("select pg_sleep(0.05)");
        await raw.QueryAsync("commit");
        await pooler.LineAsync("slow transaction: ");
        Assert.DoesNotContain("hidden", pooler.Process.Text, StringComparison.Ordinal);
    }
}
