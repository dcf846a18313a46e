namespace FastPool.Arguments;

/// <summary>
/// The text that -h prints, and the text behind a usage error. Under PgBouncer's name they are PgBouncer's.
/// </summary>
public static class UsageText
{
    public static string For(string program) =>
        $"""
        {program} is a connection pooler for PostgreSQL.

        Usage:
          {program} [OPTION]... CONFIG_FILE

        Options:
          -d, --daemon         run in background (as a daemon)
          -q, --quiet          run quietly
          -R, --reboot         do an online reboot
          -u, --user=USERNAME  assume identity of USERNAME
          -v, --verbose        increase verbosity
          -V, --version        show version, then exit
          -h, --help           show this help, then exit

        {(Path.GetFileName(program) == "pgbouncer" ? PgBouncers : Own(program))}

        """;

    private const string PgBouncers =
        """
        Report bugs to <https://github.com/pgbouncer/pgbouncer/issues>.
        PgBouncer home page: <https://www.pgbouncer.org/>
        """;

    /// <summary>Faults of ours are nothing that PgBouncer's people should hear of.</summary>
    private static string Own(string program) =>
        $"""
        Commands:
          {program} check [OPTION]... CONFIG_FILE    say what is wrong with a file, then exit
          {program} mkauth OUTPUT [CONNSTR]          write the secrets of a server's roles to a userlist, then exit

        The manual is pgbouncer(1), and pgbouncer(5) for the file.
        """;

    /// <summary>The two lines of a usage error.</summary>
    public static string After(string error, string program) => $"{error}\nTry \"{program} --help\" for more information.\n";
}
