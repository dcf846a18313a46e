using FastPool.Net;

namespace FastPool.Tests.Net;

/// <summary>The number of connections that a tick looks at: idle ones must not be among them.</summary>
public sealed class DueBlocksTests
{
    private sealed class Item
    {
        public int Place { get; set; } = -1;
        public long DueUs { get; set; } = DueBlocks.Never;
    }

    private readonly ConnectionList<Item> _list = new((item, place) => item.Place = place);
    private readonly List<Item> _looked = [];

    private List<Item> Add(int count)
    {
        List<Item> added = [.. Enumerable.Range(0, count).Select(static _ => new Item())];
        added.ForEach(_list.Add);
        return added;
    }

    private int Tick(long nowUs)
    {
        _looked.Clear();
        _list.TimeOuts.Tick(_list, nowUs, item =>
        {
            _looked.Add(item);
            return item.DueUs;
        });
        return _looked.Count;
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(4_000)]
    [InlineData(16_000)]
    public void Of_many_idle_ones_those_are_looked_at_that_stand_beside_one_that_is_touched(int count)
    {
        var items = Add(count);
        Assert.Equal(count, Tick(0)); // Each once, when it has come.
        Assert.Equal(0, Tick(1));
        for (var i = 1; i <= 5; i++) _list.Touch(items[i * 150].Place);
        Assert.Equal(5 * DueBlocks.Size, Tick(2));
        Assert.Equal(0, Tick(3));
    }

    [Fact]
    public void Nobody_is_looked_at_late_whoever_comes_and_leaves()
    {
        var random = new Random(1);
        for (var nowUs = 0L; nowUs < 2_000; nowUs++)
        {
            foreach (var item in Add(random.Next(4))) item.DueUs = nowUs + random.Next(1, 500);
            for (var i = random.Next(3); i > 0 && _list.Count > 0; i--) _list.RemoveAt(random.Next(_list.Count));
            var due = _list.Where(item => item.DueUs <= nowUs).ToHashSet();
            Tick(nowUs);
            Assert.Subset(_looked.ToHashSet(), due);
            _list.TimeOuts.TouchAll();
            _list.TimeOuts.Tick(_list, nowUs, item => item.DueUs > nowUs ? item.DueUs : item.DueUs = nowUs + random.Next(1, 500));
        }
    }

    [Fact]
    public void One_that_takes_the_place_of_a_leaver_brings_its_time_along()
    {
        var items = Add(DueBlocks.Size + 1);
        items[^1].DueUs = 7;
        Tick(0);
        _list.RemoveAt(3);
        Assert.Equal(3, items[^1].Place);
        Assert.Equal(0, Tick(6));
        Tick(7);
        Assert.Contains(items[^1], _looked);
    }

    [Fact]
    public void A_look_may_close_what_it_finds()
    {
        var items = Add(3 * DueBlocks.Size);
        _list.TimeOuts.Tick(_list, 0, item =>
        {
            _looked.Add(item);
            if (items.IndexOf(item) % 3 == 0) _list.RemoveAt(item.Place);
            return DueBlocks.Never;
        });
        Assert.Equal(items.Count, _looked.Distinct().Count());
        Assert.Equal(2 * DueBlocks.Size, _list.Count);
    }

    [Fact]
    public void One_that_moves_in_the_midst_of_a_look_at_its_block_brings_its_time_along()
    {
        var items = Add(2 * DueBlocks.Size);
        Tick(0);
        items[^1].DueUs = 7;
        _list.Touch(items[^1].Place);
        _list.TimeOuts.Tick(_list, 1, item =>
        {
            if (item == items[^2]) _list.RemoveAt(3); // The last one, which has been looked at, takes that place.
            return item.DueUs;
        });
        Assert.Equal(3, items[^1].Place);
        Tick(7);
        Assert.Contains(items[^1], _looked);
    }

    [Fact]
    public void A_look_that_throws_puts_nobody_off()
    {
        var items = Add(3 * DueBlocks.Size);
        Assert.Throws<InvalidOperationException>(() => _list.TimeOuts.Tick(
            _list, 0, item => item == items[DueBlocks.Size] ? throw new InvalidOperationException() : DueBlocks.Never));
        Assert.Equal(items.Count, Tick(1));
    }

    [Fact]
    public void One_touched_in_the_midst_of_a_tick_is_looked_at_in_the_next()
    {
        var items = Add(10);
        Tick(0);
        _list.Touch(items[5].Place);
        _list.TimeOuts.Tick(_list, 1, item =>
        {
            _list.Touch(item.Place);
            return DueBlocks.Never;
        });
        Assert.Equal(10, Tick(2));
    }

    [Fact]
    public void A_place_that_is_none_is_passed_over()
    {
        _list.Touch(-1);
        Add(1);
        Tick(0);
        _list.Touch(-1);
        Assert.Equal(0, Tick(1));
    }
}
