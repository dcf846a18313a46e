using FastPool.Control.Answers;
using FastPool.Core.Sessions;

namespace FastPool.Control.Commands;

/// <summary>
/// A query on its way through the control thread, with what was copied from the session: all of it fixed once the client is in.
/// </summary>
internal sealed class ConsoleRequest(ClientSession client, string query, IConsoleReply reply, ExtendedForm? form = null)
{
    /// <summary>Only for comparing: its contents may be read on its own loop alone.</summary>
    public ClientSession Client { get; } = client;

    public byte Loop { get; } = client.Loop;

    public long ClientId { get; } = client.Id;

    public bool IsAdmin { get; } = client.IsAdmin;

    /// <summary>
    /// It came over a Unix socket from a process of our own system user, as user pgbouncer: it may have descriptors and secrets.
    /// </summary>
    public bool IsOwnUser { get; } = client.IsOwnUser && client.UserName == Core.Pools.PoolRegistry.AdminDatabase;

    public string LogPrefix { get; } = client.LogPrefix;

    public string Query { get; } = query;

    /// <summary>The session's state with console_extended on; null: it is off, or nothing has come yet.</summary>
    public ExtendedSession? Session { get; set; }

    public Answer NewAnswer() => new(reply, form, Session is { IsInTransaction: true });

    /// <exception cref="ConsoleException">The user may only look.</exception>
    public void RequireAdmin()
    {
        if (!IsAdmin) throw new ConsoleException("admin access needed");
    }

    public ConsoleException InvalidCommand() => new($"invalid command '{Query}', use SHOW HELP;");
}
