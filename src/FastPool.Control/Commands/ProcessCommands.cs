using FastPool.Base;
using FastPool.Control.Answers;
using FastPool.Control.Operations;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using Microsoft.Extensions.Logging;

namespace FastPool.Control.Commands;

/// <summary>Commands about the pooler as a whole, and KILL_CLIENT.</summary>
internal sealed class ProcessCommands(PoolRegistry registry, Pausing pausing, LoopWalk walk, WaitList waits, ShowCommand show,
    Retirement retirement, IProcessControl process, Clock clock, ILogger log)
{
    private static readonly (string Word, ShutdownMode Mode)[] ShutdownWords =
    [
        ("", ShutdownMode.Immediate),
        ("WAIT_FOR_SERVERS", ShutdownMode.WaitForServers),
        ("WAIT_FOR_CLIENTS", ShutdownMode.WaitForClients),
    ];

    private const long SuspendLookUs = 1_000;

    /// <summary>Logins may end while everybody else goes on: only then does everything stand still.</summary>
    private const long LoginPatienceUs = 1_000_000;

    /// <summary>
    /// Transactions on servers with TLS may end while everybody else stands still: their clients can go along after them.
    /// </summary>
    private const long FinishPatienceUs = 200_000;

    /// <summary>The session for which everything stands still, or last did.</summary>
    public ClientSession? Taker { get; private set; }

    public string? Reload(ConsoleRequest request, string argument)
    {
        RequireNoArgument(request, argument);
        request.RequireAdmin();
        log.CommandIssued("RELOAD");
        if (process.Reload().HasSucceeded) return "RELOAD";
        throw new ConsoleException("RELOAD failed, see logs for additional details", ConsoleException.ConfigFileError);
    }

    public string? Suspend(ConsoleRequest request, string argument)
    {
        var isForTakeover = request.IsOwnUser && argument == "TAKEOVER";
        if (!isForTakeover) RequireNoArgument(request, argument);
        request.RequireAdmin();
        if (pausing.Mode != PoolerMode.Active) throw new ConsoleException("already suspended/paused");
        if (pausing.IsAnyDatabasePaused) throw new ConsoleException("cannot suspend with paused databases");
        log.CommandIssued("SUSPEND");
        pausing.BeginSuspend();
        Taker = isForTakeover ? request.Client : null;
        var startUs = clock.NowUs;
        var frozenUs = 0L;
        waits.Add(new Wait(request, "SUSPEND", IsOver, WaitEnd.Resume) { PeriodUs = SuspendLookUs });
        return null;

        bool IsOver()
        {
            var timeoutUs = registry.Settings.SuspendTimeoutUs;
            var isLate = timeoutUs > 0 && clock.NowUs - startUs >= timeoutUs;
            var closeReason = isLate ? "suspend_timeout" : null;
            if (!isForTakeover) return pausing.TrySuspend(closeReason);
            if (!registry.State.IsFrozen && !pausing.TryEndLogins(isLate || clock.NowUs - startUs >= LoginPatienceUs))
                return false;
            if (frozenUs == 0) frozenUs = clock.NowUs;
            return pausing.TryFreeze(closeReason, mayFinish: clock.NowUs - frozenUs < FinishPatienceUs);
        }
    }

    /// <summary>The immediate one is never answered: the connection ends with the process.</summary>
    public string? Shutdown(ConsoleRequest request, string argument)
    {
        var index = Array.FindIndex(ShutdownWords, row => string.Equals(row.Word, argument, StringComparison.OrdinalIgnoreCase));
        if (index < 0) throw request.InvalidCommand();
        request.RequireAdmin();
        var (word, mode) = ShutdownWords[index];
        log.CommandIssued(word.Length == 0 ? "SHUTDOWN" : $"SHUTDOWN {word}");
        // It was to take over: its end resumes everybody.
        if (mode == ShutdownMode.Immediate && pausing.Mode == PoolerMode.Suspended && IsGone(request)) return null;
        if (mode == ShutdownMode.Immediate && pausing.Mode == PoolerMode.Suspended && request.Client == show.DescriptorsGivenTo
            && retirement.TryBegin()) return null;
        process.Shutdown(mode);
        return mode == ShutdownMode.Immediate ? null : "SHUTDOWN";
    }

    private bool IsGone(ConsoleRequest request)
    {
        var isGone = false;
        walk.One(request.Loop, _ => isGone = request.Client.Transport.IsPeerGone);
        return isGone;
    }

    /// <summary>A client that is in, waits or brought a cancel request, by its id.</summary>
    public string? KillClient(ConsoleRequest request, string argument)
    {
        request.RequireAdmin();
        if (ReadId(argument) is not { } id) throw new ConsoleException("invalid client pointer supplied");
        var isFound = false;
        walk.Cancels((view, cancel) =>
        {
            if (cancel.Client is { } client) Close(view, client, isCancel: true);
        });
        walk.Clients((view, client) => Close(view, client, isCancel: false));
        if (!isFound) throw new ConsoleException("client not found");
        return id == request.ClientId ? null : "KILL_CLIENT"; // One's own session gets the FATAL and nothing after it.

        void Close(ILoopView view, ClientSession client, bool isCancel)
        {
            if (client.Id != id || isFound || !(isCancel || client.State is ClientState.Active or ClientState.Waiting)) return;
            isFound = true;
            view.Close(client, "admin forced disconnect");
        }
    }

    /// <summary>Leading digits; what follows them does not matter.</summary>
    private static long? ReadId(string argument)
    {
        var length = 0;
        while (length < argument.Length && char.IsAsciiDigit(argument[length])) length++;
        return long.TryParse(argument.AsSpan(0, length), out var id) ? id : null;
    }

    private static void RequireNoArgument(ConsoleRequest request, string argument)
    {
        if (argument.Length > 0) throw request.InvalidCommand();
    }
}
