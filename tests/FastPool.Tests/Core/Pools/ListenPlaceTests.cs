using FastPool.Tests.Harness;

namespace FastPool.Tests.Core.Pools;

/// <summary>A pool has one listening connection at most, and it never takes the last place under a limit.</summary>
public sealed class ListenPlaceTests
{
    [Theory]
    [InlineData("default_pool_size=1", false)]
    [InlineData("default_pool_size=2", true)]
    [InlineData("default_pool_size=0", true)]
    [InlineData("default_pool_size=2\nmax_db_connections=1", false)]
    [InlineData("default_pool_size=2\nmax_db_connections=2", true)]
    [InlineData("default_pool_size=2\nmax_user_connections=1", false)]
    [InlineData("default_pool_size=2\nmax_user_connections=2", true)]
    public void It_leaves_a_place_for_others(string settings, bool isTaken)
    {
        var pool = new SessionBench(settings).PoolOf();
        Assert.Equal(isTaken, pool.TryBeginListening(this, isPinned: false));
        Assert.Equal(isTaken ? 1 : 0, pool.PinnedServers);
        Assert.Equal(isTaken, pool.Listening.Holder == this);
        Assert.False(pool.TryBeginListening(new object(), isPinned: false));
        pool.EndListening(new object());
        Assert.Equal(isTaken, pool.Listening.Holder == this);
        pool.EndListening(this);
        Assert.Equal(0, pool.PinnedServers);
        Assert.Equal(isTaken, pool.TryBeginListening(this, isPinned: false));
    }

    [Fact]
    public void Pools_under_one_limit_leave_a_place_together()
    {
        var bench = new SessionBench(
            "default_pool_size=5\nmax_db_connections=3", users: "\"ann\" \"a\"\n\"bob\" \"b\"\n\"eve\" \"e\"");
        var (one, two, three) = (bench.PoolOf(), bench.PoolOf("bob"), bench.PoolOf("eve"));
        Assert.True(one.TryBeginListening(one, isPinned: false));
        Assert.True(two.TryBeginListening(two, isPinned: false));
        Assert.False(three.TryBeginListening(three, isPinned: false));
        Assert.Equal(0, three.PinnedServers);
        one.EndListening(one);
        Assert.True(three.TryBeginListening(three, isPinned: false));
        // One that another process has left is there whatever the limits say.
        Assert.True(one.TakeListening(one));
        Assert.False(one.TakeListening(two));
    }

    [Fact]
    public void It_counts_as_a_pinned_server_once()
    {
        var pool = new SessionBench("default_pool_size=4", own: "pinned_servers_max=1").PoolOf();
        Assert.True(pool.TryPin());
        Assert.False(pool.TryBeginListening(this, isPinned: false));
        Assert.True(pool.TryBeginListening(this, isPinned: true));
        Assert.False(pool.TryPin());
        pool.EndListening(this);
        Assert.Equal(0, pool.PinnedServers);
    }
}
