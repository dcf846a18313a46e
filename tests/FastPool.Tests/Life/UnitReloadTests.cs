using FastPool.Arguments;
using FastPool.Life;

namespace FastPool.Tests.Life;

public sealed class UnitReloadTests
{
    [Theory]
    [InlineData("-R a.ini", "7", "i", "s", nameof(UnitReloadStep.GoToBackground))]
    [InlineData("-R -d a.ini", "7", "i", "s", nameof(UnitReloadStep.GoToBackground))]
    [InlineData("-R -q a.ini", "7", "i", null, nameof(UnitReloadStep.Refuse))]
    [InlineData("-R -d a.ini", "7", "i", null, nameof(UnitReloadStep.None))] // Type=forking, whose PIDFile= is looked at.
    [InlineData("a.ini", "7", "i", "s", nameof(UnitReloadStep.None))]
    [InlineData("-R a.ini", null, "i", "s", nameof(UnitReloadStep.None))] // A unit's ExecStart=.
    [InlineData("-R a.ini", "7", null, null, nameof(UnitReloadStep.None))] // Somebody's own variable.
    [InlineData("-R a.ini", "42", "i", null, nameof(UnitReloadStep.None))]
    [InlineData("-R a.ini", "x", "i", null, nameof(UnitReloadStep.None))]
    public void A_control_process_of_a_unit_is_known_by_its_environment(string arguments, string? mainPid, string? invocation,
        string? notifySocket, string step)
    {
        var line = CommandLine.Parse(["pgbouncer", .. arguments.Split(' ')], isPosix: false);
        Assert.Equal(step, UnitReload.Step(line, mainPid, invocation, notifySocket, ownPid: 42).ToString());
    }
}
