using Xunit.Abstractions;

namespace FastPool.Compat.Pooling;

/// <summary>The memory that a crowd has needed goes back to the system when the crowd has left.</summary>
public class StormMemoryTests(ITestOutputHelper output)
{
    private const int Crowd = 1_500;

    [PoolerTheory(FastPoolOnly = "gives back what a crowd has needed"), Loops]
    public async Task A_crowd_that_has_left_leaves_no_memory_behind(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, file =>
        {
            file["default_pool_size"] = "4";
            file["max_client_conn"] = $"{Crowd + 50}";
            file["log_connections"] = "0";
            file["log_disconnections"] = "0";
        });
        await ComeAndGoAsync(pooler, 100); // All that a client needs has run once.
        await pooler.PoolIsAsync("cl_active", 0);
        await Task.Delay(1_000);
        var before = UnreadingClient.ResidentKilobytes(pooler.Pid);
        await ComeAndGoAsync(pooler, Crowd, () =>
            output.WriteLine($"{before} kB before, {UnreadingClient.ResidentKilobytes(pooler.Pid)} kB with {Crowd} clients"));
        await Until.TrueAsync(
            () => UnreadingClient.ResidentKilobytes(pooler.Pid) <= before,
            "no more is resident than before",
            40,
            () => $"{before} kB before, {UnreadingClient.ResidentKilobytes(pooler.Pid)} kB now");
        output.WriteLine($"{UnreadingClient.ResidentKilobytes(pooler.Pid)} kB after they have left");
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
    }

    private static async Task ComeAndGoAsync(Pooler pooler, int count, Action? whenAllAreIn = null)
    {
        var clients = new RawClient[count];
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (number, _) =>
        {
            clients[number] = await pooler.RawAsync();
            await clients[number].QueryAsync("select 1");
        });
        whenAllAreIn?.Invoke();
        await Task.WhenAll(clients.Select(static client => client.DisposeAsync().AsTask()));
    }
}
