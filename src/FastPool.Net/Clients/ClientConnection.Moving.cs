using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Net;

/// <summary>A client on its way from one loop to another. It is the same connection and the same session all the time.</summary>
internal sealed partial class ClientConnection
{
    private int _handleOnTheWay = -1;

    /// <summary>When it last came from another loop; 0: never.</summary>
    internal long MovedUs { get; private set; }

    /// <summary>How many servers it had been linked to when its loop began to count; -1: it is not counted.</summary>
    internal int AssignmentsSeen { get; set; } = -1;

    /// <summary>It stands between two messages, and nothing of it is under way on this loop.</summary>
    internal bool CanMove => IsOpen && !_isLeaving && !BringsCancel && Cancel is null && !_isWaitCanceled && !AwaitsReplies
        && !IsPaused && !IsParked && Room == 0 && _consoleQueries == 0 && IsAtRest && Session.MayMove;

    /// <summary>Leaves for that loop, unless something keeps it here.</summary>
    internal bool TryMoveTo(byte target)
    {
        var loop = _loop;
        var moves = loop.Shared.ClientMoves;
        if (!CanMove || !moves.TryBegin()) return false;
        if (!loop.Engine.SendDeferredTo(this) || !CanMove)
        {
            moves.End();
            return false;
        }
        loop.Engine.EndStream(this);
        _handleOnTheWay = loop.Engine.Detach(this);
        loop.HandOver(this);
        loop.Figures.ClientsOut++;
        Session.LeaveFor(target);
        loop.PostTo(target, new ClientArrival(this)); // From here on it is the other loop's.
        return true;
    }

    /// <summary>Arrives on its new loop.</summary>
    internal void ArriveAt(Loop loop)
    {
        _loop = loop;
        (MovedUs, AssignmentsSeen) = (loop.NowUs, -1);
        Session.Arrive(loop.Context);
        loop.AddMoved(this);
        loop.Figures.ClientsIn++;
        var errno = loop.Engine.Attach(this, _handleOnTheWay);
        if (errno != 0)
        {
            loop.Context.Log.Failure(Session.LogPrefix, "epoll_ctl() failed: " + Native.Errno.Text(errno));
            EndOnTheWay();
            return;
        }
        _handleOnTheWay = -1;
    }

    /// <summary>The kernel would tell nothing of it, or something of ours was thrown as it arrived.</summary>
    internal void EndOnTheWay()
    {
        if (IsOpen)
        {
            OnBroken();
            return;
        }
        if (_isLeaving) return;
        _isLeaving = true;
        _loop.Try(() => _loop.LogClosing(Session, new Ending("client connection lost on its way to another loop")));
        if (_handleOnTheWay >= 0) _loop.Try(() => _loop.Engine.Discard(this, _handleOnTheWay));
        _handleOnTheWay = -1;
        if (Session.State != ClientState.Closed) _loop.Try(() => Session.Leave(_loop));
        if (Index >= 0) _loop.Try(() => _loop.Forget(this));
    }
}
