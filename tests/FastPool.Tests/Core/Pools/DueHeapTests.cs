using FastPool.Core.Pools;

namespace FastPool.Tests.Core.Pools;

public sealed class DueHeapTests
{
    [Fact]
    public void Room_that_a_crowd_has_needed_is_given_back_and_those_that_are_left_keep_their_order()
    {
        var heap = new DueHeap<Due<int>>();
        var entries = Enumerable.Range(0, 1_000).Select(static number => new Due<int>(number)).ToList();
        foreach (var entry in entries) heap.Set(entry, 7_919L * entry.Subject % 1_000);
        heap.GiveBack();
        Assert.InRange(heap.Room, 1_000, 2_000);
        foreach (var entry in entries.Skip(10)) heap.Remove(entry);
        heap.GiveBack();
        Assert.Equal(10, heap.Room);
        heap.Set(entries[500], 0);
        var order = new List<long>();
        while (heap.TakeDue(1_000) is { } first) order.Add(first.AtUs);
        Assert.Equal(11, order.Count);
        Assert.Equal(order.Order(), order);
        heap.GiveBack();
        Assert.InRange(heap.Room, 0, 8);
    }
}
