namespace FastPool.Compat.Pooling;

/// <summary>error_details: the reason behind an error of the pooler's own.</summary>
public class ErrorDetailTests
{
    private const string FastPoolOnly = "its errors have no DETAIL";

    [PoolerTheory(FastPoolOnly = FastPoolOnly)]
    [Loops(true)]
    [Loops(false)]
    public async Task A_wait_in_vain_says_why_the_server_cannot_be_had(int loops, bool hasDetails)
    {
        await using var server = await Postgres.StartAsync();
        await using var pooler = await Pooler.StartAsync(server.Port, loops, f =>
        {
            f["query_wait_timeout"] = "1";
            f["server_login_retry"] = "1";
            if (!hasDetails) f.Own["error_details"] = "0";
        });
        await using var first = await pooler.RawAsync();
        await first.QueryAsync("select 1");
        await server.StopAsync();
        await pooler.PoolIsAsync("sv_idle", 0);
        var waited = await first.QueryAsync("select 1");
        const string What = "connect failed: Connection refused.";
        var refusal = hasDetails ? $"Server 127.0.0.1:{server.Port}, user \"user_trust\": {What}" : null;
        Assert.Equal("FATAL/08P01 query_wait_timeout", waited.ErrorText);
        Assert.Equal(refusal, waited.Error!.Field('D'));
        await using var second = await pooler.RawAsync();
        var told = await second.QueryAsync("select 1");
        Assert.Equal("FATAL/08P01 server login has been failing, cached error: connect failed (server_login_retry)", told.ErrorText);
        Assert.Equal(refusal, told.Error!.Field('D'));
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task A_full_pool_says_so(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["default_pool_size"] = "1";
            f["query_wait_timeout"] = "1";
        });
        await using var holder = await pooler.RawAsync();
        await using var waiter = await pooler.RawAsync();
        await holder.QueryAsync("begin");
        Assert.Equal("All server connections of the pool are in use (pool_size 1).",
            (await waiter.QueryAsync("select 1")).Error!.Field('D'));
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task A_refused_login_says_where_and_as_whom(int loops)
    {
        var server = await Postgres.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f =>
            f.Databases["other"] = $"host=127.0.0.1 port={server.Port} dbname=no_such_database user=user_trust");
        await using var client = await RawClient.ConnectAsync(pooler.Port);
        await client.SendAsync(Wire.Startup(("user", "user_trust"), ("database", "other")));
        Message? error;
        do error = await client.ReadAsync();
        while (error is { Type: not 'E' });
        Assert.Equal("database \"no_such_database\" does not exist", error!.Field('M'));
        Assert.StartsWith($"Server 127.0.0.1:{server.Port}, user \"user_trust\": ", error.Field('D'), StringComparison.Ordinal);
    }
}
