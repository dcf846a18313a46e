using FastPool.Control.Answers;
using FastPool.Control.Commands;
using FastPool.Control.Operations;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Protocol;
using Microsoft.Extensions.Logging;

namespace FastPool.Control.Commands;

/// <summary>
/// The admin console. Loops bring queries in; the control thread runs them one after the other and answers. Public members
/// may be called from any loop's thread and return at once.
/// </summary>
internal sealed class AdminConsole : IConsole
{
    /// <summary>Runs a command.</summary>
    /// <returns>The tag, or null when the answer is given elsewhere.</returns>
    private delegate string? Command(ConsoleRequest request, string argument);

    private readonly PoolRegistry _registry;
    private readonly ControlThread _control;
    private readonly Pausing _pausing;
    private readonly ILogger _log;
    private readonly ConsoleWelcome _welcome;
    private readonly WaitList _waits;
    private readonly DatabaseCommands _databases;
    private readonly ProcessCommands _processes;
    private readonly SetCommand _set;
    private readonly Dictionary<string, Command> _commands;
    private readonly ShowCommand _show;
    private readonly HashSet<ClientSession> _sessions = [];
    private readonly Dictionary<ClientSession, ExtendedSession> _extended = [];

    public AdminConsole(ConsoleWelcome welcome, ShowCommand show, SetCommand set, Func<WaitList, DatabaseCommands> databases,
        Func<WaitList, ProcessCommands> processes, PoolRegistry registry, Pausing pausing, ControlThread control, ILogger log)
    {
        _welcome = welcome;
        _show = show;
        _set = set;
        _registry = registry;
        _pausing = pausing;
        _control = control;
        _log = log;
        _waits =
            new WaitList(control, Complete, (request, message) => Fail(request, message, ConsoleException.ProtocolViolation));
        _databases = databases(_waits);
        var process = _processes = processes(_waits);
        Command showItem = (request, name) =>
        {
            show.Run(request, name);
            return null;
        };
        _commands = new Dictionary<string, Command>(StringComparer.OrdinalIgnoreCase)
        {
            ["SHOW"] = showItem,
            ["SELECT"] = showItem,
            ["RELOAD"] = process.Reload,
            ["PAUSE"] = _databases.Pause,
            ["RESUME"] = _databases.Resume,
            ["DISABLE"] = _databases.Disable,
            ["ENABLE"] = _databases.Enable,
            ["RECONNECT"] = _databases.Reconnect,
            ["KILL"] = _databases.Kill,
            ["KILL_CLIENT"] = process.KillClient,
            ["SUSPEND"] = process.Suspend,
            ["SHUTDOWN"] = process.Shutdown,
            ["WAIT_CLOSE"] = _databases.WaitClose,
        };
    }

    public byte[] Welcome(ClientSession client)
    {
        _control.Post(() => _sessions.Add(client));
        return _welcome.For(client);
    }

    public byte[] RefuseMessage(ClientSession client, byte type)
    {
        var text = type is FrontendMessage.Parse or FrontendMessage.Bind or FrontendMessage.Execute
            ? "extended query protocol not supported by admin console"
            : $"unsupported packet type for admin console: {type}";
        LogError(client.LogPrefix, text);
        var buffer = new MessageBuffer();
        Answer.WriteError(buffer, text, ConsoleException.ProtocolViolation);
        buffer.Write(PreparedMessages.ReadyForQueryIdle);
        return buffer.WrittenSpan.ToArray();
    }

    public void Execute(ClientSession client, string query, IConsoleReply reply)
    {
        var request = new ConsoleRequest(client, query, reply);
        _control.Post(() =>
        {
            if (_registry.Settings.Own.ConsoleExtended) request.Session = SessionOf(client);
            Run(request);
        });
    }

    public void ExecuteExtended(ClientSession client, byte type, byte[] body, IConsoleReply reply) =>
        _control.Post(() => SessionOf(client).Take(type, body, reply));

    private ExtendedSession SessionOf(ClientSession client)
    {
        if (!_extended.TryGetValue(client, out var session))
            _extended[client] = session = new ExtendedSession(client, _show, Run);
        return session;
    }

    public void Cancel(ClientSession client) => _control.Post(() => EndWaits(client));

    public void Forget(ClientSession client) => _control.Post(() => Leave(client));

    private void Run(ConsoleRequest request)
    {
        try
        {
            if (Dispatch(request) is { } tag) Complete(request, tag);
        }
        catch (ConsoleException error)
        {
            Fail(request, error.Message, error.SqlState);
        }
        catch (Exception failure)
        {
            _log.ControlFailed(failure.Message, failure);
            Fail(request, failure.Message, ConsoleException.ProtocolViolation);
        }
    }

    private string? Dispatch(ConsoleRequest request)
    {
        if (_registry.Settings.Own.ConsoleExtended && DriverWords.TagOf(request.Query) is { } word)
        {
            request.Session?.Note(word);
            if (word.Length > 0) return word;
            request.NewAnswer().CompleteEmpty();
            return null;
        }
        var statement = ConsoleStatement.Parse(request.Query);
        switch (statement.Kind)
        {
            case StatementKind.TooLong: throw new ConsoleException("bad arguments");
            case StatementKind.Set:
                _set.Run(request, statement.Word, statement.Argument);
                return null;
            case StatementKind.Command when _commands.TryGetValue(statement.Word, out var command):
                return command(request,
                statement.Argument);
            default: throw request.InvalidCommand();
        }
    }

    private static void Complete(ConsoleRequest request, string tag) => request.NewAnswer().Complete(tag);

    private void Fail(ConsoleRequest request, string message, string sqlState)
    {
        LogError(request.LogPrefix, message);
        request.NewAnswer().Fail(message, sqlState);
    }

    private void LogError(string prefix, string message)
    {
        _log.Failure("", message);
        if (_registry.Settings.LogPoolerErrors) _log.PoolerError(prefix, message);
    }

    /// <summary>
    /// A cancel request resumes the pooler, even from a session that waits for nothing; what its session waits for is over.
    /// </summary>
    private void EndWaits(ClientSession client)
    {
        if (!_registry.IsShuttingDown && _pausing.Mode != PoolerMode.Active)
        {
            if (!_waits.IsWaiting(client)) _log.WarningLine("admin cancel request for non-waiting client?");
            _databases.ResumeAll();
        }
        _waits.Cancel(wait => wait.Request.Client == client);
    }

    /// <summary>
    /// A suspended pooler accepts no new session, so without the old one nobody could RESUME it. A session that stands still
    /// for a process that is gone is of no use either.
    /// </summary>
    private void Leave(ClientSession client)
    {
        _waits.Forget(client);
        _extended.Remove(client);
        if (!_sessions.Remove(client) || (_sessions.Count > 0 && client != _processes.Taker)
            || _pausing.Mode != PoolerMode.Suspended || _registry.State.IsRetiring) return;
        _log.Line("admin disappeared when suspended, doing RESUME");
        _waits.Clear();
        _pausing.ResumeAll();
    }
}
