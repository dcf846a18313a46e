using Npgsql;

namespace FastPool.Compat.Auth;

/// <summary>
/// Every method with every kind of secret and every kind of password, plain and through TLS: what is asked for, and what the
/// client reads in the end. Source: spec, auth.md 1 to 3, 5 and 7.
/// </summary>
public class MatrixTests
{
    private const string Right = Postgres.Password;

    /// <summary>
    /// Users: f_… stand in auth_file, q_… are known by auth_query, null has no secret there; f_nobody and q_nobody are unknown
    /// where the database has no auth_query, and where it has one. A cell a/b means a without TLS, b with it. A decoy is asked
    /// what one kind of users with passwords is asked, or the other.
    /// </summary>
    private const string Table = """
        method         | users                                     | asks  | right  | wrong  | empty  | long   | over
        any            | f_plain f_md5 f_scram f_empty f_nobody    |       | in     | in     | in     | in     | in
        any            | q_plain q_md5 q_scram q_null q_nobody     |       | in     | in     | in     | in     | in
        trust          | f_plain f_md5 f_scram f_empty             |       | in     | in     | in     | in     | in
        trust          | q_plain q_md5 q_scram q_empty q_null      |       | in     | in     | in     | in     | in
        trust          | f_nobody q_nobody                         |       | trust  | trust  | trust  | trust  | trust
        plain          | f_plain f_md5 f_scram q_plain q_md5 q_scram | plain | in   | pw     | empty  | pw     | header
        plain          | f_empty f_nobody q_empty q_null q_nobody  | plain | pw     | pw     | empty  | pw     | header
        md5            | f_plain f_md5 q_plain q_md5               | md5   | in     | pw     | empty  | pw     | header
        md5            | f_scram q_scram                           | sasl  | in     | sasl   | sasl   | sasl   | header
        md5            | f_empty f_nobody q_empty q_null q_nobody  | decoy | pw     | pw     | empty  | pw     | header
        scram-sha-256  | f_plain f_scram q_plain q_scram           | sasl  | in     | sasl   | sasl   | sasl   | header
        scram-sha-256  | f_md5 f_empty f_nobody q_md5 q_empty q_null q_nobody | sasl | sasl  | sasl   | sasl   | sasl   | header
        """;

    /// <summary>The same by rules; the database has the method's name.</summary>
    private const string Rules = """
        method         | users                                     | asks  | right  | wrong  | empty  | long   | over
        reject         | f_plain f_md5 f_scram f_empty f_nobody    |       | reject | reject | reject | reject | reject
        reject         | q_plain q_md5 q_scram q_empty q_null q_nobody |   | reject | reject | reject | reject | reject
        peer           | f_plain f_md5 f_scram f_empty f_nobody    |       | peer   | peer   | peer   | peer   | peer
        cert           | f_plain f_md5 f_scram f_empty f_nobody    |       | cert   | cert   | cert   | cert   | cert
        cert           | q_plain q_md5 q_scram q_empty q_null q_nobody |       | cert   | cert   | cert   | cert   | cert
        none           | f_plain f_md5 f_scram f_empty f_nobody q_nobody | | none   | none   | none   | none   | none
        ssl            | f_plain f_md5 f_scram f_empty q_plain     |       | none/in | none/in | none/in | none/in | none/in
        nossl          | f_plain f_md5 f_scram f_empty q_plain     |       | in/none | in/none | in/none | in/none | in/none
        """;

    private static readonly Dictionary<string, string> Texts = new()
    {
        ["in"] = "in",
        ["trust"] = $"FATAL/{Binary.State("28000")} \"trust\" authentication failed",
        ["pw"] = $"FATAL/{Binary.State("28P01")} password authentication failed",
        ["sasl"] = $"FATAL/{Binary.State("28P01")} SASL authentication failed",
        ["empty"] = $"FATAL/{Binary.State("28P01")} empty password returned by client",
        ["reject"] = $"FATAL/{Binary.State("28000")} login rejected",
        ["peer"] = $"FATAL/{Binary.State("28000")} unix socket login rejected",
        ["cert"] = $"FATAL/{Binary.State("28000")} certificate authentication failed",
        ["none"] = $"FATAL/{Binary.State("28000")} no authentication method is found",
        ["header"] = "FATAL/08P01 bad packet header: '7000011174000000'",
    };

    private static readonly (string Name, string Password)[] Passwords =
        [("right", Right), ("wrong", "wrong"), ("empty", ""), ("long", new string('x', 65_000)), ("over", LoginClient.Over)];

    private static readonly Lazy<Task<Postgres>> Server = new(async () =>
    {
        var server = await Postgres.SharedAsync();
        await using var connection = await server.ConnectAsync(Postgres.Database);
        await using var command = new NpgsqlCommand("create table secrets (name text, secret text)", connection);
        await command.ExecuteNonQueryAsync();
        foreach (var (kind, secret) in Secrets("q_"))
            await connection.ScalarAsync("insert into secrets values ($1, $2)", "q_" + kind, secret);
        await connection.ScalarAsync("insert into secrets values ('q_null', null)");
        return server;
    });

    private static IEnumerable<(string Kind, string Secret)> Secrets(string prefix) =>
        [("plain", Right), ("md5", LoginClient.Md5(Right, prefix + "md5")), ("scram", LoginClient.Scram.Verifier(Right)),
            ("empty", "")];

    private static async Task<Pooler> PoolerAsync(int loops, Action<PoolerFile> change)
    {
        await Server.Value;
        var certificates = await Certificates.SharedAsync();
        return await Pooler.StartAsync(loops, f =>
        {
            f.OfferTls(certificates, "allow");
            f["auth_query"] = "select name, secret from secrets where name = $1";
            f["max_client_conn"] = "2000";
            foreach (var (kind, secret) in Secrets("f_")) f.Users["f_" + kind] = secret;
            change(f);
        });
    }

    private static IEnumerable<string[]> Rows(string table) =>
        table.Split('\n').Skip(1).Select(line => line.Split('|').Select(cell => cell.Trim()).ToArray());

    public static TheoryData<int, string> Methods => LoopsBy("any", "trust", "plain", "md5", "scram-sha-256");

    private static TheoryData<int, string> LoopsBy(params string[] methods)
    {
        var data = new TheoryData<int, string>();
        foreach (var method in methods)
        {
            data.Add(1, method);
            data.Add(2, method);
        }
        return data;
    }

    [PoolerTheory(FastPoolOnly = "lets empty secrets in, and misreads long passwords")]
    [MemberData(nameof(Methods))]
    public async Task Each_method_lets_in_whom_it_should_and_tells_the_others_why(int loops, string method)
    {
        await using var pooler = await PoolerAsync(loops, f =>
        {
            f["auth_type"] = method;
            f.Databases["f"] = "{server} dbname=app user=user_trust";
            f.Databases["q"] = "{server} dbname=app user=user_trust auth_user=user_trust";
        });
        await CheckAsync(pooler, Rows(Table).Where(row => row[0] == method), (_, user) => user[..1]);
    }

    [PoolerTheory(FastPoolOnly = "lets empty secrets in, and misreads long passwords"), Loops]
    public async Task Each_rule_lets_in_whom_it_should_and_tells_the_others_why(int loops)
    {
        var rows = Rows(Table).Where(row => row[0] != "any").Concat(Rows(Rules)).ToList();
        var methods = rows.Select(row => row[0]).Distinct().ToList();
        await using var pooler = await PoolerAsync(loops, f =>
        {
            var hba = Path.Combine(Machine.NewFolder("hba"), "hba.conf");
            File.WriteAllLines(hba, methods.Where(method => method != "none").Select(method =>
                $"{method switch { "ssl" => "hostssl", "nossl" => "hostnossl", _ => "host" }} f_{method},q_{method} all all "
                + method switch { "ssl" or "nossl" => "trust", "plain" => "password", _ => method }));
            f["auth_type"] = "hba";
            f["auth_hba_file"] = hba;
            foreach (var method in methods)
            {
                f.Databases["f_" + method] = "{server} dbname=app user=user_trust";
                f.Databases["q_" + method] = "{server} dbname=app user=user_trust auth_user=user_trust";
            }
        });
        await CheckAsync(pooler, rows, (method, user) => $"{user[..1]}_{method}");
    }

    [PoolerTheory, Loops]
    public async Task With_any_and_no_forced_user_nobody_gets_in(int loops)
    {
        await using var pooler = await PoolerAsync(loops, f => f["auth_type"] = "any");
        foreach (var user in new[] { "f_plain", "f_nobody" })
            Assert.Equal(new LoginOutcome("", "FATAL/08P01 bouncer config error"),
                await LoginClient.LoginAsync(pooler.Port, false, user, Postgres.Database, Right));
        await pooler.LineAsync("auth_type=any requires forced user");
    }

    private static bool IsDecoys(LoginOutcome outcome, LoginOutcome expected) => expected.Asked == "decoy"
        && (outcome == expected with { Asked = "md5" }
            || outcome == new LoginOutcome("sasl", expected.Answer == Texts["header"] ? Texts["header"] : Texts["sasl"]));

    private static async Task CheckAsync(Pooler pooler, IEnumerable<string[]> rows, Func<string, string, string> databaseOf)
    {
        var logins =
            from row in rows
            from user in row[1].Split(' ')
            from i in Enumerable.Range(0, Passwords.Length)
            from hasTls in new[] { false, true }
            let cells = row[3 + i].Split('/')
            select (Method: row[0], User: user, Password: Passwords[i], Tls: hasTls,
                Expected: new LoginOutcome(row[2], Texts[cells[hasTls ? ^1 : 0]]));
        var wrong = new System.Collections.Concurrent.ConcurrentBag<string>();
        var count = 0;
        await Parallel.ForEachAsync(logins, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (login, _) =>
        {
            var outcome =
                await LoginClient.LoginAsync(pooler.Port, login.Tls, login.User, databaseOf(login.Method, login.User),
                login.Password.Password);
            Interlocked.Increment(ref count);
            if (outcome != login.Expected && !IsDecoys(outcome, login.Expected))
                wrong.Add($"{login.Method} {login.User} {login.Password.Name} tls={login.Tls}: {outcome}, not {login.Expected}");
        });
        Assert.True(count >= 100);
        Assert.True(wrong.IsEmpty, string.Join('\n', wrong.Order()));
    }
}
