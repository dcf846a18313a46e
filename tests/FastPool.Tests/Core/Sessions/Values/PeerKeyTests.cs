using FastPool.Core.Sessions;

namespace FastPool.Tests.Core.Sessions;

/// <summary>The layout that poolers which are peers agree on.</summary>
public sealed class PeerKeyTests
{
    [Fact]
    public void A_key_of_PgBouncer_is_read_and_one_of_ours_is_laid_out_alike()
    {
        const ulong ofPgBouncer = 0x6401001f1da1ebdf; // Given out by a PgBouncer with peer_id = 1.
        Assert.Equal(1, PeerKey.IdOf(ofPgBouncer));
        Assert.True(PeerKey.MayPassOn(ofPgBouncer));
        Assert.Equal(ofPgBouncer, PeerKey.Of(1, 0x64ffff1f1da1ebdcUL));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(65535)]
    public void An_id_comes_out_as_it_went_in(int id)
    {
        var random = new Random(id);
        for (var i = 0; i < 1000; i++)
        {
            var key = PeerKey.Of(id, (ulong)random.NextInt64() & 0x7fffffffffffffff);
            Assert.Equal(id, PeerKey.IdOf(key));
            Assert.Equal(0UL, key >> 63);
        }
    }

    [Fact]
    public void A_key_is_passed_on_three_times_and_is_known_again_after_each()
    {
        var key = PeerKey.Of(7, 0x0123456789abcdef);
        var hops = 0;
        for (var passed = key; PeerKey.MayPassOn(passed); passed = PeerKey.PassedOn(passed))
        {
            hops++;
            Assert.Equal(7, PeerKey.IdOf(passed));
            Assert.Equal(key, PeerKey.Fresh(passed));
        }
        Assert.Equal(3, hops);
    }
}
