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
                queue.Add((byte)(i % 90)); // Below the letters that end a COPY.
                model.Enqueue((byte)(i % 90));
            }
            Assert.Equal(model.Count, queue.Count);
            if (model.Count > 0) Assert.Equal(model.Peek(), queue.Head.Type);
        }
        Assert.Equal(model, Enumerable.Range(0, queue.Count).Select(i => queue[i].Type));
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

    [Fact]
    public void The_end_of_a_COPY_goes_with_the_request_it_stood_behind()
    {
        var queue = new OutstandingQueue();
        foreach (var type in "QccPf") queue.Add((byte)type);
        Assert.Equal(1, queue.FindCopyEnd());
        Assert.Equal((byte)'Q', queue.Pop().Type);
        Assert.Equal((byte)'P', queue.Head.Type);
        Assert.Equal((byte)'P', queue.Pop().Type);
        Assert.True(queue.IsEmpty);
        Assert.Equal(5, queue.PoppedCount);
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
