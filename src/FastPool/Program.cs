using FastPool.Arguments;
using FastPool.Checking;
using FastPool.Core.Settings;
using FastPool.Life;
using FastPool.Logs;
using FastPool.MakeAuth;
using FastPool.Native;
using FastPool.Native.Process;
using Microsoft.Extensions.Logging;

namespace FastPool;

/// <summary>The program: what the command line asks for, and nothing else.</summary>
internal static class Program
{
    private static int Main()
    {
        var arguments = ProcessArguments.Read();
        if (MakeAuthCommand.IsMeant(arguments)) return MakeAuthCommand.Run(arguments);
        if (CheckCommand.IsMeant(arguments)) return CheckCommand.Run(arguments);
        var line = CommandLine.Parse(arguments, isPosix: Environment.GetEnvironmentVariable("POSIXLY_CORRECT") is not null);
        return line.End switch
        {
            CommandLineEnd.Version => Say(Descriptor.Stdout, Versions.Text(), status: 0),
            CommandLineEnd.Help => Say(Descriptor.Stdout, UsageText.For(line.Program), status: 0),
            CommandLineEnd.Usage => Say(Descriptor.Stderr, UsageText.After(line.Error, line.Program), status: 1),
            _ => Serve(line, arguments),
        };
    }

    private static int Serve(CommandLine line, IReadOnlyList<string> arguments)
    {
        var end = new ProcessEnd();
        using var log = new PoolerLog(line.Quiet ? null : Stderr(), end.Exit);
        end.Lastly = log.Flush;
        log.Apply(line.Verbose);
        try
        {
            var background = Background.Find();
            if (background is null)
            {
                var step = UnitReload.Step(line, Variable("MAINPID"), Variable("INVOCATION_ID"), Variable("NOTIFY_SOCKET"),
                    Identity.Pid);
                // With -q too: a unit that has it would show nothing.
                if (step == UnitReloadStep.Refuse) return Say(Descriptor.Stderr, UnitReload.Refusal + "\n", status: 1);
                if (line.Daemon || step == UnitReloadStep.GoToBackground) return Background.Start(arguments);
            }

            new Startup(line, log, end, background).Run();
        }
        catch (FatalError error)
        {
            log.CreateLogger(nameof(Program)).Line(LogLevel.Critical, error.Message);
            end.Exit(1);
        }

        return 0;
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name);

    /// <summary>stderr, or the journal that it leads to.</summary>
    private static ILogSink Stderr()
    {
        const string Ident = "pgbouncer";
        var stream = Environment.GetEnvironmentVariable("JOURNAL_STREAM");
        if (string.IsNullOrEmpty(stream)) return new StderrSink();
        var isKnown = Descriptor.Identify(Descriptor.Stderr, out var device, out var inode) >= 0;
        return isKnown && JournalSink.Leads(stream, device, inode) ? new JournalSink(Ident) : new StderrSink();
    }

    private static int Say(int descriptor, string text, int status)
    {
        _ = Descriptor.Write(descriptor, CText.Of(text).AsSpan()[..^1]);
        return status;
    }
}
