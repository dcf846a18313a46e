using FastPool.Base;

namespace FastPool.Tests.Base;

public sealed class UnsentBytesTests
{
    private readonly BufferPool _pool = new();

    private static byte[] Bytes(int seed, int count)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static UnsentBytes Filled(BufferPool pool, byte[] all, Random dice, int mostAtOnce)
    {
        var unsent = default(UnsentBytes);
        for (var at = 0; at < all.Length;)
        {
            var count = Math.Min(all.Length - at, dice.Next(1, mostAtOnce));
            unsent.Append(all.AsSpan(at, count), pool);
            at += count;
        }
        return unsent;
    }

    [Theory]
    [InlineData(1000, 100, false)]
    [InlineData(256 * 1024, 128 * 1024, false)]
    [InlineData(256 * 1024 + 1, 128 * 1024, true)]
    [InlineData(5_000_000, 128 * 1024, true)]
    [InlineData(5_000_000, 3_000_000, true)]
    public void They_come_out_as_they_went_in(int count, int mostAtOnce, bool hasPieces)
    {
        var all = Bytes(1, count);
        var dice = new Random(2);
        var unsent = Filled(_pool, all, dice, mostAtOnce);
        Assert.Equal((count, hasPieces), (unsent.Count, unsent.HasPieces));
        Assert.Equal(all, unsent.ToArray());
        var taken = new List<byte>();
        while (!unsent.IsEmpty)
        {
            var step = Math.Min(unsent.Front.Length, dice.Next(1, mostAtOnce));
            taken.AddRange(unsent.Front[..step]);
            unsent.Consume(step, _pool);
            Assert.Equal(count - taken.Count, unsent.Count);
        }
        Assert.Equal(all, taken);
        Assert.False(unsent.HasPieces);
    }

    [Fact]
    public void They_come_and_go_at_the_same_time()
    {
        var unsent = default(UnsentBytes);
        var dice = new Random(3);
        var all = Bytes(4, 8_000_000);
        var (appended, taken) = (0, new List<byte>());
        while (taken.Count < all.Length)
        {
            var more = Math.Min(all.Length - appended, dice.Next(200_000));
            unsent.Append(all.AsSpan(appended, more), _pool);
            appended += more;
            for (var turns = dice.Next(4); turns > 0 && !unsent.IsEmpty; turns--)
            {
                var step = dice.Next(unsent.Front.Length + 1);
                taken.AddRange(unsent.Front[..step]);
                unsent.Consume(step, _pool);
            }
        }
        Assert.Equal(all, taken);
        Assert.True(unsent.IsEmpty);
    }

    [Fact]
    public void A_piece_goes_back_as_soon_as_it_is_taken()
    {
        var unsent = default(UnsentBytes);
        unsent.Append(Bytes(5, 256 * 1024 + 2 * UnsentBytes.PieceBytes), _pool);
        unsent.Consume(unsent.Front.Length, _pool);
        Assert.Equal(UnsentBytes.PieceBytes, unsent.Front.Length);
        unsent.Consume(unsent.Front.Length, _pool);
        var first = _pool.Rent(UnsentBytes.PieceBytes);
        Assert.Equal(UnsentBytes.PieceBytes, unsent.Count);
        unsent.Clear(_pool);
        Assert.NotSame(first, _pool.Rent(UnsentBytes.PieceBytes));
        Assert.True(unsent.IsEmpty);
    }
}
