using FastPool.Arguments;

namespace FastPool.Life;

/// <summary>
/// -R as the ExecReload= of a unit of systemd. Such a command has to end, and it has to tell the service manager which process
/// is the service from then on. Else the end of the old process is taken for the end of the service. Source: systemd.exec(5),
/// environment variables of control processes; sd_notify(3).
/// </summary>
internal static class UnitReload
{
    internal const string Refusal =
        "-R as ExecReload= of this unit would end the service: write Type=notify and NotifyAccess=all into the unit, "
        + "or Type=forking, PIDFile= and -d";

    /// <summary>The step that the command line leads to.</summary>
    /// <param name="mainPid">MAINPID, which only control processes of a unit have.</param>
    /// <param name="invocation">INVOCATION_ID: something of systemd's started us.</param>
    /// <param name="notifySocket">NOTIFY_SOCKET: the service manager listens.</param>
    /// <param name="ownPid">A main process may have its own number there.</param>
    internal static UnitReloadStep Step(CommandLine line, string? mainPid, string? invocation, string? notifySocket, int ownPid)
    {
        var isControl = line.Reboot && !string.IsNullOrEmpty(invocation)
            && int.TryParse(mainPid, out var pid) && pid != ownPid;
        if (!isControl) return UnitReloadStep.None;
        if (!string.IsNullOrEmpty(notifySocket)) return UnitReloadStep.GoToBackground;
        return line.Daemon ? UnitReloadStep.None : UnitReloadStep.Refuse;
    }
}

/// <summary>The work of a process that may be the ExecReload= of a unit.</summary>
internal enum UnitReloadStep
{
    /// <summary>It is none, or needs nothing.</summary>
    None,
    /// <summary>It goes on in the background, as with -d but without need of a pid file.</summary>
    GoToBackground,
    /// <summary>The service manager would not know the new process.</summary>
    Refuse,
}
