using FastPool.Base;
using FastPool.Net;

namespace FastPool.Tests.Net;

public sealed class ConnectionListTests
{
    private sealed class Item
    {
        public int Place { get; set; } = -1;
    }

    [Fact]
    public void Each_knows_its_place_whoever_leaves()
    {
        var random = new Random(1);
        var list = new ConnectionList<Item>((item, place) => item.Place = place);
        var present = new HashSet<Item>();
        for (var i = 0; i < 5_000; i++)
        {
            if (present.Count == 0 || random.Next(2) == 0)
            {
                var item = new Item();
                list.Add(item);
                present.Add(item);
            }
            else
            {
                var leaver = list[random.Next(list.Count)];
                list.RemoveAt(leaver.Place);
                present.Remove(leaver);
            }
            Assert.Equal(present.Count, list.Count);
        }
        Assert.All(present, item => Assert.Same(item, list[item.Place]));
        Assert.True(present.SetEquals(list));
    }

    [Fact]
    public void Room_for_a_crowd_goes_when_the_crowd_goes()
    {
        var list = new ConnectionList<Item>((item, place) => item.Place = place);
        for (var i = 0; i < 10_000; i++) list.Add(new Item());
        Assert.InRange(list.Room, 10_000, 15_000);
        while (list.Count > 100) list.RemoveAt(list.Count / 2);
        Assert.InRange(list.Room, 100, 400);
        var room = list.Room;
        for (var i = 0; i < 50; i++) list.RemoveAt(0);
        for (var i = 0; i < 50; i++) list.Add(new Item());
        Assert.InRange(list.Room, room / 2, room); // A few that come and go move nothing much.
        Assert.All(list, item => Assert.Same(item, list[item.Place]));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    public void There_is_no_place_outside(int index) =>
        Assert.Throws<CheckFailedException>(() => new ConnectionList<Item>((_, _) => { }).RemoveAt(index));
}
