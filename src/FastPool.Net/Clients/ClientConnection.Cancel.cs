using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Protocol;

namespace FastPool.Net;

/// <summary>A client whose request is canceled while it waits for a server.</summary>
internal sealed partial class ClientConnection
{
    private bool _isWaitCanceled;

    /// <summary>
    /// The wait is to end without a server. A server that is on its way to the client at this moment goes back as it came.
    /// </summary>
    /// <returns>False: the client does not wait for one, or not yet with a request of its own.</returns>
    internal bool TryCancelWait()
    {
        if (Session.State != ClientState.Waiting || !Session.HasWelcome || Session.NeedsOwnServer) return false;
        if (_isWaitCanceled) return true;
        _isWaitCanceled = true;
        Session.Pool!.Withdraw(Session, _loop);
        return true;
    }

    /// <summary>The pool has taken the client out of its queue.</summary>
    internal void OnWithdrawn()
    {
        if (_isWaitCanceled && Session.State == ClientState.Waiting && IsOpen) EndCanceledWait();
    }

    private void EndCanceledWait()
    {
        _isWaitCanceled = false;
        EndWait();
        Session.NoteWait();
        if (!Session.BeginReadingPast(FirstHeldType))
        {
            GoOn();
            return;
        }
        Session.FailDeferred();
        if (Send(PoolerErrors.Canceled())) GoOn();
    }

    /// <summary>
    /// The BEGIN that had been put off has failed, and the client has heard why. The request that was to come behind it is not
    /// run.
    /// </summary>
    internal void OnBeginFailed()
    {
        Session.FailDeferred();
        Session.BeginReadingPast(FirstHeldType);
        GoOn();
    }

    /// <summary>Reads past the rest of a canceled request, and answers its end.</summary>
    /// <returns>How far it got.</returns>
    private int ReadPast(byte[] buffer, int position, int end)
    {
        while (true)
        {
            var taken = Math.Min(BodyRemaining, end - position);
            position += taken;
            BodyRemaining -= taken;
            if (BodyRemaining > 0) return position;
            if (Session.Canceled == CanceledRequest.LastMessage) break;
            var status = MessageHeader.TryRead(buffer.AsSpan(position, end - position), Session.Pool!.Limits.MaxPacketSize,
                out var type, out var length);
            if (status == HeaderStatus.NeedMore) return position;
            if (status == HeaderStatus.Bad || !MessageLengths.FitsClient(type, length) || !Session.ReadsPast(type))
            {
                Session.EndReadingPast(); // It ends its client.
                return position;
            }
            IsBodySkipped = true;
            BodyRemaining = length;
        }
        Session.EndReadingPast();
        Session.EndQuery(isTransactionOver: Session.Deferred == DeferredBegin.None);
        return Send(Session.ReadyWithoutServer) ? position : end;
    }
}
