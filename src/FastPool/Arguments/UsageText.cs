namespace FastPool.Arguments;

/// <summary>The text that -h prints, and the text behind a usage error.</summary>
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

        Report bugs to <https://github.com/pgbouncer/pgbouncer/issues>.
        PgBouncer home page: <https://www.pgbouncer.org/>

        """;

    /// <summary>The two lines of a usage error.</summary>
    public static string After(string error, string program) => $"{error}\nTry \"{program} --help\" for more information.\n";
}
