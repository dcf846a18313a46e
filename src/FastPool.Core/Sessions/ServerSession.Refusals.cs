using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// PostgreSQL refuses the same uses of a name through the pooler as without it: a Parse of a name that is in use (42P05), the
/// use of one that does not exist (26000). The server is told to do the same with a name of ours, in the client's place among
/// its requests, so that everything around it goes as without a pooler. Only the name in its error is replaced.
/// </summary>
public sealed partial class ServerSession
{
    /// <summary>No statement ever has this name.</summary>
    internal static ReadOnlySpan<byte> NobodysName => "PGBOUNCER_0"u8;

    private byte[]? _nextWords; // Of the pooler's own; null: none.

    /// <summary>A request goes to the server that it will refuse.</summary>
    /// <param name="statement">One that it has, whose name is in use; null: <see cref="NobodysName"/> is.</param>
    internal void ExpectRefusal(byte type, Statement? statement)
    {
        NoteRequest();
        IsReady = false;
        IsIdleInTransaction = false;
        Outstanding.Add(type, ReplyAction.Forward, statement, RequestKind.Refused);
    }

    /// <summary>The error goes to the client with the name that it knows.</summary>
    private Verdict Refuse(in Request request, ReadOnlySpan<byte> message)
    {
        if (message.Length < HeaderLength || !IsWhole(message)) return Verdict.Forward;
        SayNext(ErrorNames.Replace(message, request.Statement is null ? NobodysName : request.Statement.ServerName,
            Client!.RefusedName));
        return Verdict.Skip;
    }

    /// <summary>The statement has another number of parameters: the error says so of the name that the client knows.</summary>
    private Verdict TellOwnName(Statement statement, ReadOnlySpan<byte> message)
    {
        if (!IsWhole(message) || Client!.NameOf(statement) is not { } name) return Verdict.Forward;
        SayNext(ErrorNames.Replace(message, statement.ServerName, name));
        return Verdict.Skip;
    }

    /// <summary>A message of the pooler's own goes to the client before the next one of the server.</summary>
    private void SayNext(byte[] message) => _nextWords = _nextWords is null ? message : [.. _nextWords, .. message];

    private static bool IsWhole(ReadOnlySpan<byte> message) =>
        MessageHeader.TryRead(message, uint.MaxValue, out _, out var length) == HeaderStatus.Complete
            && length == message.Length;

    /// <summary>It went well after all: something has dropped the statement, and this one is in its place.</summary>
    private void AcceptRefused(in Request request)
    {
        Client!.TakeRefusedName();
        if (request.Statement is { } statement) Statements.MarkStale(statement);
    }
}
