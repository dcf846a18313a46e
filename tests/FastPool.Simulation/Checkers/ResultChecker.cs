using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Checkers;

/// <summary>Held results count exactly, never beyond their total, and not for a client that is gone or has read all.</summary>
internal sealed class ResultChecker(World world) : Checker(world)
{
    internal override void AfterTurn()
    {
        var taken = World.Group.HeldResultBytes;
        var (rooms, figures) = (0L, 0L);
        foreach (var loop in World.Group.All)
        {
            figures += loop.Figures.HeldResultBytes;
            for (var i = 0; i < loop.ClientList.Count; i++)
            {
                var client = loop.ClientList[i];
                rooms += client.Room;
                Holds(client.Room <= World.Plan.ResultBuffer, $"a client has room for {client.Room} bytes of a result");
                Holds(client.Room == 0 || client.IsCongested, "a client that has read all has room for more");
            }
        }
        Holds(taken == rooms, $"{taken} bytes are taken of result_buffer_total, clients have {rooms}");
        var total = World.Plan.ResultBufferTotal;
        Holds(taken <= total, $"{taken} bytes are taken, result_buffer_total is {total}");
        Holds(figures == taken, $"the loops' figures are {figures} bytes, {taken} are taken");
    }

    internal override void AtEnd() => Holds(World.Group.HeldResultBytes == 0, "bytes of results are counted that nobody has");
}
