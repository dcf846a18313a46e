using FastPool.Base;
using FastPool.Control.Handover;
using FastPool.Core.Sessions;
using FastPool.Core.Sessions.Handover;
using FastPool.Core.Settings;
using FastPool.Life;
using FastPool.Logs;
using FastPool.Native;
using FastPool.Native.Process;
using FastPool.Protocol;
using Microsoft.Extensions.Logging;

namespace FastPool.Takeover;

/// <summary>
/// -R: what is said to the old process. From PgBouncer everything comes by SHOW FDS; a FastPool says in its greeting that it
/// can tell more, and is asked for that. Until SHUTDOWN the old process may go on at any time: it does so when we are gone.
/// </summary>
internal sealed class TakeoverDialogue : IDisposable
{
    private const string Invalid = "invalid data from old process";
    private const int PidFileLookMs = 5;

    private readonly OldProcess _old;
    private readonly ILogger _log;
    private readonly string _prefix;
    private bool _isOwnKind;

    private TakeoverDialogue(OldProcess old, string prefix, ILogger log)
    {
        _old = old;
        _prefix = prefix;
        _log = log;
    }

    /// <summary>Connects to the process that serves the Unix socket of these settings.</summary>
    /// <returns>Null when there is none.</returns>
    internal static TakeoverDialogue? Find(Settings settings, ILogger log)
    {
        if (settings.UnixSocketDir.Length == 0 || settings.UnixSocketDir[0] == '@') return null;
        var path = $"{settings.UnixSocketDir}/.s.PGSQL.{settings.ListenPort}";
        if (!UnixSocket.IsAccepting(path)) return null;
        log.Note("takeover_init: launching connection");
        var socket = DescriptorPassing.TryConnect(path);
        if (socket < 0) throw new FatalError("login failed");
        if (ReasonToDistrust(socket, settings.UnixSocketDir) is { } reason)
        {
            Sockets.Close(socket);
            log.Caution("", $"takeover_init: {reason}");
            throw new FatalError("login failed");
        }
        DescriptorPassing.MakeRoom(socket, settings.MaxClientConn); // Before anybody waits for us.
        var prefix = ConnectionName.Prefix('S', 0, "pgbouncer", "pgbouncer", EndAddress.OfUnix, 0, settings.ListenPort);
        if (settings.LogConnections) log.Note(prefix + "new connection to server");
        return new TakeoverDialogue(new OldProcess(socket), prefix, log);
    }

    /// <summary>
    /// The other side sends connections that are logged in: it must be the same user's process, or root's. Its socket must lie
    /// where no other user can put one in its place, but for those of its own group.
    /// </summary>
    private static string? ReasonToDistrust(int socket, string folder)
    {
        var own = Native.Process.Identity.Uid;
        var (_, uid) = Sockets.PeerCredentials(socket);
        if (uid != own && uid != 0) return $"the process at the unix socket is another user's (uid {uid})";
        return FileTrust.KeepsFilesOf(own, Native.Process.Identity.EffectiveGid, folder) ? null
            : $"others may write in the unix socket's folder {folder}";
    }

    /// <summary>Login, SUSPEND and SHOW FDS.</summary>
    /// <exception cref="FatalError">The old process does not play along; it goes on.</exception>
    internal HandedState Take()
    {
        LogIn();
        _log.Note(_prefix + "login OK, sending SUSPEND");
        Ask(_isOwnKind ? "SUSPEND TAKEOVER;"u8 : "SUSPEND;"u8, "SUSPEND"u8, static (_, _) => throw new FatalError(Invalid));
        _log.Note("SUSPEND finished, sending SHOW FDS");
        var state = new HandedState();
        try
        {
            if (_isOwnKind) Ask("SHOW TAKEOVER;"u8, "SHOW"u8, (_, row) => HandoverReader.Read(row, state, TakeDescriptors));
            else TakeRows(state);
        }
        catch (IOException)
        {
            throw new FatalError(Invalid);
        }
        foreach (var (_, address, port) in state.Listeners) _log.Note($"got pooler socket: {ConnectionName.Host(EndAddress.Parse(address, port), 0, port)}");
        _log.Note("SHOW FDS finished");
        _log.Note("disko over, going background");
        return state;
    }

    private void LogIn()
    {
        _old.SendStartup();
        while (true)
        {
            var type = _old.Receive(out var body);
            switch (type)
            {
                case BackendMessage.ErrorResponse: throw new FatalError("login failed");
                case BackendMessage.ParameterStatus when ParameterStatus.TryRead(body, out var status)
                    && status.Name.SequenceEqual(HandoverReader.GreetingName):
                    _isOwnKind = status.Value.SequenceEqual(HandoverReader.GreetingValue);
                    break;
                case BackendMessage.ReadyForQuery: return;
            }
        }
    }

    private delegate void RowReader(TakeoverDialogue dialogue, ReadOnlySpan<byte> body);

    /// <summary>A command and its answer.</summary>
    private void Ask(ReadOnlySpan<byte> query, ReadOnlySpan<byte> tag, RowReader read)
    {
        _old.SendQuery(query);
        while (true)
        {
            switch (_old.Receive(out var body))
            {
                case BackendMessage.ReadyForQuery: return;
                case BackendMessage.DataRow: read(this, body); break;
                case BackendMessage.ErrorResponse:
                    var error = new ErrorFields(body);
                    _log.Line(LogLevel.Error, $"old bouncer sent: {ByteText.Of(error.Severity)}: {ByteText.Of(error.Message)}");
                    throw new FatalError("something failed");
                case BackendMessage.CommandComplete when CommandComplete.TryRead(body, out var complete)
                    && !complete.Tag.SequenceEqual(tag):
                    throw new FatalError($"got bad CMD from old bouncer: {ByteText.Of(complete.Tag)}");
            }
        }
    }

    // ---- PgBouncer's rows -----------------------------------------------------------------------------------------

    private void TakeRows(HandedState state)
    {
        Ask("SHOW FDS;"u8, "SHOW"u8, (dialogue, body) => dialogue.TakeRow(body, state));
        var servers = state.Servers.Select(static server => server.OldDescriptor).ToHashSet();
        if (state.Clients.Exists(client => client.LinkedDescriptor != 0 && !servers.Contains(client.LinkedDescriptor)))
            throw new FatalError("takeover_create_link: failed to find pair");
        state.IsFromPgBouncer = true;
    }

    private void TakeRow(ReadOnlySpan<byte> body, HandedState state)
    {
        var descriptor = TakeDescriptors(1)[0];
        var row = FdsRow.Read(body);
        switch (row.Task)
        {
            case "pooler":
                state.Listeners.Add(new HandedListener(descriptor, row.Address, row.Port));
                break;
            case "client" when row is { Database: not null, User: not null }:
                state.Clients.Add(row.ToClient(descriptor));
                TakeSecrets(row, state);
                break;
            case "client": // It was not known yet who it is.
                Sockets.Close(descriptor);
                break;
            // In the middle of its login, which only the process that began it can finish.
            case "server" when row is { CancelKey: 0, LinkedDescriptor: 0 }:
                Sockets.Close(descriptor);
                break;
            case "server":
                state.Servers.Add(row.ToServer(descriptor));
                break;
            default: throw new FatalError("unknown task: " + row.Task);
        }
    }

    private static void TakeSecrets(FdsRow row, HandedState state)
    {
        if (row.Password is { } password) state.Secrets.Add((row.Database!, row.User!, password));
        var (clientKey, serverKey) = (row.ClientKey, row.ServerKey);
        if (clientKey is null != serverKey is null) throw new FatalError(Invalid);
        if (clientKey is not null) state.Proofs.Add((clientKey, serverKey!));
    }

    private int[] TakeDescriptors(int count)
    {
        if (_old.Descriptors.Count < count) throw new FatalError("got row without fd info");
        int[] taken = [.. _old.Descriptors.Take(count)];
        _old.Descriptors.RemoveRange(0, count);
        return taken;
    }

    // ---- the end of the old process -------------------------------------------------------------------------------

    /// <summary>Everything is prepared: tells the old process to go, and waits until it has.</summary>
    /// <param name="settings">Its pid file is ours.</param>
    /// <param name="wait">Waits so many milliseconds and lets signals be heard.</param>
    internal void End(Settings settings, Action<int> wait)
    {
        var pidFile = settings.Pidfile;
        _log.Note("sending SHUTDOWN;");
        try
        {
            _old.SendQuery("SHUTDOWN;"u8);
        }
        catch (FatalError)
        {
            throw new FatalError("failed to send SHUTDOWN;");
        }
        var errno = _old.WaitForEnd();
        if (errno != 0) throw new FatalError("sky is falling - error while waiting result from SHUTDOWN: " + Errno.Text(errno));
        if (settings.LogDisconnections) _log.Note(_prefix + "closing because: disko over (age=0s)");
        if (pidFile.Length > 0 && File.Exists(pidFile))
        {
            _log.Note("waiting for old pidfile to go away");
            while (File.Exists(pidFile))
            {
                wait(PidFileLookMs);
            }
        }
        _log.Note("old process killed, resuming work");
    }

    public void Dispose() => _old.Dispose();
}
