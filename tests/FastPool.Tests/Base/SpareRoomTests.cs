using FastPool.Base;

namespace FastPool.Tests.Base;

public sealed class SpareRoomTests
{
    [Theory]
    [InlineData(1000, 0, 16)]
    [InlineData(1000, 16, 16)]
    [InlineData(1000, 17, 17)]
    [InlineData(1000, 499, 499)]
    [InlineData(1000, 500, 1000)] // A few that come and go need no other array.
    [InlineData(1000, 1000, 1000)]
    [InlineData(32, 0, 32)]
    [InlineData(0, 0, 0)]
    public void An_array_has_as_much_room_as_is_used_when_it_had_much_more(int length, int used, int room)
    {
        var array = Enumerable.Range(0, length).ToArray();
        SpareRoom.GiveBack(ref array, used, 16);
        Assert.Equal(Enumerable.Range(0, room), array);
    }
}
