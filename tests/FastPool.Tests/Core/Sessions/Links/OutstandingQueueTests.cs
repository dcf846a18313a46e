using FastPool.Base;
using FastPool.Core.Sessions;

namespace FastPool.Tests.Core.Sessions;

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
            if (model.Count > 0 && random.Next(100) < (i / 1000 % 2 == 0 ? 30 : 70))
                Assert.Equal(model.Dequeue(), queue.Pop().Type);
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

    /// <summary>The counts of the middle stay right, whatever comes and goes.</summary>
    [Fact]
    public void Its_counts_are_those_of_its_places()
    {
        var random = new Random(2);
        var queue = new OutstandingQueue();
        for (var i = 0; i < 20_000; i++)
        {
            if (!queue.IsEmpty && random.Next(100) < (i / 1000 % 2 == 0 ? 30 : 70)) queue.Pop();
            else queue.Add("QPBDECSF"u8[random.Next(8)], (ReplyAction)random.Next(3));
            if (i % 97 != 0) continue;
            var all = Enumerable.Range(0, queue.Count).Select(place => queue[place]).ToList();
            Assert.Equal(all.Count(static request => request.Type == 'S'), queue.SyncCount);
            Assert.Equal(all.Count(static request => request.Type == 'E'), queue.ExecuteCount);
            Assert.Equal(all.Count(static request => request.Type == 'Q'), queue.QueryCount);
            Assert.Equal(all.Count(static request => request.Action == ReplyAction.Fake), queue.FakeCount);
            Assert.Equal(all.Count(static request => request is { Type: (byte)'C', Action: ReplyAction.Swallow }),
                queue.FenceCount);
            Assert.Equal(all.All(static request => request.Action == ReplyAction.Forward), queue.IsAllForwarded);
        }
    }
}
