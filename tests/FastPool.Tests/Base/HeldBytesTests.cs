using FastPool.Base;

namespace FastPool.Tests.Base;

public sealed class HeldBytesTests
{
    private readonly BufferPool _pool = new();

    private static byte[] Bytes(int start, int count) => [.. Enumerable.Range(start, count).Select(i => (byte)i)];

    [Fact]
    public void Nothing_holds_no_buffer()
    {
        var held = default(HeldBytes);
        held.Append([], _pool);
        Assert.True(held.IsEmpty);
        Assert.Null(held.Buffer);
        Assert.Equal(0, held.Span.Length);
    }

    [Fact]
    public void Held_bytes_come_out_unchanged_in_pieces_of_any_size()
    {
        var held = default(HeldBytes);
        var all = Bytes(0, 250).Concat(Bytes(7, 250)).Concat(Bytes(3, 250)).ToArray();
        var appended = 0;
        var consumed = new List<byte>();
        var step = 1;
        while (consumed.Count < all.Length)
        {
            var count = Math.Min(all.Length - appended, step * 13 % 97);
            held.Append(all.AsSpan(appended, count), _pool);
            appended += count;
            var taken = Math.Min(held.Count, step * 7 % 61);
            consumed.AddRange(held.Span[..taken]);
            held.Consume(taken, _pool);
            step++;
        }
        Assert.Equal(all, consumed);
        Assert.True(held.IsEmpty);
    }

    [Fact]
    public void The_last_byte_consumed_gives_the_buffer_back()
    {
        var held = default(HeldBytes);
        held.Append(Bytes(0, 10), _pool);
        var buffer = held.Buffer;
        held.Consume(10, _pool);
        Assert.Null(held.Buffer);
        Assert.Same(buffer, _pool.Rent(10));
    }

    [Fact]
    public void A_larger_buffer_replaces_a_full_one_which_goes_back()
    {
        var held = default(HeldBytes);
        held.Append(Bytes(0, 256), _pool);
        var small = held.Buffer;
        held.Append(Bytes(1, 1), _pool);
        Assert.Equal([.. Bytes(0, 256), 1], held.Span.ToArray());
        Assert.Same(small, _pool.Rent(256));
    }

    [Fact]
    public void Taking_leaves_nothing_behind()
    {
        var held = default(HeldBytes);
        held.Append(Bytes(0, 3), _pool);
        var taken = held.Take();
        Assert.True(held.IsEmpty);
        Assert.Null(held.Buffer);
        Assert.Equal(Bytes(0, 3), taken.Span.ToArray());
    }

    [Theory]
    [InlineData(100, 32)]
    [InlineData(240, 16)]
    [InlineData(256, 0)]
    [InlineData(128 * 1024, 0)]
    public void Room_in_front_takes_no_larger_buffer(int count, int inFront)
    {
        var held = default(HeldBytes);
        var bytes = Bytes(0, count);
        held.Append(bytes, _pool, 32);
        Assert.Equal(inFront, held.Start);
        Assert.Equal(Math.Max(256, count), held.Buffer.Length);
        Assert.Equal(bytes, held.Span.ToArray());
    }

    [Fact]
    public void Consuming_more_than_there_is_breaks_an_invariant()
    {
        var held = default(HeldBytes);
        held.Append(Bytes(0, 3), _pool);
        Assert.Throws<CheckFailedException>(() => held.Consume(4, _pool));
    }
}
