using FastPool.Core.Auth;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Sessions.Handover;
using FastPool.Core.Settings;
using FastPool.Native;
using FastPool.Protocol;

namespace FastPool.Net;

/// <summary>A client that stands still for SUSPEND, and on its way from one process to another.</summary>
internal sealed partial class ClientConnection
{
    /// <returns>False while it logs in, waits, or is in the middle of something.</returns>
    internal bool TryPark()
    {
        if (Session.State != ClientState.Active || !IsAtRest) return false;
        _loop.Engine.Park(this);
        return true;
    }

    /// <summary>Goes on where it stood, with what it held first.</summary>
    internal void Unpark()
    {
        _loop.Engine.Unpark(this);
        TryTakeHeld();
    }

    /// <summary>A session that is in, and stands still.</summary>
    internal bool CanBeHandedOver => IsParked && !Session.IsConsole && HasNoForeignKeys;

    /// <summary>
    /// It has its answers, and what it may have asked since has not begun. A replication client never comes to such a point;
    /// it connects anew and goes on where it stopped.
    /// </summary>
    internal bool IsBetweenTransactions => !IsCongested && Session.Deferred == DeferredBegin.None
        && (Session.NeedsOwnServer || Server is not { } server
        || (!IsMidMessage && HoldsNothing && server.IsBetweenTransactions));

    /// <summary>It is another process's from now on: neither side is told.</summary>
    internal void LetGo()
    {
        _loop.Engine.ForgetTls(this);
        _loop.Engine.Close(this);
        DropHeld();
        _loop.Forget(this);
    }

    internal HandedClient Save(HandedState state)
    {
        _loop.Engine.EndStream(this);
        return Session.Save(Handle, Server?.Handle ?? 0, StreamNow, state);
    }

    /// <summary>Begins where another process stopped; nothing is read before the loop runs.</summary>
    /// <returns>False when the kernel does not want the socket.</returns>
    internal bool TryTakeOver(HandedClient handed)
    {
        if (!TryTakeStream(handed.Stream, handed.Descriptor)) return false;
        HoldAgain();
        _loop.Add(this);
        _loop.LoggedIn(this);
        return true;
    }

    /// <summary>Waits again, with the time it has waited already.</summary>
    internal void WaitAgain(HandedClient handed)
    {
        Session.WaitStartUs = _loop.NowUs - handed.Clocks.WaitUs;
        BeginWait();
        if (handed.AwaitsWelcome) Session.Pool!.AwaitWelcome(Session, _loop);
        else if (Session.Pool!.Acquire(Session, _loop) is ServerSession granted) OnGranted(ServerConnection.Of(granted));
    }
}
