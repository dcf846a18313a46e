using System.Net.Sockets;
using System.Text;

namespace FastPool.Compat.Effects;

/// <summary>
/// Packages, service managers and scripts expect this of the process; where PgBouncer does the same, both are run.
/// </summary>
public class ProcessContractTests
{
    [ReferenceTheory]
    [InlineData("")]
    [InlineData("-Z")]
    [InlineData("--nope")]
    [InlineData("--verbose=1 a.ini")]
    [InlineData("a.ini b.ini")]
    [InlineData("-u")]
    [InlineData("missing.ini")]
    public Task A_wrong_command_line_is_answered_as_in_PgBouncer(string arguments) => Reference.SameAsync(async program =>
    {
        var (exit, text) = await Child.RunAsync(program, arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        return (exit, Bare(text, program));
    });

    [ReferenceTheory]
    [InlineData("[pgbouncer]\nno_such_key = 1\n")]
    [InlineData("[pgbouncer]\npool_mode = no\n")]
    [InlineData("[pgbouncer\n")]
    [InlineData("[databases]\na = host=x nonsense=1\n[pgbouncer]\n")]
    [InlineData("[databases]\npgbouncer = host=x\n[pgbouncer]\n")]
    [InlineData("[nowhere]\n")]
    [InlineData("listen_port = 1\n")]
    [InlineData("[databases]\n")]
    [InlineData("%include nowhere.ini\n")]
    [InlineData("[pgbouncer]\nunix_socket_dir =\n")]
    [InlineData("[pgbouncer]\nclient_tls_sslmode = require\n")]
    [InlineData("[pgbouncer]\nuser = no_such_user\n")]
    public Task A_wrong_file_is_answered_as_in_PgBouncer(string ini) => Reference.SameAsync(async program =>
    {
        var path = Path.Combine(Machine.NewFolder("w"), "p.ini");
        await File.WriteAllTextAsync(path, ini);
        var (exit, text) = await Child.RunAsync(program, [path]);
        var lines = Bare(text, program).Replace(Path.GetDirectoryName(path)!, "", StringComparison.Ordinal).Split('\n');
        return (exit,
            string.Join('\n',
            lines.Where(line =>
            line.StartsWith("ERROR", StringComparison.Ordinal) || line.StartsWith("FATAL", StringComparison.Ordinal))));
    });

    [PoolerFact]
    public async Task A_second_start_on_the_same_unix_socket_is_refused()
    {
        await using var pooler = await Pooler.StartAsync(1);
        var (exit, text) = await Child.RunAsync(Binary.Path, [pooler.IniPath]);
        Assert.Equal(1, exit);
        Assert.Contains("FATAL unix socket is in use, cannot continue", text);
        await pooler.ScalarAsync("select 1");
    }

    [PoolerFact]
    public async Task It_starts_within_a_second_and_leaves_nothing_beside_the_binary()
    {
        var folder = Path.GetDirectoryName(Binary.Path)!;
        var before = Directory.GetFiles(folder).Order();
        var watch = System.Diagnostics.Stopwatch.StartNew();
        await using var pooler = await Pooler.StartAsync(1);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(3), $"{watch.Elapsed}"); // With what the test itself needs.
        await pooler.ScalarAsync("select 1");
        Assert.Equal(before, Directory.GetFiles(folder).Order());
    }

    [PoolerTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_service_manager_is_told_of_start_reload_status_and_end(bool isAbstract)
    {
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        var name = isAbstract ? $"@fp{Guid.NewGuid():N}" : Path.Combine(Machine.NewFolder("s"), "notify");
        manager.Bind(new UnixDomainSocketEndPoint(isAbstract ? "\0" + name[1..] : name));
        if (!isAbstract) File.SetUnixFileMode(name, (UnixFileMode)0b111_111_111);
        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            f.Environment.Add(("NOTIFY_SOCKET", name));
            f["stats_period"] = "1";
        });
        await HearsAsync(manager, "READY=1");
        await HearsAsync(manager, "STATUS=stats: 0 xacts/s");
        pooler.Process.Signal(Child.SigHup);
        Assert.Matches(@"MONOTONIC_USEC=\d+", await HearsAsync(manager, "RELOADING=1"));
        await HearsAsync(manager, "READY=1");
        pooler.Process.Signal(Child.SigTerm);
        await HearsAsync(manager, "STOPPING=1");
        Assert.Equal(0, await pooler.Process.ExitAsync());
    }

    [PoolerFact]
    public async Task Sockets_passed_by_the_service_manager_serve_in_place_of_its_own()
    {
        var port = Machine.FreePort();
        var folder = Machine.NewFolder("a");
        var script = Path.Combine(folder, "activate");
        await File.WriteAllTextAsync(script, $$"""
            #!/usr/bin/perl
            use Socket; use POSIX;
            socket(my $s, PF_INET, SOCK_STREAM, 0) or die; setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
            bind($s, sockaddr_in({{port}}, INADDR_LOOPBACK)) or die; listen($s, 9) or die;
            socket(my $u, PF_UNIX, SOCK_STREAM, 0) or die; bind($u, sockaddr_un("{{folder}}/.s.PGSQL.6432")) or die;
            listen($u, 9) or die;
            # Out of the way first, for 3 and 4 may be these very two.
            my ($a, $b) = (POSIX::dup2(fileno($s), 13), POSIX::dup2(fileno($u), 14));
            POSIX::dup2(13, 3); POSIX::dup2(14, 4); POSIX::close(13); POSIX::close(14);
            use Fcntl; $^F = 9;
            for my $n (3, 4) { open(my $h, "<&=", $n); fcntl($h, F_SETFD, 0); push @keep, $h; }
            $ENV{LISTEN_FDS} = 2; $ENV{LISTEN_PID} = $$;
            exec "{{Binary.Path}}", @ARGV;
            """);
        File.SetUnixFileMode(script, (UnixFileMode)0b111_101_101);
        await using var pooler = await Pooler.StartAsync(1, f => f.Program = script);
        Assert.Contains("socket passed from service manager (fd 3)", pooler.Process.Text);
        Assert.Contains("sockets passed from service manager, cf_listen_addr ignored", pooler.Process.Text);
        Assert.Contains("socket passed from service manager (fd 4)", pooler.Process.Text);
        Assert.DoesNotContain("listening on", pooler.Process.Text);
        await using var client = await RawClient.LoginAsync(port, "user_trust", Postgres.Database);
        Assert.Equal("TDCZ", (await client.QueryAsync("select 1")).Types);
        var (_, local) =
            await Child.RunAsync(Machine.Program("psql"),
            ["-X", "-At", "-h", folder, "-p", "6432", "-U", "user_trust", "-d", "app", "-c", "select 'in'"]);
        Assert.Equal("in", local);
        Assert.Empty(Directory.GetFiles(pooler.Folder, ".s.PGSQL*"));
        Assert.False(await Machine.IsListeningAsync(pooler.Port));
        pooler.Process.Signal(Child.SigInt);
        Assert.Equal(0, await pooler.Process.ExitAsync());
        Assert.True(File.Exists(Path.Combine(folder, ".s.PGSQL.6432"))); // It is the service manager's.
    }

    [PoolerFact(FastPoolOnly = "to PgBouncer such a client is one of IPv6")]
    public async Task A_client_of_IPv4_on_a_socket_for_both_families_is_one_of_IPv4()
    {
        var port = Machine.FreePort();
        var folder = Machine.NewFolder("a");
        var script = Path.Combine(folder, "activate");
        var rules = Path.Combine(folder, "hba");
        await File.WriteAllTextAsync(rules, "host all all 127.0.0.1/32 trust\n");
        await File.WriteAllTextAsync(script, $$"""
            #!/usr/bin/perl
            use Socket qw(:all); use POSIX; use Fcntl;
            socket(my $s, PF_INET6, SOCK_STREAM, 0) or die; setsockopt($s, IPPROTO_IPV6, IPV6_V6ONLY, 0) or die;
            bind($s, pack_sockaddr_in6({{port}}, inet_pton(AF_INET6, "::"))) or die; listen($s, 9) or die;
            POSIX::dup2(fileno($s), 3); $^F = 9; open(my $h, "<&=", 3); fcntl($h, F_SETFD, 0);
            $ENV{LISTEN_FDS} = 1; $ENV{LISTEN_PID} = $$;
            exec "{{Binary.Path}}", @ARGV;
            """);
        File.SetUnixFileMode(script, (UnixFileMode)0b111_101_101);
        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            f.Program = script;
            f["auth_type"] = "hba";
            f["auth_hba_file"] = rules;
            f["application_name_add_host"] = "1";
        });
        await using var client = await RawClient.LoginAsync(port, "user_trust", Postgres.Database);
        Assert.StartsWith("app - 127.0.0.1:", (await client.QueryAsync("show application_name")).Rows[0][0]!,
            StringComparison.Ordinal);
        await using var console = await RawClient.LoginAsync(port, "admin", "pgbouncer");
        var clients = await console.QueryAsync("SHOW CLIENTS");
        Assert.All(clients.Rows, row => Assert.Equal("127.0.0.1", row[clients.Columns.IndexOf("addr")]));
        Assert.All(clients.Rows, row => Assert.Equal("127.0.0.1", row[clients.Columns.IndexOf("local_addr")]));
        Assert.DoesNotContain("::ffff", pooler.Process.Text, StringComparison.Ordinal);
    }

    [ReferenceFact]
    public Task A_log_line_goes_on_with_a_tab_as_in_PgBouncer() => Reference.SameAsync(async program =>
    {
        await using var pooler = await Pooler.StartAsync(1, f => f.Program = program);
        await using var client = await RawClient.ConnectAsync(pooler.Port);
        await client.SendAsync(Wire.Startup(("user", "a\nb"), ("database", "x")));
        await client.ReplyAsync();
        await pooler.LineAsync("\tb");
        return pooler.Process.Lines.First(line => line.Contains("\tb", StringComparison.Ordinal))[..2];
    });

    [PoolerFact(FastPoolOnly = "its log is text")]
    public async Task With_log_format_json_each_line_is_an_object()
    {
        await using var pooler = await Pooler.StartAsync(1, f => f.Own["log_format"] = "json");
        await using (var client = await pooler.RawAsync()) await client.QueryAsync("select 1");
        await pooler.LineAsync("closing because: ");
        var lines = pooler.Process.Lines.Select(static line => System.Text.Json.JsonDocument.Parse(line).RootElement).ToList();
        Assert.All(lines, line =>
        {
            Assert.Equal(["time", "pid", "level", "text"], line.EnumerateObject().Select(static pair => pair.Name).Take(4));
            Assert.Equal(pooler.Pid, line.GetProperty("pid").GetInt32());
        });
        var login = lines.Single(static line =>
            line.GetProperty("text").GetString()!.StartsWith("login attempt:", StringComparison.Ordinal));
        Assert.Equal("app|user_trust", $"{login.GetProperty("database")}|{login.GetProperty("user")}");
        Assert.StartsWith("127.0.0.1:", login.GetProperty("address").GetString(), StringComparison.Ordinal);
    }

    [PoolerTheory, Loops]
    public async Task Session_ids_stay_the_same_for_one_connection_and_every_line_has_its_form(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f.Environment.Add(("TZ", "UTC")));
        await using (var client = await pooler.RawAsync()) await client.QueryAsync("select 1");
        await pooler.LineAsync("closing because: ");
        Assert.All(pooler.Process.Lines, line =>
            Assert.Matches(@"^[0-9-]{10} [0-9:]{8}\.[0-9]{3} UTC \[[0-9]+\] (FATAL|ERROR|WARNING|LOG|DEBUG|NOISE) ", line));
        var ids =
            pooler.Process.Lines.Where(line =>
            line.Contains("@127.0.0.1", StringComparison.Ordinal) && line.Contains(" C-", StringComparison.Ordinal))
            .Select(line => System.Text.RegularExpressions.Regex.Match(line, " (C-0x[0-9a-f]+): ").Groups[1].Value).ToList();
        Assert.True(ids.Count >= 2);
        Assert.Single(ids.Distinct());
    }

    [ReferenceTheory]
    [InlineData("\"user_md5\" \"md5{0}\"\n")]
    [InlineData("\"user_md5\" \"correct horse\" \"ignored\"\n")]
    [InlineData("; a comment\n\n\"user_md5\" \"correct horse\"\n")]
    [InlineData("\"user_md5\"\"correct horse\"\n")]
    [InlineData("user_md5 \"correct horse\"\n")]
    [InlineData("\"user_md5\" \"wrong\"\n")]
    [InlineData("\"someone\" \"correct horse\"\n")]
    public Task A_userlist_lets_in_whom_it_lets_in_with_PgBouncer(string list) => Reference.SameAsync(async program =>
    {
        var stored =
            Convert.ToHexStringLower(
            System.Security.Cryptography.MD5.HashData(Encoding.UTF8.GetBytes(Postgres.Password + "user_md5")));
        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            f.Program = program;
            f["auth_type"] = "md5";
            f.Own["show_as"] = "1.25"; // The SQLSTATE of the reference.
        });
        await File.WriteAllTextAsync(Path.Combine(pooler.Folder, "userlist.txt"),
            list.Replace("{0}", stored, StringComparison.Ordinal));
        File.SetLastWriteTimeUtc(Path.Combine(pooler.Folder, "userlist.txt"), new DateTime(2020, 1, 1));
        // The line comes before the reload: a second one is behind the first reload.
        for (var signals = 1; signals <= 2; signals++)
        {
            pooler.Process.Signal(Child.SigHup);
            await Until.TrueAsync(() => pooler.Process.Lines.Count(static line =>
                line.Contains("got SIGHUP, re-reading config", StringComparison.Ordinal)) == signals, "the signal is taken");
        }
        try
        {
            await using var client = await pooler.ConnectAsync("user_md5");
            return $"{await client.ScalarAsync("select 1")}";
        }
        catch (Npgsql.PostgresException e)
        {
            return e.SqlState;
        }
    });

    [PoolerTheory, Loops]
    public async Task An_entry_of_its_own_goes_before_the_star(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f.Databases.Clear();
            f.Databases["*"] = "{server}";
            f.Databases["app"] = "{server} dbname=postgres";
        });
        Assert.Equal("postgres", await pooler.ScalarAsync("select current_database()::text"));
        await using var star = await pooler.RawAsync(database: "template1");
        Assert.Equal("template1", (await star.QueryAsync("select current_database()")).Rows[0][0]);
    }

    private static async Task<string> HearsAsync(Socket manager, string wanted)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        var buffer = new byte[4096];
        for (; ; )
        {
            var count = await manager.ReceiveAsync(buffer, deadline.Token);
            var text = Encoding.UTF8.GetString(buffer, 0, count);
            if (text.Contains(wanted, StringComparison.Ordinal)) return text;
        }
    }

    /// <summary>Without what differs from run to run: times, pids, the program's own name.</summary>
    private static string Bare(string text, string program)
    {
        text = text.Replace(program, "$B", StringComparison.Ordinal);
        return System.Text.RegularExpressions.Regex.Replace(text, @"(?m)^[0-9-]{10} [0-9:.]{12} \S+ \[[0-9]+\] ", "");
    }
}
