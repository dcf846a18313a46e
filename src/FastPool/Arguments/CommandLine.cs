namespace FastPool.Arguments;

/// <summary>The wishes of the command line. Texts are as in all of the process: one char a byte.</summary>
public sealed class CommandLine
{
    private static readonly Option[] Options =
    [
        new('R', "reboot", TakesArgument: false),
        new('d', "daemon", TakesArgument: false),
        new('h', "help", TakesArgument: false),
        new('q', "quiet", TakesArgument: false),
        new('u', "user", TakesArgument: true),
        new('v', "verbose", TakesArgument: false), // Before version: the order in which an ambiguous --ver names them.
        new('V', "version", TakesArgument: false),
    ];

    private CommandLine(string program) => Program = program;

    /// <summary>argv[0], as typed.</summary>
    public string Program { get; }

    public string ConfigFile { get; private set; } = "";

    public bool Daemon { get; private set; }

    /// <summary>No line of the log to stderr.</summary>
    public bool Quiet { get; private set; }

    /// <summary>Take over the sockets of the process that runs.</summary>
    public bool Reboot { get; private set; }

    /// <summary>Stronger than the setting user; empty means none. Null: not given.</summary>
    public string? User { get; private set; }

    /// <summary>How often -v was given.</summary>
    public int Verbose { get; private set; }

    /// <summary>Why nothing is to be started; None when the pooler is.</summary>
    public CommandLineEnd End { get; private set; }

    /// <summary>When <see cref="End"/> is Usage: the first line for stderr.</summary>
    public string Error { get; private set; } = "";

    /// <summary>Reads the arguments as getopt_long and main of PgBouncer do: the first that is wrong, -V or -h decides.</summary>
    /// <param name="arguments">The program's name first.</param>
    /// <param name="isPosix">POSIXLY_CORRECT is set: the first argument that is no option ends the options.</param>
    public static CommandLine Parse(IReadOnlyList<string> arguments, bool isPosix)
    {
        var line = new CommandLine(arguments[0]);
        var scanner = new OptionScanner(arguments, Options, isPosix);
        while (line.End == CommandLineEnd.None && scanner.Read(out var option, out var value))
        {
            line.Take(option, value, scanner.Error);
        }

        if (line.End != CommandLineEnd.None) return line;
        if (scanner.Operands.Count == 1) line.ConfigFile = scanner.Operands[0];
        else line.Fail($"{line.Program}: no configuration file specified");
        return line;
    }

    private void Take(char option, string? value, string error)
    {
        switch (option)
        {
            case 'd': Daemon = true; break;
            case 'q': Quiet = true; break;
            case 'R': Reboot = true; break;
            case 'u': User = value; break;
            case 'v': Verbose++; break;
            case 'V': End = CommandLineEnd.Version; break;
            case 'h': End = CommandLineEnd.Help; break;
            default: Fail(error); break;
        }
    }

    private void Fail(string error) => (End, Error) = (CommandLineEnd.Usage, error);
}

/// <summary>Why a command line starts nothing.</summary>
public enum CommandLineEnd
{
    None,
    Version,
    Help,
    Usage,
}
