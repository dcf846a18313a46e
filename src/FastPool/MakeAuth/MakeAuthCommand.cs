using System.Text;
using FastPool.Core.Settings;
using FastPool.Life;
using FastPool.Native;
using FastPool.Native.Process;

namespace FastPool.MakeAuth;

/// <summary>
/// <c>fastpool mkauth OUTPUT [CONNSTR]</c>: writes a userlist with the secrets of all roles that may log in, as Debian's
/// mkauth.py does. To PgBouncer two operands are a mistake, and one is a file: so a lone <c>mkauth</c> still names an ini file,
/// if there is one, and so does one with options of the pooler's.
/// </summary>
internal static class MakeAuthCommand
{
    private const string Word = "mkauth";
    private const string StandardOutput = "-";

    private static readonly string Query =
        "SELECT rolname, CASE WHEN rolvaliduntil < pg_catalog.now() THEN NULL ELSE rolpassword END "
        + "FROM pg_catalog.pg_authid WHERE rolcanlogin ORDER BY 1";

    internal static bool IsMeant(IReadOnlyList<string> arguments) =>
        arguments.Count == 2 ? arguments[1] == Word && !File.Exists(Word)
            : arguments.Count > 2 && arguments[1] == Word && (!arguments[2].StartsWith('-') || arguments[2] == StandardOutput
                || IsHelp(arguments[2]));

    private static bool IsHelp(string argument) => argument is "-h" or "--help";

    /// <returns>The exit status.</returns>
    internal static int Run(IReadOnlyList<string> arguments)
    {
        const int mostArguments = 4;
        if (arguments.Count > 2 && IsHelp(arguments[2])) return Say(Descriptor.Stdout, HelpText(arguments[0]), status: 0);
        if (arguments.Count is < 3 or > mostArguments || arguments[2].Length == 0)
            return Say(Descriptor.Stderr,
                $"usage: {arguments[0]} mkauth OUTPUT [CONNSTR]\nTry \"{arguments[0]} mkauth --help\" for more information.\n",
                status: 1);
        try
        {
            var surroundings = Surroundings.OfProcess();
            var options = ConnectionOptions.Parse(arguments.Count == mostArguments ? arguments[3] : "", surroundings);
            using var connection = DirectConnection.Open(options);
            var text = UserListOf(connection.Query(Query));
            if (arguments[2] == StandardOutput) Print(Encoding.Latin1.GetBytes(text));
            else UserListFile.Write(arguments[2], text);
            return 0;
        }
        catch (FatalError failure)
        {
            return Say(Descriptor.Stderr, $"{Word}: {failure.Message}\n", status: 1);
        }
    }

    /// <exception cref="FatalError">Not all of it could be written.</exception>
    private static void Print(ReadOnlySpan<byte> text)
    {
        while (!text.IsEmpty)
        {
            var written = Descriptor.Write(Descriptor.Stdout, text);
            if (written < 0) throw new FatalError($"could not write the output: {Errno.Text(written)}");
            text = text[written..];
        }
    }

    /// <summary>One line a role; one without a password gets an empty secret, with which no password lets in.</summary>
    private static string UserListOf(IReadOnlyList<string?[]> rows)
    {
        var text = new StringBuilder();
        foreach (var row in rows)
        {
            if (row is not [{ } name, var secret]) throw new FatalError("the server's answer has not two columns");
            text.Append('"').Append(Quoted(name)).Append("\" \"").Append(Quoted(secret ?? "")).Append("\" \"\"\n");
        }
        return text.ToString();
    }

    private static string Quoted(string text) => text.Replace("\"", "\"\"", StringComparison.Ordinal);

    private static string HelpText(string program) =>
        $"""
        {program} mkauth writes a userlist (auth_file) from the roles of a PostgreSQL server.

        Usage:
          {program} mkauth OUTPUT [CONNSTR]

        OUTPUT gets a line for each role that may log in, with its MD5 or SCRAM secret. It is replaced as a whole, and only
        if anything has changed; a new file has mode 0600, an old one keeps its owner, and its group may go on reading it.
        - is the standard output.

        CONNSTR is what psql takes: "host=... port=... user=... dbname=... sslmode=..." or postgresql://...
        What it does not say comes from PGHOST, PGPORT, PGUSER, PGDATABASE, PGPASSWORD, PGPASSFILE and PGSSLMODE. The user
        must be a superuser, for nobody else may read pg_authid.

        A lone "{program} mkauth" starts the pooler with an ini file of that name, if there is one.

        """;

    private static int Say(int descriptor, string text, int status)
    {
        _ = Descriptor.Write(descriptor, CText.Of(text).AsSpan()[..^1]);
        return status;
    }
}
