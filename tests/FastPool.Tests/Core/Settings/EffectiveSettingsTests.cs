namespace FastPool.Tests.Core.Settings;

using FastPool.Core.Settings;

public sealed class EffectiveSettingsTests
{
    private static readonly Settings Global = Loading.Good(
        """
        [pgbouncer]
        default_pool_size = 20
        reserve_pool_size = 21
        min_pool_size = 22
        pool_mode = statement
        max_db_connections = 23
        max_db_client_connections = 24
        max_user_connections = 25
        max_user_client_connections = 26
        server_lifetime = 27
        query_timeout = 28
        idle_transaction_timeout = 29
        transaction_timeout = 30
        client_idle_timeout = 31
        query_wait_timeout = 32
        auth_user = au
        auth_query = aq
        """);

    [Theory]
    [InlineData("", "", 20, 21, 22, PoolMode.Statement)]
    [InlineData("pool_size=1 reserve_pool_size=2 min_pool_size=3 pool_mode=session", "", 1, 2, 3, PoolMode.Session)]
    [InlineData("pool_size=0 reserve_pool_size=0 min_pool_size=0", "", 0, 0, 0, PoolMode.Statement)]
    [InlineData("pool_size=-1 reserve_pool_size=-1 min_pool_size=-1", "", 20, 21, 22, PoolMode.Statement)]
    [InlineData("pool_size=1 pool_mode=session", "pool_size=4 pool_mode=transaction", 4, 21, 22, PoolMode.Transaction)]
    [InlineData("pool_size=1 reserve_pool_size=2", "pool_size=0 reserve_pool_size=0", 0, 0, 22, PoolMode.Statement)]
    [InlineData("pool_size=1 reserve_pool_size=2", "pool_size=-1 reserve_pool_size=-1", 1, 2, 22, PoolMode.Statement)]
    public void Sizes_from_0_on_and_given_modes_outrank_the_global_ones(
        string database, string user, int poolSize, int reserveSize, int minSize, PoolMode mode)
    {
        var (db, owner) = (DatabaseEntry.TryParse("d", database, [])!, UserEntry.TryParse("u", user, []));
        Assert.Equal(
            (poolSize, reserveSize, minSize, mode),
            (Global.PoolSize(db, owner), Global.ReservePoolSize(db, owner), Global.MinPoolSize(db), Global.PoolMode(db, owner)));
        if (user.Length == 0) Assert.Equal((poolSize, mode), (Global.PoolSize(db, null), Global.PoolMode(db, null)));
    }

    [Theory]
    [InlineData("", null, 32)]
    [InlineData("", "", 32)]
    [InlineData("query_wait_timeout=1", "", 1)]
    [InlineData("query_wait_timeout=1", "query_wait_timeout=2", 2)]
    [InlineData("", "query_wait_timeout=2", 2)]
    [InlineData("query_wait_timeout=0", null, 0)]
    [InlineData("query_wait_timeout=1", "query_wait_timeout=0", 0)]
    [InlineData("query_wait_timeout=1", "query_wait_timeout=-1", 1)]
    [InlineData("query_wait_timeout=-1", "query_wait_timeout=-1", 32)]
    public void The_time_in_the_queue_is_the_users_then_the_databases_and_0_is_off(string database, string? user, long seconds)
    {
        var (db, owner) = (DatabaseEntry.TryParse("d", database, [])!, user is null ? null : UserEntry.TryParse("u", user, []));
        Assert.Equal(seconds * 1_000_000, Global.QueryWaitTimeoutUs(db, owner));
        Assert.Equal(seconds * 1_000_000, new FastPool.Core.Pools.PoolLimits(Global, db, owner).QueryWaitTimeoutUs);
    }

    [Theory]
    [InlineData("", 23, 24, 27_000_000)]
    [InlineData("max_db_connections=1 max_db_client_connections=2 server_lifetime=3", 1, 2, 3_000_000)]
    [InlineData("max_db_connections=0 max_db_client_connections=0 server_lifetime=0", 23, 24, 27_000_000)]
    [InlineData("max_db_connections=-1 max_db_client_connections=-1 server_lifetime=-1", 23, 24, long.MaxValue)]
    public void Limits_of_a_database_count_above_0(string database, int servers, int clients, long lifetimeUs)
    {
        var db = DatabaseEntry.TryParse("d", database, [])!;
        Assert.Equal(
            (servers, clients, lifetimeUs),
            (Global.MaxDbConnections(db), Global.MaxDbClientConnections(db), Global.ServerLifetimeUs(db)));
    }

    [Theory]
    [InlineData(null, 25, 26, 28, 29, 30, 31)]
    [InlineData("", 25, 26, 28, 29, 30, 31)]
    [InlineData("max_user_connections=0 query_timeout=0 client_idle_timeout=-1", 25, 26, 28, 29, 30, 31)]
    [InlineData(
        "max_user_connections=1 max_user_client_connections=2 query_timeout=3 idle_transaction_timeout=4 "
        + "transaction_timeout=5 client_idle_timeout=6",
        1, 2, 3, 4, 5, 6)]
    public void Limits_and_times_of_a_user_count_above_0(
        string? user, int servers, int clients, int query, int idle, int transaction, int client)
    {
        var owner = user is null ? null : UserEntry.TryParse("u", user, []);
        Assert.Equal((servers, clients), (Global.MaxUserConnections(owner), Global.MaxUserClientConnections(owner)));
        long[] timesUs =
        [
            Global.QueryTimeoutUs(owner),
            Global.IdleTransactionTimeoutUs(owner),
            Global.TransactionTimeoutUs(owner),
            Global.ClientIdleTimeoutUs(owner),
        ];
        Assert.Equal([query, idle, transaction, client], timesUs.Select(us => (int)(us / 1_000_000)));
    }

    [Fact]
    public void The_auth_query_of_a_database_outranks_the_global_one()
    {
        var bare = DatabaseEntry.TryParse("d", "", [])!;
        Assert.Equal(("au", "aq", null), (Global.AuthUser(bare), Global.AuthQuery(bare), Global.AuthDbname(bare)));
        var own = DatabaseEntry.TryParse("d", "auth_user=x auth_query=y auth_dbname=z", [])!;
        Assert.Equal(("x", "y", "z"), (Global.AuthUser(own), Global.AuthQuery(own), Global.AuthDbname(own)));
        Assert.Equal(32_000_000, Global.QueryWaitTimeoutUs);
    }
}
