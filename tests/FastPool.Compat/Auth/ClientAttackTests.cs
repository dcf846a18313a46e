using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Npgsql;

namespace FastPool.Compat.Auth;

/// <summary>
/// Attacks of clients on PgBouncer that must fail here: each ends in a refused login or in the right answer, and others go on.
/// </summary>
public class ClientAttackTests
{
    private const string SaslFailed = "FATAL/28P01 SASL authentication failed";

    private static Task<Pooler> ScramAsync(int loops) => Pooler.StartAsync(loops, f =>
    {
        f["auth_type"] = "scram-sha-256";
        f["client_login_timeout"] = "3";
    });

    /// <summary>A client that has been asked for SCRAM, up to the given point.</summary>
    private static async Task<LoginClient> AskedAsync(Pooler pooler, bool hasBegun, string database = Postgres.Database)
    {
        var client = await LoginClient.ConnectAsync(pooler.Port, hasTls: false);
        await client.SendAsync(Wire.Startup(("user", "user_scram"), ("database", database)));
        Assert.Equal('R', (await client.ReadAsync())!.Value.Type);
        if (!hasBegun) return client;
        await client.AnswerAsync(LoginClient.Initial("n,,n=,r=abc"));
        Assert.Equal('R', (await client.ReadAsync())!.Value.Type);
        return client;
    }

    private static async Task<string> ErrorOfAsync(LoginClient client) => await client.ReadAsync() is var (type, body)
        ? new Message(type, body) is { Type: 'E' } error ? $"{error.Field('S')}/{error.Field('C')} {error.Field('M')}" : $"{type}"
        : "closed";

    private static async Task IsAliveAsync(Pooler pooler, string user = "user_scram") =>
        Assert.Equal("in", (await LoginClient.LoginAsync(pooler.Port, false, user, Postgres.Database, Postgres.Password)).Answer);

    [PoolerTheory(FastPoolOnly = "CVE-2026-6664"), Loops]
    public async Task A_SASL_length_that_overflows_is_no_login(int loops)
    {
        await using var pooler = await ScramAsync(loops);
        var answers = await Task.WhenAll(new[] { int.MaxValue, int.MinValue, -1, -2, 12, 0x7FFFFFF0 }.Select(async length =>
        {
            using var client = await AskedAsync(pooler, hasBegun: false);
            await client.AnswerAsync(LoginClient.Initial("n,,n=,r=abc", length: length));
            return (length, await ErrorOfAsync(client));
        }));
        Assert.All(answers, answer =>
            Assert.Equal(answer.length == -1 ? SaslFailed : "FATAL/08P01 client_login_timeout", answer.Item2));
        await IsAliveAsync(pooler);
    }

    [PoolerTheory(FastPoolOnly = "CVE-2026-19888")]
    [Loops("c=biws", "malformed SCRAM message (attribute expected)")]
    [Loops("c=biws,p=AAAA", "malformed SCRAM message (attribute expected)")]
    [Loops("c=biws,r=,p=AAAA", "invalid SCRAM response (nonce does not match)")]
    [Loops("c=biws,r=abc,p=AAAA", "invalid SCRAM response (nonce does not match)")]
    [Loops("", "malformed SCRAM message (attribute expected)")]
    [Loops(",,,,", "malformed SCRAM message (attribute expected)")]
    [Loops("r=abc", "malformed SCRAM message (attribute expected)")]
    public async Task A_last_SCRAM_message_without_its_nonce_is_refused(int loops, string message, string line)
    {
        await using var pooler = await ScramAsync(loops);
        using var client = await AskedAsync(pooler, hasBegun: true);
        await client.AnswerAsync(Encoding.ASCII.GetBytes(message));
        Assert.Equal(SaslFailed, await ErrorOfAsync(client));
        await pooler.LineAsync(line);
        await IsAliveAsync(pooler);
    }

    [PoolerTheory(Since = "1.25"), Loops]
    public async Task SASL_messages_that_are_repeated_or_out_of_order_end_the_login(int loops)
    {
        await using var pooler = await ScramAsync(loops);
        var initial = LoginClient.Initial("n,,n=,r=abc");
        foreach (var (hasBegun, message, text) in new[]
        {
            (false, "c=biws,r=abc,p=AAAA\0"u8.ToArray(), "FATAL/08P01 client selected an invalid SASL authentication mechanism"),
            (false, "correct horse\0\0\0\0\0"u8.ToArray(),
                "FATAL/08P01 client selected an invalid SASL authentication mechanism"),
            (false, LoginClient.Initial("n,,n=,r=abc", "SCRAM-SHA-1"),
                "FATAL/08P01 client selected an invalid SASL authentication mechanism"),
            (false, LoginClient.Initial("p=tls-server-end-point,,n=,r=abc", "SCRAM-SHA-256-PLUS"),
                "FATAL/08P01 client selected an invalid SASL authentication mechanism"),
            (true, initial, SaslFailed),
            (true, [], SaslFailed),
        })
        {
            using var client = await AskedAsync(pooler, hasBegun);
            await client.AnswerAsync(message);
            Assert.Equal(text, await ErrorOfAsync(client));
        }
        using (var client = await AskedAsync(pooler, hasBegun: false)) // Bytes behind a refusal are not looked at.
        {
            await client.SendAsync(
                [.. Wire.Typed('p', initial), .. Wire.Typed('p', initial), .. Wire.Query("select 1")]);
            Assert.Equal("R", await ErrorOfAsync(client));
            Assert.Equal(SaslFailed, await ErrorOfAsync(client));
            Assert.Equal("closed", await ErrorOfAsync(client));
        }
        await IsAliveAsync(pooler);
    }

    [PoolerTheory]
    [Loops("plain")]
    [Loops("md5")]
    public async Task A_second_password_is_no_message_of_one_who_is_in(int loops, string authType)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["auth_type"] = authType);
        await using var client = await RawClient.ConnectAsync(pooler.Port);
        await client.SendAsync(Wire.Startup(("user", "user_trust"), ("database", Postgres.Database)));
        var request = (await client.ReadAsync())!.Body;
        var password = authType == "plain" ? Encoding.ASCII.GetBytes(Postgres.Password + "\0")
            : LoginClient.Respond(LoginClient.Md5(Postgres.Password, "user_trust"), request.AsSpan(4, 4));
        await client.SendAsync([.. Wire.Typed('p', password), .. Wire.Typed('p', password)]);
        Assert.Equal('I', (await client.ReplyAsync()).Status);
        Assert.Equal("FATAL/08P01 unknown pkt", (await client.ReplyAsync()).ErrorText);
    }

    [PoolerTheory(FastPoolOnly = "CVE-2026-107350")]
    [Loops(false, Postgres.Database)]
    [Loops(true, Postgres.Database)]
    [Loops(false, "no_such_database")]
    [Loops(true, "no_such_database")]
    public async Task A_second_startup_packet_in_the_middle_of_SCRAM_is_refused(int loops, bool hasBegun, string database)
    {
        await using var pooler = await ScramAsync(loops);
        using var client = await AskedAsync(pooler, hasBegun, database);
        await client.SendAsync(Wire.Startup(("user", "user_trust"), ("database", Postgres.Database)));
        Assert.Equal("FATAL/08P01 client re-sent startup pkt", await ErrorOfAsync(client));
        Assert.Equal("closed", await ErrorOfAsync(client));
        await IsAliveAsync(pooler);
    }

    [PoolerTheory(FastPoolOnly = "begins TLS in the middle"), Loops]
    public async Task TLS_does_not_begin_in_the_middle_of_a_login(int loops)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f.OfferTls(certificates, "allow");
            f["auth_type"] = "scram-sha-256";
        });
        foreach (var code in new[] { Wire.SslRequest, Wire.GssEncRequest })
        {
            using var client = await AskedAsync(pooler, hasBegun: true);
            await client.SendAsync(Wire.Untyped(code, []));
            Assert.Equal("FATAL/08P01 client re-sent startup pkt", await ErrorOfAsync(client));
        }
    }

    [PoolerTheory(FastPoolOnly = "CVE-2026-107349")]
    [Loops("-c=", "unsupported startup parameter in options: ")]
    [Loops("-c =", "unsupported startup parameter in options: ")]
    [Loops("--=x", "unsupported startup parameter in options: ")]
    [Loops("-c", "unsupported options startup parameter: only '-c config=val' and '--config=val' are allowed")]
    [Loops("-c \\", "unsupported options startup parameter: only '-c config=val' and '--config=val' are allowed")]
    public async Task An_option_without_a_name_does_not_spin(int loops, string options, string text)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await RawClient.ConnectAsync(pooler.Port);
        await client.SendAsync(Wire.Startup(("user", "user_trust"), ("database", Postgres.Database), ("options", options)));
        Assert.Equal("FATAL/08P01 " + text, (await client.ReplyAsync()).ErrorText);
        await IsAliveAsync(pooler, "user_trust");
    }

    [PoolerTheory(FastPoolOnly = "CVE-2026-107348")]
    [Loops("2147483649")]
    [Loops("4294967295")]
    public async Task A_packet_longer_than_two_gigabytes_is_refused_whatever_may_be(int loops, string max)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["max_packet_size"] = max);
        foreach (var length in new[] { 0x80000000u, 0x80000001u, 0xFFFFFFFFu, 0x7FFFFFFFu, 0xFFFFFFFEu })
        {
            await using var client = await pooler.RawAsync();
            var packet = new byte[100];
            packet[0] = (byte)'Q';
            BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(1), length);
            await client.SendAsync(packet);
            Assert.Equal($"FATAL/08P01 bad packet header: '51{length:x8}000000'", (await client.ReplyAsync()).ErrorText);
        }
        await IsAliveAsync(pooler, "user_trust");
    }

    [PoolerTheory(FastPoolOnly = "waits for all of it")]
    [Loops('p', 66_000u)]
    [Loops('p', 0x7FFFFFFEu)]
    [Loops('G', 0x45542020u)]
    public async Task Before_the_login_no_message_is_longer_than_a_password(int loops, char type, uint length)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["auth_type"] = "plain");
        await using var client = await RawClient.ConnectAsync(pooler.Port);
        await client.SendAsync(Wire.Startup(("user", "user_trust"), ("database", Postgres.Database)));
        Assert.Equal('R', (await client.ReadAsync())!.Type);
        var header = new byte[8];
        header[0] = (byte)type;
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(1), length);
        await client.SendAsync(header);
        Assert.StartsWith("FATAL/08P01 bad packet header: '", (await client.ReplyAsync()).ErrorText, StringComparison.Ordinal);
    }

    [PoolerTheory(FastPoolOnly = "CVE-2026-6668"), Loops]
    public async Task A_statement_of_many_megabytes_is_gathered_without_copying_it_over_and_over(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        var small = await SecondsOfAsync(20);
        // Eight times the bytes. Looked at anew with each of its pieces, it takes sixty-four times as long, and not eight.
        Assert.InRange(await SecondsOfAsync(160), 0, 24 * Math.Max(small, 0.1));

        async Task<double> SecondsOfAsync(int megabytes)
        {
            var before = CpuSeconds(pooler.Pid);
            var text = Encoding.ASCII.GetBytes($"large{megabytes}\0select 1 /*{new string('x', megabytes << 20)}*/\0");
            await client.SendAsync([.. Wire.Typed('P', [.. text, 0, 0]), .. Wire.Typed('S')]);
            Assert.Equal("1Z", (await client.ReplyAsync()).Types);
            return CpuSeconds(pooler.Pid) - before;
        }
    }

    [PoolerTheory(FastPoolOnly = "CVE-2026-6668"), Loops]
    public async Task A_statement_longer_than_PostgreSQL_takes_is_not_gathered_at_all(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        await client.SendAsync([(byte)'P', 0x40, 0, 0, 0, .. "name\0select"u8]);
        Assert.Equal("FATAL/08P01 bad packet header: '50400000006e616d'", (await client.ReplyAsync()).ErrorText);
        await IsAliveAsync(pooler, "user_trust");
    }

    /// <summary>utime and stime of /proc/PID/stat, in hundredths.</summary>
    private static double CpuSeconds(int pid) => CpuSeconds($"/proc/{pid}/stat");

    private static double CpuSeconds(string stat)
    {
        var fields = File.ReadAllText(stat).Split(')')[^1].Split(' ');
        return (double.Parse(fields[12], CultureInfo.InvariantCulture)
            + double.Parse(fields[13], CultureInfo.InvariantCulture)) / 100;
    }

    [PoolerTheory(FastPoolOnly = "CVE-2026-6667"), Loops]
    public async Task A_user_who_may_only_look_kills_nobody(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        await using var stats = await RawClient.LoginAsync(pooler.Port, "stats", "pgbouncer");
        var clients = await stats.QueryAsync("SHOW CLIENTS");
        var id = clients.Rows.Single(row => row[1] == "user_trust")[clients.Columns.IndexOf("id")];
        foreach (
            var command in new[] { $"KILL_CLIENT {id}", "KILL app", "PAUSE", "RESUME", "DISABLE app", "RECONNECT", "SUSPEND",
            "SHUTDOWN", "RELOAD", "SET auth_type = 'any'", "SHOW FDS" })
            Assert.Equal("ERROR/08P01 admin access needed", (await stats.QueryAsync(command)).ErrorText);
        Assert.Equal("1", (await client.QueryAsync("select 1")).Rows[0][0]);
    }

    [PoolerTheory]
    [Loops("plain", "password\0")]
    [Loops("md5", "md5aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\0")]
    public async Task A_password_that_never_ends_and_other_messages_end_the_login(int loops, string authType, string password)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["auth_type"] = authType;
            f["client_login_timeout"] = "2";
        });
        foreach (var (bytes, text) in new[]
        {
            (Wire.Typed('p', Encoding.ASCII.GetBytes(password.TrimEnd('\0'))), "FATAL/08P01 client_login_timeout"),
            (Wire.Typed('Q', "select 1\0"u8.ToArray()), ""),
            (Wire.Typed('X'), ""),
            (Wire.Startup(("user", "user_trust")), "FATAL/08P01 client re-sent startup pkt"),
        })
        {
            await using var client = await RawClient.ConnectAsync(pooler.Port);
            await client.SendAsync(Wire.Startup(("user", "user_trust"), ("database", Postgres.Database)));
            Assert.Equal('R', (await client.ReadAsync())!.Type);
            await client.SendAsync(bytes);
            Assert.Equal(text, (await client.ReplyAsync()).ErrorText);
        }
        await pooler.LineAsync("closing because: bad packet");
    }

    [PoolerTheory(FastPoolOnly = "lets removed users in")]
    [Loops("trust", "FATAL/28000 \"trust\" authentication failed")]
    [Loops("plain", "FATAL/28P01 password authentication failed")]
    [Loops("md5", "FATAL/28P01 password authentication failed")]
    [Loops("scram-sha-256", SaslFailed)]
    public async Task A_user_who_is_removed_from_the_file_is_unknown_after_RELOAD(int loops, string authType, string text)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["auth_type"] = authType);
        await IsAliveAsync(pooler, "user_trust");
        pooler.Rewrite(f => f.Users.Remove("user_trust"));
        Assert.Equal("RELOAD", await pooler.OwnUserAsync("RELOAD"));
        foreach (
            var password in new[] { Postgres.Password, "" }.Where(password => password.Length > 0 || authType == "scram-sha-256"))
            Assert.Equal(text,
                (await LoginClient.LoginAsync(pooler.Port, false, "user_trust", Postgres.Database, password)).Answer);
        await pooler.LineAsync("no such user: user_trust");
        pooler.Rewrite(f => f.Users["user_trust"] = "another");
        Assert.Equal("RELOAD", await pooler.OwnUserAsync("RELOAD"));
        Assert.Equal("in", (await LoginClient.LoginAsync(pooler.Port, false, "user_trust", Postgres.Database, "another")).Answer);
        if (authType != "trust")
            Assert.Equal(text,
            (await LoginClient.LoginAsync(pooler.Port, false, "user_trust", Postgres.Database, Postgres.Password)).Answer);
    }

    [PoolerTheory(FastPoolOnly = "stores them over the forced user's"), Loops]
    public async Task The_keys_of_those_who_log_in_do_not_replace_a_forced_users_password(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["auth_type"] = "scram-sha-256";
            f.Users["guest"] = LoginClient.Scram.Verifier("guest's own");
            f.Databases["forced"] = $"{{server}} dbname=app user=user_scram password='{Postgres.Password}'";
        });
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal("in", (await LoginClient.LoginAsync(pooler.Port, false, "guest", "forced", "guest's own")).Answer);
            Assert.Equal("RECONNECT", await pooler.OwnUserAsync("RECONNECT"));
        }
        await using var connection = await pooler.ConnectAsync("user_scram", "forced");
        Assert.Equal("user_scram", await connection.ScalarAsync("select current_user::text"));
    }

    [PoolerTheory(FastPoolOnly = "keeps the first"), Loops]
    public async Task Proved_keys_serve_whoever_has_that_verifier_and_go_with_it(int loops)
    {
        var server = await Postgres.SharedAsync();
        var verifier = await server.ScalarAsync<string>("select rolpassword from pg_authid where rolname = 'user_scram'");
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["auth_type"] = "scram-sha-256";
            f["server_login_retry"] = "0.1";
            f.Users["user_scram"] = verifier;
            f.Users["guest"] = LoginClient.Scram.Verifier("other");
            f.Databases["forced"] = "{server} dbname=app user=user_scram";
        });
        // No client has proved it yet: the forced user has a verifier and no key.
        Assert.Equal("FATAL/08P01 server login failed: wrong password type",
            (await LoginClient.LoginAsync(pooler.Port, false, "guest", "forced", "other")).Answer);
        Assert.Equal("in",
            (await LoginClient.LoginAsync(pooler.Port, false, "user_scram", Postgres.Database, Postgres.Password)).Answer);
        Assert.Equal("in", (await LoginClient.LoginAsync(pooler.Port, false, "guest", "forced", "other")).Answer);
        Assert.Equal("RELOAD", await pooler.OwnUserAsync("RELOAD")); // The verifier is still there, and so are the keys.
        Assert.Equal("RECONNECT", await pooler.OwnUserAsync("RECONNECT"));
        Assert.Equal("in", (await LoginClient.LoginAsync(pooler.Port, false, "guest", "forced", "other")).Answer);
        pooler.Rewrite(f => f.Users["user_scram"] = LoginClient.Scram.Verifier(Postgres.Password, "another salt"));
        Assert.Equal("RELOAD", await pooler.OwnUserAsync("RELOAD"));
        Assert.Equal("RECONNECT", await pooler.OwnUserAsync("RECONNECT"));
        await Until.TrueAsync(
            async () =>
            (await LoginClient.LoginAsync(pooler.Port, false, "guest", "forced",
            "other")).Answer == "FATAL/08P01 server login failed: wrong password type", "the keys are gone");
    }

    [PoolerTheory(FastPoolOnly = "stands still"), Loops]
    public async Task A_verifier_with_very_many_iterations_costs_its_own_login_and_no_other(int loops)
    {
        // Any role may give itself such a one, and auth_query then tells it to the pooler.
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["auth_type"] = "plain";
            f.Users["slow"] = LoginClient.Scram.Verifier(Postgres.Password, iterations: 1_000_000);
            f.Users["endless"] = LoginClient.Scram.Verifier(Postgres.Password)
                .Replace("$4096:", "$2000000000:", StringComparison.Ordinal);
            f.Databases["app"] += " user=user_trust";
        });
        Assert.Equal("FATAL/28P01 password authentication failed",
            (await LoginClient.LoginAsync(pooler.Port, false, "endless", "app", Postgres.Password)).Answer);
        await pooler.LineAsync("SCRAM secret has too many iterations: 2000000000");
        await using var client = await RawClient.ConnectAsync(pooler.Port);
        await client.SendAsync(
            [.. Wire.Startup(("user", "user_plain"), ("database", "app")),
            .. Wire.Typed('p', Encoding.ASCII.GetBytes(Postgres.Password + "\0"))]);
        Assert.Equal('I', (await client.ReplyAsync()).Status);
        var slow = Enumerable.Range(0, 8)
            .Select(i => LoginClient.LoginAsync(pooler.Port, false, "slow", "app", i == 0 ? Postgres.Password : "wrong"))
            .ToList();
        Assert.Equal("1", (await client.QueryAsync("select 1")).Rows[0][0]);
        Assert.Equal("in", (await slow[0]).Answer);
        foreach (var login in slow.Skip(1)) Assert.Equal("FATAL/28P01 password authentication failed", (await login).Answer);
        var (ofThreads, ofOthers) = (0.0, 0.0);
        foreach (var thread in Directory.GetDirectories($"/proc/{pooler.Pid}/task"))
        {
            if (File.ReadAllText($"{thread}/comm") == "scram\n") ofThreads += CpuSeconds($"{thread}/stat");
            else ofOthers += CpuSeconds($"{thread}/stat");
        }
        Assert.True(ofThreads > 1
            && ofOthers < ofThreads / 4, $"the threads for it took {ofThreads} s, the loops and others {ofOthers} s");
    }

    [PoolerTheory(FastPoolOnly = "those of known users change"), Loops]
    public async Task Known_and_unknown_users_are_asked_alike_before_and_after_RELOAD(int loops)
    {
        await using var pooler = await ScramAsync(loops);
        async Task<string[]> SaltsAsync() =>
            await Task.WhenAll(new[] { "user_scram", "user_plain", "nobody_knows", "nobody_else" }.Select(async user =>
        {
            using var client = await LoginClient.ConnectAsync(pooler.Port, false);
            await client.SendAsync(Wire.Startup(("user", user), ("database", Postgres.Database)));
            await client.ReadAsync();
            await client.AnswerAsync(LoginClient.Initial("n,,n=,r=abc"));
            var first = Encoding.ASCII.GetString((await client.ReadAsync())!.Value.Body.AsSpan(4));
            Assert.EndsWith(",i=4096", first, StringComparison.Ordinal);
            return first.Split(',')[1];
        }));
        var before = await SaltsAsync();
        Assert.Equal(before, await SaltsAsync());
        Assert.Equal(4, before.Distinct().Count()); // Two users with one password do not show that they have.
        Assert.All(before, salt => Assert.Equal(16, Convert.FromBase64String(salt[2..]).Length));
        Assert.Equal("RELOAD", await pooler.OwnUserAsync("RELOAD"));
        Assert.Equal(before, await SaltsAsync());
    }
}
