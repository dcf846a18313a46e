using FastPool.Base;

namespace FastPool.Net;

/// <summary>
/// A client that reads its result slowly (result_buffer): the bytes wait here in place of the server, which is free as soon as
/// it has said all.
/// </summary>
internal sealed partial class ClientConnection
{
    private bool _wasRefused; // For want of a share in the total, since it last had read everything.

    /// <summary>When the client last took some of what was held for it.</summary>
    internal long TakenUs { get; private set; }

    /// <summary>A server that goes nowhere behind the result is not read ahead: nobody waits for it.</summary>
    protected override bool TakesMore()
    {
        var own = _loop.Registry.Settings.Own;
        if (own.ResultBuffer == 0) return false;
        if (Unsent.Count < Room) return true;
        if (Server is not { Session.IsKeptByClient: false }) return false;
        var room = (int)Math.Min(own.ResultBuffer, RoomFor((long)Unsent.Count + 1));
        if (room <= Unsent.Count) return false;
        if (!_loop.Shared.Results.TryTake(room - Room, own.ResultBufferTotal))
        {
            if (!_wasRefused) _loop.Figures.ResultsRefused++;
            _wasRefused = true;
            return false;
        }
        if (Room == 0) BeginHolding();
        SetRoom(room);
        return true;
    }

    private void BeginHolding()
    {
        TakenUs = _loop.NowUs;
        _loop.Figures.ResultsHeld++;
    }

    protected override void OnTaken()
    {
        TakenUs = _loop.NowUs;
        if (Unsent.IsEmpty) _wasRefused = false;
        var room = (int)Math.Min(Room, RoomFor(Unsent.Count));
        if (room == Room) return;
        _loop.Shared.Results.GiveBack(Room - room);
        SetRoom(room);
    }

    private void SetRoom(int room)
    {
        _loop.Figures.HeldResultBytes += room - Room;
        Room = room;
    }

    /// <summary>In whole pieces, as the memory is.</summary>
    private static long RoomFor(long bytes) => (bytes + UnsentBytes.PieceBytes - 1) & -UnsentBytes.PieceBytes;

    /// <summary>Another process has held them. They are here: so they count, whatever is left of the total.</summary>
    private void HoldAgain()
    {
        if (!Unsent.HasPieces && (Unsent.IsEmpty || _loop.Registry.Settings.Own.ResultBuffer == 0)) return;
        var room = (int)Math.Min(RoomFor(Unsent.Count), int.MaxValue);
        _loop.Shared.Results.Take(room);
        BeginHolding();
        SetRoom(room);
    }
}
