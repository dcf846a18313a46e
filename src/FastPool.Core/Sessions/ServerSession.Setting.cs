using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Protocol;
using Microsoft.Extensions.Logging;

namespace FastPool.Core.Sessions;

/// <summary>The server is brought to its next client's variables and state, and to the BEGIN that it has put off.</summary>
public sealed partial class ServerSession
{
    private string BeginSet(ClientSession client)
    {
        Move(ServerEvent.LinkAndSet);
        HasSetBatch = true;
        if (client.Kept is { IsListening: true }) _keeps = true; // Though session_state be off by now.
        IsReady = false;
        ForgetUnnamed();
        var batch = WithState(client, SetBatch.Build(
            Context.Tracked, client.Parameters, Parameters, Pool.Database.Entry.ConnectQuery, UndoBefore(client.Kept)));
        Check.That(batch is not null); // They would fit.
        TakeDeferred(client);
        if (Context.Log.IsEnabled(LogLevel.Debug)) Context.Log.Detail(LogPrefix, "varcache_apply: " + batch);
        return batch;
    }

    private Verdict JudgeSetting(byte type, ReadOnlySpan<byte> message)
    {
        switch (type)
        {
            case BackendMessage.ParameterStatus:
                return OnParameterStatus(message) == Verdict.Disconnect ? Verdict.Disconnect : Verdict.Skip;
            case BackendMessage.NotificationResponse:
                return OnEarlyNotification(message);
            case BackendMessage.ErrorResponse when _setsLeft <= _beginsLeft && !IsEnd(message):
                return OnBeginError();
            case BackendMessage.ErrorResponse when _setsLeft <= QueriesBehindSet.Count + _beginsLeft && !IsEnd(message):
                return OnPrepareError(message);
            case BackendMessage.ErrorResponse:
                var error = ServerError.Read(message[HeaderLength..]);
                Context.Log.ServerError("varcache_apply failed", error.Severity, error.Message);
                if (!IsEnd(message))
                {
                    return End(Client!.Kept is null
                        ? "invalid server parameter" : $"session state cannot be set: {error.Message}");
                }
                // The server goes, for a reason of its own: the client is told as in any other moment.
                HasToldEnd = true;
                Move(ServerEvent.ParametersSet);
                return Verdict.Forward;
            case BackendMessage.ReadyForQuery:
                _setsLeft--;
                if (_setsLeft < _beginsLeft) return OnBegun(StatusOf(message));
                if (_setsLeft > _beginsLeft) return Verdict.Skip;
                IsReady = StatusOf(message) == 'I';
                TakeLabels(Client!.Parameters);
                Kept = Client.Kept;
                TakeCanonical(Client);
                if (Kept is { IsListening: true } && !EndListenBehindSet()) return Verdict.Skip;
                if (_beginsLeft > 0) return Verdict.Skip;
                Move(ServerEvent.ParametersSet);
                return Verdict.ParametersSet;
            default:
                return Verdict.Skip;
        }
    }

    /// <summary>
    /// A statement of the client's that cannot be prepared again, say because its table is gone, is missed where it is executed.
    /// On a connection of its own the client would not hear of it before either. The server has less than its label says, so
    /// the label's Undo is not for it.
    /// </summary>
    private Verdict OnPrepareError(ReadOnlySpan<byte> message)
    {
        var error = ServerError.Read(message[HeaderLength..]);
        Context.Log.ServerError("a prepared statement is lost", error.Severity, error.Message);
        MustDiscard = true;
        (_lostCommands ??= []).Add(QueriesBehindSet[^(_setsLeft - _beginsLeft)]);
        return Verdict.Skip;
    }

    private void TakeCanonical(ClientSession client)
    {
        var before = client.Parameters;
        client.Parameters = Context.Interner.Canonical(before, Parameters);
        client.TakeCanonicalLogin(before);
        if (ReferenceEquals(before, client.Parameters) || !Context.Log.IsEnabled(LogLevel.Debug)) return;
        for (var i = 0; i < before.Count; i++)
        {
            if (before[i] != client.Parameters[i])
                Context.Log.Detail(LogPrefix,
                $"varcache_set_canonical: setting {Context.Tracked[i]} to its canonical version {before[i]} -> {client.Parameters[i]}");
        }
    }
}
