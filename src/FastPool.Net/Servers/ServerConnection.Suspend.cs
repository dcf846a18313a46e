using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Sessions.Handover;
using FastPool.Native;
using FastPool.Protocol;

namespace FastPool.Net;

/// <summary>A server that stands still for SUSPEND, and on its way to another process or loop.</summary>
internal sealed partial class ServerConnection
{
    internal const string UnsafeDescriptor = "close unsafe file descriptors on suspend";

    // ---- suspend --------------------------------------------------------------------------------------------------

    /// <returns>False while it is in the middle of something, or on its way to a client.</returns>
    internal bool TryPark()
    {
        var isSettled = Session.Phase switch
        {
            ServerPhase.Free => Session.State == ServerState.Idle,
            // No other process could know the requests that the pooler made or answers itself.
            ServerPhase.Linked => Session.Outstanding.IsAllForwarded,
            ServerPhase.Listening => IsListeningStill,
            _ => false,
        };
        if (!isSettled || !IsAtRest) return false;
        _loop.Engine.Park(this);
        return true;
    }

    /// <returns>False while it is about to be somewhere else.</returns>
    internal bool TryFreeze(string? closeReason)
    {
        switch (Session.Phase)
        {
            case ServerPhase.Login or ServerPhase.Resetting or ServerPhase.Checking or ServerPhase.Asked
                or ServerPhase.Abandoned:
            case ServerPhase.Free when Session.State == ServerState.Tested:
                Close(UnsafeDescriptor, mayTerminate: true, isDeliberate: true);
                return true;
            case ServerPhase.Linked:
            case ServerPhase.Listening when IsListeningStill:
            case ServerPhase.Free when Session.State is ServerState.Idle or ServerState.Used:
                _loop.Engine.Park(this);
                return true;
            default:
                if (closeReason is null) return false;
                Close(closeReason, mayTerminate: true, isDeliberate: true);
                return true;
        }
    }

    /// <summary>It owes its client nothing.</summary>
    internal bool IsBetweenTransactions => Session.OwesNothing && IsAtRest;

    /// <summary>It is another process's from now on: PostgreSQL is not told of anything.</summary>
    internal void LetGo()
    {
        IsClosed = true;
        Session.LoseHub("handed over to another process");
        _loop.Engine.ForgetTls(this);
        _loop.Engine.Close(this);
        DropHeld();
        LeaveHost("", isDeliberate: true);
        _loop.Forget(this);
    }

    /// <summary>It stands still, for a client or free.</summary>
    internal bool CanBeHandedOver => IsParked && HasNoForeignKeys;

    internal HandedServer Save(HandedState state)
    {
        _loop.Engine.EndStream(this);
        return Session.Save(Handle, Address.UnixPath, StreamNow, state);
    }

    /// <summary>Begins where another process stopped; nothing is read before the loop runs.</summary>
    /// <returns>False when the kernel does not want the socket.</returns>
    internal bool TryTakeOver(HandedServer handed)
    {
        if (!TryTakeStream(handed.Stream, handed.Descriptor)) return false;
        _loop.Add(this);
        return true;
    }

    // ---- moving ---------------------------------------------------------------------------------------------------

    /// <summary>Leaves this loop for the client's; the session is the letter.</summary>
    internal void LeaveFor(byte loop)
    {
        Check.That(HoldsNothing && Client is null);
        _handleOnTheWay = _loop.Engine.Detach(this);
        _loop.Forget(this);
        Session.Leave(loop);
    }

    /// <summary>Arrives on its new loop.</summary>
    /// <returns>0 or an errno: the kernel would tell nothing of it, so it is of no use.</returns>
    internal int ArriveAt(Loop loop)
    {
        _loop = loop;
        Session.Arrive(loop.Context);
        loop.Add(this);
        var errno = loop.Engine.Attach(this, _handleOnTheWay);
        if (errno != 0) loop.Engine.Discard(this, _handleOnTheWay);
        _handleOnTheWay = -1;
        loop.Figures.Moves++;
        return errno;
    }

    internal bool CanMove => IsOpen && HoldsNothing && !IsCongested;
}
