using FastPool.Core.Pools;

namespace FastPool.Core.Sessions;

/// <summary>
/// A BEGIN that the client had put off (defer_begin). It stands behind the SET batch, and its reply is awaited before anything
/// else is sent: behind a BEGIN that fails nothing may run alone.
/// </summary>
public sealed partial class ServerSession
{
    private int _beginsLeft; // Messages of it that are not answered: the last of those that _setsLeft counts.
    private bool _hasBeginFailed;

    /// <summary>
    /// The first of these messages is a SET batch, though it may be empty (a state of prepared statements alone); else there is
    /// none.
    /// </summary>
    public bool HasSetBatch { get; private set; }

    /// <summary>The variables fit: nothing but its BEGIN is to be sent for the client.</summary>
    /// <returns>The SET batch, which is empty.</returns>
    private string BeginDeferred(ClientSession client)
    {
        Move(ServerEvent.LinkAndSet);
        HasSetBatch = false;
        IsReady = false;
        ForgetUnnamed();
        _setsLeft = 0;
        QueriesBehindSet = [];
        TakeDeferred(client);
        return "";
    }

    private void TakeDeferred(ClientSession client)
    {
        _beginsLeft = client.DeferredCount;
        _setsLeft += _beginsLeft;
        _hasBeginFailed = false;
    }

    /// <summary>The last of the messages that bring a server into a failed transaction is to fail.</summary>
    private Verdict OnBeginError()
    {
        if (Client!.Deferred == DeferredBegin.Failed) return Verdict.Skip;
        _hasBeginFailed = true;
        Pool.Stats[Loop].Errors++;
        return Verdict.Forward;
    }

    /// <summary>ReadyForQuery behind one of these messages.</summary>
    private Verdict OnBegun(byte status)
    {
        if (--_beginsLeft > 0) return Verdict.Skip;
        IsReady = status == 'I';
        LastReadyUs = Context.NowUs;
        if (_hasBeginFailed && IsReady)
        {
            Move(ServerEvent.ParametersSet);
            return Verdict.BeginFailed;
        }
        if (_hasBeginFailed || status != (Client!.Deferred == DeferredBegin.Failed ? 'E' : 'T'))
            return End("a transaction cannot be begun");
        Client.EndDeferral();
        IsIdleInTransaction = _isInTransaction = true;
        _hasTransactionFailed = status == 'E';
        Move(ServerEvent.ParametersSet);
        return Verdict.ParametersSet;
    }
}
