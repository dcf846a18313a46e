using System.Text;
using Npgsql;

namespace FastPool.Compat.Auth;

/// <summary>
/// Attacks of servers, or of an attacker in between, on PgBouncer: each ends that server's login, and other logins go on.
/// </summary>
public class ServerAttackTests
{
    private static Task<Pooler> StartAsync(ScriptedServer server, int loops) => Pooler.StartAsync(loops, f =>
    {
        f["client_login_timeout"] = "20";
        f["server_login_retry"] = "60";
        f["server_tls_sslmode"] = "disable";
        f.Databases["evil"] = $"host=127.0.0.1 port={server.Port} user=evil password=secret";
    });

    private static async Task<string> LoginAsync(Pooler pooler)
    {
        var answer = (await LoginClient.LoginAsync(pooler.Port, false, "user_trust", "evil", "")).Answer;
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
        return answer;
    }

    /// <summary>
    /// A client that waits for that server, for as long as it may; the server's end stands in the log, and others are served.
    /// </summary>
    private static async Task EndsAsync(Pooler pooler, params string[] lines)
    {
        await using var client = await RawClient.ConnectAsync(pooler.Port);
        await client.SendAsync(Wire.Startup(("user", "user_trust"), ("database", "evil")));
        foreach (var line in lines) await pooler.LineAsync(line);
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
    }

    [PoolerTheory(FastPoolOnly = "CVE-2026-6669, CVE-2026-6665")]
    [Loops("r={0}x,s=c2FsdA==,i=1000001", "malformed SCRAM message (invalid iteration count)")]
    [Loops("r={0}x,s=c2FsdA==,i=2147483647", "malformed SCRAM message (invalid iteration count)")]
    [Loops("r={0}x,s=c2FsdA==,i=99999999999999999999", "malformed SCRAM message (invalid iteration count)")]
    [Loops("r={0}x,s=c2FsdA==,i=0", "malformed SCRAM message (invalid iteration count)")]
    [Loops("r={0}x,s=c2FsdA==,i=-5", "malformed SCRAM message (invalid iteration count)")]
    [Loops("r={0}x,s=c2FsdA==", "malformed SCRAM message (invalid iteration count)")]
    [Loops("r={0}x,s=???,i=1", "malformed SCRAM message (invalid salt)")]
    [Loops("r={0}x", "malformed SCRAM message (invalid salt)")]
    [Loops("r={0},s=c2FsdA==,i=1", "invalid SCRAM response (nonce mismatch)")]
    [Loops("r=foreign,s=c2FsdA==,i=1", "invalid SCRAM response (nonce mismatch)")]
    [Loops("", "malformed SCRAM message (attribute expected)")]
    [Loops("r", "malformed SCRAM message (attribute expected)")]
    public async Task A_first_SCRAM_message_that_is_not_one_ends_the_servers_login(int loops, string message, string line)
    {
        await using var server = new ScriptedServer(async peer =>
        {
            await peer.AskForScramAsync();
            var nonce = await peer.ReadNonceAsync();
            await peer.AskAsync(11, Encoding.ASCII.GetBytes(string.Format(message, nonce)));
            await peer.ReadAsync();
        });
        await using var pooler = await StartAsync(server, loops);
        await EndsAsync(pooler, line, "closing because: failed to answer authreq");
    }

    [PoolerTheory(FastPoolOnly = "CVE-2026-6665")]
    [Loops(4_000)]
    [Loops(1_000_000)]
    public async Task An_over_long_server_nonce_overruns_nothing(int loops, int length)
    {
        var answers = new TaskCompletionSource<string>();
        await using var server = new ScriptedServer(async peer =>
        {
            await peer.AskForScramAsync();
            var nonce = await peer.ReadNonceAsync();
            await peer.AskAsync(11, Encoding.ASCII.GetBytes($"r={nonce}{new string('n', length)},s=c2FsdA==,i=4096"));
            answers.TrySetResult(Encoding.ASCII.GetString((await peer.ReadAsync()).Body));
            await peer.WelcomeAsync(("server_version", "15.0"));
            await peer.ServeAsync("", "");
        });
        await using var pooler = await StartAsync(server, loops);
        Assert.Equal("in", await LoginAsync(pooler));
        Assert.Contains(new string('n', length), await answers.Task, StringComparison.Ordinal);
    }

    [PoolerTheory(FastPoolOnly = "takes as much as comes")]
    [Loops('R')]
    [Loops('S')]
    [Loops('E')]
    public async Task A_message_without_end_is_not_waited_for(int loops, char type)
    {
        await using var server = new ScriptedServer(async peer =>
        {
            await peer.SendRawAsync([(byte)type, 0x7F, 0xFF, 0xFF, 0xF0, .. new byte[1000]]);
            await peer.ReadAsync();
        });
        await using var pooler = await StartAsync(server, loops);
        await EndsAsync(pooler, "closing because: bad pkt header");
    }

    [PoolerTheory(FastPoolOnly = "keeps what comes")]
    [Loops('S', 1000, 10_000, "server reports too much")]
    [Loops('S', 900_000, 1, "bad pkt header")]
    [Loops('N', 10, 100_000, "server login is too long")]
    [Loops('S', 100_000, 1, "server reports too much")]
    [Loops('K', 900_000, 1, "bad pkt header")]
    public async Task A_servers_messages_at_its_login_are_limited(int loops, char type, int length, int count, string reason)
    {
        await using var server = new ScriptedServer(async peer =>
        {
            await peer.AskAsync(0);
            for (var i = 0; i < count; i++)
                await peer.SendAsync(type, type == 'S' ? Encoding.ASCII.GetBytes($"p{i}\0{new string('v', length)}\0")
                    : new byte[length]);
            await peer.ReadAsync();
        });
        await using var pooler = await StartAsync(server, loops);
        await EndsAsync(pooler, $"closing because: {reason}");
    }

    [PoolerTheory(FastPoolOnly = "keeps each"), Loops]
    public async Task A_salt_of_megabytes_is_none(int loops)
    {
        await using var server = new ScriptedServer(async peer =>
        {
            await peer.AskForScramAsync();
            var nonce = await peer.ReadNonceAsync();
            await peer.AskAsync(11, Encoding.ASCII.GetBytes($"r={nonce}x,s={new string('A', 1_000_000)},i=1"));
            await peer.ReadAsync();
        });
        await using var pooler = await StartAsync(server, loops);
        await EndsAsync(pooler, "malformed SCRAM message (invalid salt)", "closing because: failed to answer authreq");
    }

    [PoolerTheory(FastPoolOnly = "stands still"), Loops]
    public async Task A_million_iterations_are_not_done_on_the_loop(int loops)
    {
        await using var server = new ScriptedServer(async peer =>
        {
            await peer.AskForScramAsync();
            var nonce = await peer.ReadNonceAsync();
            await peer.AskAsync(11, Encoding.ASCII.GetBytes($"r={nonce}x,s=c2FsdA==,i=1000000"));
            await peer.ReadAsync();
            await peer.WelcomeAsync(("server_version", "15.0"));
            await peer.ServeAsync("", "");
        });
        await using var pooler = await StartAsync(server, loops);
        Assert.Equal("in", await LoginAsync(pooler));
        var (ofKeys, ofLoops) = (0.0, 0.0);
        foreach (var thread in Directory.GetDirectories($"/proc/{pooler.Pid}/task"))
        {
            var fields = (await File.ReadAllTextAsync($"{thread}/stat")).Split(')')[^1].Split(' ');
            var seconds = (double.Parse(fields[12]) + double.Parse(fields[13])) / 100;
            var name = await File.ReadAllTextAsync($"{thread}/comm");
            if (name == "scram\n") ofKeys += seconds;
            else if (name.StartsWith("loop", StringComparison.Ordinal)) ofLoops += seconds;
        }
        Assert.True(ofKeys > 0.1 && ofLoops < ofKeys, $"the threads for it took {ofKeys} s, the loops {ofLoops} s");
    }

    private const string NoMessage = "server sent an error without a message";

    public static TheoryData<int, string, string> Errors
    {
        get
        {
            var data = new TheoryData<int, string, string>();
            foreach (var loops in new[] { 1, 2 })
            {
                data.Add(loops, "SFATAL|C28000|Mno", "FATAL/28000 no");
                data.Add(loops, "SFATAL|Mno", "FATAL/08P01 no");
                data.Add(loops, "SFATAL|C|Mno", "FATAL/08P01 no");
                data.Add(loops, "SFATAL|C280001|Mno", "FATAL/08P01 no");
                data.Add(loops, "SFATAL|C28000", "FATAL/28000 " + NoMessage);
                data.Add(loops, "", "FATAL/08P01 " + NoMessage);
                data.Add(loops, "SFATAL|C53300|M" + new string('m', 600), "FATAL/53300 " + new string('m', 600));
            }
            return data;
        }
    }

    [PoolerTheory(FastPoolOnly = "CVE-2026-6666; ends without a word, or crashes"), MemberData(nameof(Errors))]
    public async Task An_error_that_lacks_its_fields_is_told_all_the_same(int loops, string fields, string text)
    {
        await using var server = new ScriptedServer(async peer =>
        {
            await peer.SendAsync('E',
                [.. Encoding.ASCII.GetBytes(
                string.Concat(fields.Split('|', StringSplitOptions.RemoveEmptyEntries).Select(field => field + "\0"))), 0]);
        });
        await using var pooler = await StartAsync(server, loops);
        Assert.Equal(text, await LoginAsync(pooler));
    }

    [PoolerTheory(FastPoolOnly = "CVE-2026-6666; ends without a word, or crashes")]
    [Loops("")]
    [Loops("SFATAL")]
    [Loops("SFATAL\0C28000\0Mno")]
    public async Task An_error_that_is_cut_short_is_one_too(int loops, string body)
    {
        await using var server = new ScriptedServer(peer => peer.SendAsync('E', Encoding.ASCII.GetBytes(body)));
        await using var pooler = await StartAsync(server, loops);
        Assert.StartsWith("FATAL/", await LoginAsync(pooler), StringComparison.Ordinal);
    }

    [PoolerTheory(FastPoolOnly = "crashes"), Loops]
    public async Task A_server_that_reports_no_parameter_serves(int loops)
    {
        await using var server = new ScriptedServer(async peer =>
        {
            await peer.WelcomeAsync();
            await peer.ServeAsync("", "");
        });
        await using var pooler = await StartAsync(server, loops);
        Assert.Equal("in", await LoginAsync(pooler));
    }

    [PoolerTheory(FastPoolOnly = "differs in a text or two")]
    [Loops(7, "unknown/unsupported auth method: 7")]
    [Loops(9, "unknown/unsupported auth method: 9")]
    [Loops(2, "unknown/unsupported auth method: 2")]
    [Loops(11, "protocol error: AuthenticationSASLContinue out of order")]
    [Loops(12, "protocol error: AuthenticationSASLFinal out of order")]
    public async Task A_request_that_nobody_can_answer_ends_the_servers_login(int loops, int code, string line)
    {
        await using var server = new ScriptedServer(async peer =>
        {
            await peer.AskAsync(code, "v=AAAA"u8.ToArray());
            await peer.ReadAsync();
        });
        await using var pooler = await StartAsync(server, loops);
        await EndsAsync(pooler, line, "closing because: failed to answer authreq");
    }

    [PoolerTheory(Since = "1.19"), Loops]
    public async Task A_server_that_does_not_know_the_password_itself_is_found_out(int loops)
    {
        await using var server = new ScriptedServer(async peer =>
        {
            await peer.AskForScramAsync();
            var nonce = await peer.ReadNonceAsync();
            await peer.AskAsync(11, Encoding.ASCII.GetBytes($"r={nonce}x,s=c2FsdA==,i=4096"));
            await peer.ReadAsync();
            await peer.AskAsync(12, Encoding.ASCII.GetBytes("v=" + Convert.ToBase64String(new byte[32])));
            await peer.ReadAsync();
        });
        await using var pooler = await StartAsync(server, loops);
        Assert.Equal("FATAL/08P01 server login failed: invalid server signature", await LoginAsync(pooler));
    }

    [PoolerTheory(FastPoolOnly = "CVE-2025-12819"), Loops]
    public async Task A_search_path_never_reaches_auth_query(int loops)
    {
        var md5 = LoginClient.Md5("right", "ann");
        await using var server = new ScriptedServer(async peer =>
        {
            await peer.WelcomeAsync(("search_path", "\"$user\", public"));
            await peer.ServeAsync("ann", md5);
        });
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["auth_type"] = "md5";
            f["auth_query"] = "select ask($1)";
            f["track_extra_parameters"] = "search_path";
            f["server_tls_sslmode"] = "disable";
            // The same server serves clients and auth_query.
            f.Databases["d"] = $"host=127.0.0.1 port={server.Port} user=both auth_user=both pool_size=1";
        });
        async Task<LoginOutcome> AskAsync(string user, string password)
        {
            using var client = await LoginClient.ConnectAsync(pooler.Port, false);
            await client.SendAsync(Wire.Startup(("user", user), ("database", "d"), ("search_path", "evil")));
            var (_, request) = (await client.ReadAsync())!.Value;
            await client.AnswerAsync(LoginClient.Respond(LoginClient.Md5(password, user), request.AsSpan(4, 4)));
            while (await client.ReadAsync() is var (type, _))
            {
                if (type == 'Z') break;
                Assert.NotEqual('E', type);
            }
            await client.SendAsync(Wire.Query("select 'own'"));
            while (await client.ReadAsync() is var (type, _) && type != 'Z')
            {
            }
            return new LoginOutcome("md5", "in");
        }

        for (var i = 0; i < 3; i++) Assert.Equal("in", (await AskAsync("ann", "right")).Answer);
        // Each question is asked under the server's own path, each query of the client's under the client's.
        var path = "";
        var seen = new List<string>();
        foreach (var query in server.Queries)
        {
            if (query.Contains("search_path", StringComparison.Ordinal)) path = query;
            else if (query is "select ask($1)" or "select 'own'")
                seen.Add($"{query} {(path.Contains("evil", StringComparison.Ordinal) ? "evil" : "own")}");
        }
        Assert.Equal(Enumerable.Repeat(new[] { "select ask($1) own", "select 'own' evil" }, 3).SelectMany(static pair => pair),
            seen);
    }
}
