namespace FastPool.Compat.Harness;

/// <summary>A client's whole life as bytes.</summary>
/// <param name="Name">For the test's name.</param>
/// <param name="Bytes">From the first byte on. Where nothing ends it, a Terminate is put behind.</param>
/// <param name="Expected">Where PgBouncer 1.18 differs from 1.25.2, whose words these are: what 1.25.2 says, a line a
/// message.</param>
/// <param name="Why">The change since 1.18.</param>
internal sealed record RecordedStream(string Name, byte[] Bytes, string[]? Expected = null, string? Why = null)
{
    /// <summary>No Terminate is wanted.</summary>
    public bool EndsAlone { get; init; }

    public override string ToString() => Name;
}

/// <summary>Streams of bytes that are played to two poolers.</summary>
internal static class RecordedStreams
{
    private static readonly byte[] Login = Wire.Startup(("user", "user_trust"), ("database", Postgres.Database));
    private static readonly byte[] ConsoleLogin = Wire.Startup(("user", "admin"), ("database", "pgbouncer"));

    public static IReadOnlyList<RecordedStream> All { get; } = [.. Logins(), .. Queries(), .. Packets(), .. Consoles()];

    private static IEnumerable<RecordedStream> Logins()
    {
        yield return new("A login", Login);
        yield return new RecordedStream("A login with tracked variables in odd spellings",
            Startup(("DATESTYLE", "German"), ("TimeZone", "Asia/Tokyo"), ("client_encoding", "'utf-8'"),
            ("application_name", "it's me"))) with
        {
            Expected = [.. Welcome("DateStyle=German", "TimeZone=Asia/Tokyo", "application_name=it's me"), "closed"],
            Why = "an encoding is told in PostgreSQL's spelling",
        };
        yield return new("A login that names things twice",
            Startup(("application_name", "one"), ("application_name", "two"), ("user", "user_trust")));
        yield return new("A parameter to ignore", Startup(("extra_float_digits", "3")));
        yield return new("An unsupported parameter", Startup(("geqo", "off")));
        yield return new("A parameter to ignore in another spelling", Startup(("Extra_Float_Digits", "3")));
        yield return new RecordedStream("Options with tracked variables",
            Startup(("options", "-c datestyle=German --timezone=UTC  -c application_name=a\\ b"))) with
        {
            Expected = [.. Welcome("DateStyle=German", "TimeZone=UTC", "application_name=a b"), "closed"],
            Why = "options came with 1.20",
        };
        yield return new("Options with something else", Startup(("options", "-c geqo=off")),
            ["E FATAL/08P01 unsupported startup parameter in options: geqo", "closed"], "options came with 1.20");
        yield return new("Options of another form", Startup(("options", "-d 3")),
            ["E FATAL/08P01 unsupported options startup parameter: only '-c config=val' and '--config=val' are allowed",
            "closed"], "options came with 1.20");
        yield return new("No user", Wire.Startup(("database", Postgres.Database)));
        yield return new("An empty user", Wire.Startup(("user", ""), ("database", Postgres.Database)));
        yield return new("An unknown database", Wire.Startup(("user", "user_trust"), ("database", "nowhere")));
        yield return new("An unknown user", Wire.Startup(("user", "nobody_here"), ("database", Postgres.Database)));
        yield return new("No end of the parameters",
            Wire.Untyped(Wire.Version3, [.. Wire.Strings("user"), .. Wire.Strings("user_trust")]),
            ["E FATAL/08P01 invalid startup packet layout: expected terminator as last byte", "closed"], "1.18 does not look");
        yield return new("The protocol of version 2", Wire.Untyped(0x20000, new byte[288]));
        yield return new("Version 3.1", Minor(1), ["v 0003000000000000", .. Welcome(), "closed"], "1.18 knows 3.0 only");
        yield return new("Version 3.2", Minor(2), ["v 0003000000000000", .. Welcome(), "closed"], "1.18 knows 3.0 only");
        yield return new("Version 3.9999", Minor(9999), ["v 0003000000000000", .. Welcome(), "closed"], "1.18 knows 3.0 only");
        yield return new("Version 4.0", Wire.Untyped(0x40000, [0]));
        yield return new("An unknown protocol option", Startup(("_pq_.strange", "1"), ("_pq_.other", "")),
            ["v 00030000" + "00000002"
                + Convert.ToHexString([.. Wire.Strings("_pq_.strange"), .. Wire.Strings("_pq_.other")]), .. Welcome(), "closed"],
                "1.18 takes it for a parameter");
        yield return new("SSLRequest with a login behind it", [.. Ssl, .. Login]);
        yield return new("SSLRequest alone", Ssl);
        yield return new("GSSENCRequest alone", Gss);
        yield return new("A cancel request with an unknown key", Wire.Untyped(Wire.CancelRequest, new byte[8]));
        yield return new("A cancel request without a key", Wire.Untyped(Wire.CancelRequest));
        yield return new("A password before anything", Wire.Typed('p', "secret\0"u8.ToArray()));
        yield return new("A query before anything", Wire.Query("select 1"));
        yield return new("Bytes that are no packet", [0, 1, 0, 0, 0, 3, 0, 0]);
    }

    private static IEnumerable<RecordedStream> Queries()
    {
        yield return After("A query", Wire.Query("select 1, 'two'::text, null"));
        yield return After("Several statements in one query", Wire.Query("select 1; select 2; begin; select 3; commit"));
        yield return After("An empty query", Wire.Query(""), Wire.Query(" ; "));
        yield return After("An error with everything behind it", Wire.Query("select 1/0; select 2"), Wire.Query("select 3"));
        yield return After("A transaction that fails", Wire.Query("begin"), Wire.Query("select 1/0"), Wire.Query("select 2"),
            Wire.Query("rollback"), Wire.Query("select 3"));
        yield return After("A notice", Wire.Query("do $$ begin raise notice 'look'; raise warning 'here'; end $$"));
        yield return After("Variables", Wire.Query("set application_name = 'x'"), Wire.Query("set timezone = 'Asia/Tokyo'"),
            Wire.Query("show timezone"), Wire.Query("reset all"));
        yield return After("A long row", Wire.Query("select repeat('x', 100000)"));
        yield return After("COPY out", Wire.Query("copy (select generate_series(1, 100)) to stdout"));
        yield return After("COPY in",
            [.. TemporaryTable, Wire.Query("copy played from stdin"), Wire.CopyData("1\n2\n"), Wire.CopyData("3\n"),
            Wire.CopyDone, Wire.Query("select sum(number) from played; commit")]);
        yield return After("COPY given up",
            [.. TemporaryTable, Wire.Query("copy played from stdin"), Wire.CopyData("1\n"), Wire.CopyFail("enough"),
            Wire.Query("rollback")]);
        yield return After("COPY of wrong data",
            [.. TemporaryTable, Wire.Query("copy played from stdin"), Wire.CopyData("one\n"), Wire.CopyDone,
            Wire.Query("rollback"), Wire.Query("select 1")]);
        yield return After("An unnamed statement", Wire.Parse("", "select $1::int", 23), Wire.Bind("", "", "7"),
            Wire.Describe('P', ""), Wire.Execute(), Wire.Sync);
        yield return After("A statement and its portal described", Wire.Parse("", "select $1::text as a, 2 as b"),
            Wire.Describe('S', ""), Wire.Flush, Wire.Bind("p", "", "x"), Wire.Describe('P', "p"), Wire.Execute("p"),
            Wire.Close('P', "p"), Wire.Sync);
        yield return After("Rows in portions", Wire.Query("begin"), Wire.Parse("", "select generate_series(1, 5)"),
            Wire.Bind("p", ""), Wire.Execute("p", 2), Wire.Execute("p", 2), Wire.Execute("p", 2), Wire.Sync,
            Wire.Query("commit"));
        yield return After("An error in the middle of a pipeline", Wire.Parse("", "select 1"), Wire.Bind("", ""), Wire.Execute(),
            Wire.Parse("", "selec 2"), Wire.Bind("", ""), Wire.Execute(), Wire.Sync, Wire.Query("select 3"));
        yield return After("Pipelines behind each other",
            [.. Enumerable.Range(0, 20)
            .SelectMany(i => new[] { Wire.Parse("", $"select {i}"), Wire.Bind("", ""), Wire.Execute(), Wire.Sync })]);
        yield return After("Execute without Bind", Wire.Execute(), Wire.Sync, Wire.Query("select 1"));
        yield return After("Syncs", [.. Enumerable.Repeat(Wire.Sync, 50)]);
        yield return After("FunctionCall", Wire.CallSum(40, 2), Wire.CallSum(int.MaxValue, 1));
    }

    private static IEnumerable<RecordedStream> Packets()
    {
        yield return After("An unknown type", Wire.Typed('!', [1, 2, 3]));
        yield return After("A password after the login", Wire.Typed('p', "x\0"u8.ToArray()));
        yield return After("A second startup packet", Login);
        yield return After("SSLRequest after the login", Ssl) with { EndsAlone = true };
        yield return After("A length that is none", [(byte)'Q', 0, 0, 0, 1, 9, 9, 9]);
        yield return After("Terminate in the middle of a transaction", Wire.Query("begin"), Wire.Terminate);
        yield return After("CopyData out of the blue", Wire.CopyData("what"), Wire.Query("select 1"));
    }

    private static IEnumerable<RecordedStream> Consoles()
    {
        yield return OnConsole("A wrong command", Wire.Query("what is this"));
        yield return OnConsole("An empty command", Wire.Query(""), Wire.Query(";"));
        yield return OnConsole("Variables that every driver sets", Wire.Query("set client_encoding = 'utf8'"),
            Wire.Query("set datestyle to iso"));
        yield return OnConsole("A setting by SET and back", Wire.Query("set query_wait_timeout = 17"),
            Wire.Query("set query_wait_timeout = 30"), Wire.Query("set no_such = 1"));
        yield return OnConsole("RESUME of what is not paused", Wire.Query("resume"), Wire.Query("resume app"),
            Wire.Query("resume nowhere"));
        yield return OnConsole("Commands about databases", Wire.Query("disable app"), Wire.Query("enable app"),
            Wire.Query("pause nowhere"), Wire.Query("kill pgbouncer"), Wire.Query("reconnect nowhere"));
        yield return OnConsole("The extended protocol on the console", Wire.Parse("", "show version"), Wire.Sync);
        yield return OnConsole("Sync on the console", Wire.Sync);
        yield return OnConsole("FunctionCall on the console", Wire.CallSum(1, 1));
        yield return OnConsole("A command without its terminator", Wire.Typed('Q', "show version"u8.ToArray()));
    }

    private static byte[] Ssl => Wire.Untyped(Wire.SslRequest);

    private static byte[] Gss => Wire.Untyped(Wire.GssEncRequest);

    private static byte[][] TemporaryTable => [Wire.Query("begin; create temp table played (number int) on commit drop")];

    private static byte[] Startup(params (string, string)[] parameters) =>
        Wire.Startup([("user", "user_trust"), ("database", Postgres.Database), .. parameters]);

    private static byte[] Minor(int minor)
    {
        var bytes = (byte[])Login.Clone();
        (bytes[6], bytes[7]) = ((byte)(minor >> 8), (byte)minor);
        return bytes;
    }

    private static RecordedStream After(string name, params byte[][] messages) =>
        new(name, [.. Login, .. messages.SelectMany(message => message)]);

    private static RecordedStream OnConsole(string name, params byte[][] messages) =>
        new("Console: " + name, [.. ConsoleLogin, .. messages.SelectMany(message => message)]);

    /// <summary>The lines of a welcome; the variables given come in place of PostgreSQL's.</summary>
    private static IEnumerable<string> Welcome(params string[] changed)
    {
        yield return "R 0";
        string[] variables =
            ["DateStyle=ISO, MDY", "IntervalStyle=postgres", "TimeZone=UTC", "application_name=", "client_encoding=UTF8",
            "default_transaction_read_only=off", "in_hot_standby=off",
            "integer_datetimes=on", "is_superuser=on", "server_encoding=UTF8", "server_version=*",
                "session_authorization=user_trust", "standard_conforming_strings=on"];
        foreach (var variable in variables)
        {
            var name = variable[..(variable.IndexOf('=') + 1)];
            yield return "S " + (changed.FirstOrDefault(value => value.StartsWith(name, StringComparison.Ordinal)) ?? variable);
        }

        yield return "K of 8 bytes";
        yield return "Z I";
    }
}
