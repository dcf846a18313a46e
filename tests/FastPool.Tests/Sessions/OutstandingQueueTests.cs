using FastPool.Base;
using FastPool.Core.Sessions;

namespace FastPool.Tests.Sessions;

public sealed class OutstandingQueueTests
{
    [Fact]
    public void It_is_a_queue_whatever_its_length()
    {
        var random = new Random(1);
        var queue = new OutstandingQueue();
        var model = new Queue<byte>();
        for (var i = 0; i < 20_000; i++)
        {
            if (model.Count > 0 && random.Next(100) < (i / 1000 % 2 == 0 ? 30 : 70)) Assert.Equal(model.Dequeue(), queue.Pop().Type);
            else
            {
                var type = "QPBDESHF"u8[i % 8];
                queue.Add(type);
                model.Enqueue(type);
            }
            Assert.Equal(model.Count, queue.Count);
            if (model.Count > 0) Assert.Equal(model.Peek(), queue.Head.Type);
        }
        Assert.Equal(model, Enumerable.Range(0, queue.Count).Select(i => queue[i].Type));
    }

    [Theory]
    [InlineData('c')]
    [InlineData('f')]
    public void The_end_of_a_copy_that_never_began_leaves_with_what_it_stood_behind(char end)
    {
        var queue = new OutstandingQueue();
        queue.Add((byte)'Q');
        queue.Add((byte)end);
        queue.Add((byte)end);
        queue.Add((byte)'S');
        Assert.Equal((byte)'Q', queue.Pop().Type);
        Assert.Equal((1, (byte)'S'), (queue.Count, queue.Head.Type));
        Assert.Equal(3, queue.PoppedCount);
    }

    [Fact]
    public void Only_a_head_of_that_type_is_popped()
    {
        var queue = new OutstandingQueue();
        Assert.False(queue.TryPop((byte)'P', out _));
        queue.Add((byte)'P');
        Assert.False(queue.TryPop((byte)'B', out _));
        Assert.True(queue.TryPop((byte)'P', out var request));
        Assert.Equal((byte)'P', request.Type);
        Assert.Throws<CheckFailedException>(() => queue.Pop());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(9)]
    public void A_place_in_the_middle_closes_up(int index)
    {
        var queue = new OutstandingQueue();
        for (var i = 0; i < 5; i++) queue.Add(0);
        for (var i = 0; i < 5; i++) queue.Pop();
        for (var i = 0; i < 10; i++) queue.Add((byte)i);
        queue.RemoveAt(index);
        Assert.Equal(Enumerable.Range(0, 10).Where(i => i != index), Enumerable.Range(0, queue.Count).Select(i => (int)queue[i].Type));
    }
}
