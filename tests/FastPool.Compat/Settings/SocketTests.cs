using System.Net;
using System.Net.Sockets;

namespace FastPool.Compat.Effects;

/// <summary>The effect of listen_*, tcp_*, unix_socket_* and so_reuseport on sockets, as the kernel tells it.</summary>
public class SocketTests
{
    [PoolerTheory, Loops]
    public async Task Keepalive_is_on_with_the_given_times_on_both_sides(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["tcp_keepidle"] = "1234";
            f["tcp_keepcnt"] = "3";
        });
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        await TimersAreAsync(pooler, count: 2, low: 19, high: 21);
    }

    [PoolerTheory, Loops]
    public async Task Keepalive_of_new_sockets_follows_a_reload_and_old_ones_stay(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["tcp_keepalive"] = "0";
            f.Own["dead_peer_timeout"] = "0";
        });
        await using var old = await pooler.RawAsync();
        await old.QueryAsync("begin");
        Assert.Empty(await TimersAsync(pooler));
        pooler.Rewrite(f =>
        {
            f["tcp_keepalive"] = "1";
            f["tcp_keepidle"] = "1234";
        });
        await pooler.ConsoleAsync("RELOAD");
        await using var young = await pooler.RawAsync();
        await young.QueryAsync("begin");
        await TimersAreAsync(pooler, count: 2, low: 19, high: 21);
        pooler.Rewrite(f => f["tcp_keepidle"] = "0");
        await pooler.ConsoleAsync("RELOAD");
        await using var youngest = await pooler.RawAsync();
        await youngest.QueryAsync("begin");
        await Until.TrueAsync(async () =>
            (await TimersAsync(pooler)).Count(minutes => minutes > 100) == 2, "two sockets with the system's own time");
    }

    [PoolerTheory, Loops]
    public async Task Socket_buffers_are_as_large_as_asked(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["tcp_socket_buffer"] = "50000");
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        var (_, text) = await Child.RunAsync("ss", ["-tmnpH", "state", "established", "sport", "=", $":{pooler.Port}"]);
        Assert.Contains("rb100000", text); // The kernel doubles what is asked for.
        Assert.Contains("tb100000", text);
    }

    [ReferenceTheory]
    [InlineData("7")]
    [InlineData("300")]
    public Task The_backlog_is_that_of_the_ini_as_in_PgBouncer(string backlog) => Reference.SameAsync(async program =>
    {
        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            f.Program = program;
            f["listen_backlog"] = backlog;
        });
        var (_, text) = await Child.RunAsync("ss", ["-ltnH", "sport", "=", $":{pooler.Port}"]);
        return text.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2];
    });

    [ReferenceTheory]
    [InlineData("0777")]
    [InlineData("0700")]
    [InlineData("0660")]
    public Task The_unix_socket_has_its_mode_as_in_PgBouncer(string mode) => Reference.SameAsync(async program =>
    {
        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            f.Program = program;
            f["unix_socket_mode"] = mode;
        });
        return File.GetUnixFileMode(Path.Combine(pooler.Folder, $".s.PGSQL.{pooler.Port}"));
    });

    [ReferenceTheory]
    [InlineData("no-such-group")]
    [InlineData("0")]
    public Task A_group_that_cannot_be_ends_the_start_as_in_PgBouncer(string group) => Reference.SameAsync(async program =>
    {
        var folder = Machine.NewFolder("g");
        var port = Machine.FreePort();
        var ini = Path.Combine(folder, "p.ini");
        await File.WriteAllTextAsync(ini,
            $"[pgbouncer]\nlisten_port={port}\nunix_socket_dir={folder}\nunix_socket_group={group}\nauth_type=trust\n");
        var (exit, text) = await Child.RunAsync(program, [ini]);
        return (exit, text.Split('\n').First(line => line.Contains("FATAL", StringComparison.Ordinal)).Split("FATAL")[1]
            .Replace(folder, "").Replace($"{port}", ""));
    });

    [PoolerFact]
    public async Task Several_poolers_share_a_port_by_so_reuseport()
    {
        await using var first = await Pooler.StartAsync(1, f => f["so_reuseport"] = "1");
        var folder = Machine.NewFolder("r");
        var ini = Path.Combine(folder, "second.ini");
        await File.WriteAllTextAsync(ini, (await File.ReadAllTextAsync(first.IniPath))
            .Replace($"unix_socket_dir = {first.Folder}", $"unix_socket_dir = {folder}"));
        await using var second = Child.Start(Binary.Path, [ini], folder);
        await second.LineAsync("process up");
        await Until.TrueAsync(async () =>
        {
            await first.ScalarAsync("select 1");
            return second.Text.Contains("login attempt", StringComparison.Ordinal)
                && first.Process.Text.Contains("login attempt", StringComparison.Ordinal);
        }, "both have had clients");
    }

    [PoolerFact]
    public async Task A_star_listens_on_both_families_and_no_directory_means_no_unix_socket()
    {
        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            f["listen_addr"] = "*";
            f["unix_socket_dir"] = "";
        });
        Assert.Contains($"listening on 0.0.0.0:{pooler.Port}", pooler.Process.Text);
        Assert.DoesNotContain("listening on unix", pooler.Process.Text);
        Assert.Empty(Directory.GetFiles(pooler.Folder, ".s.PGSQL*"));
        if (Socket.OSSupportsIPv6) Assert.Contains($"listening on [::]:{pooler.Port}", pooler.Process.Text);
        await pooler.ScalarAsync("select 1");
    }

    [PoolerTheory, Loops]
    public async Task An_abstract_socket_serves_and_leaves_no_file(int loops)
    {
        var name = $"@fp{Guid.NewGuid():N}";
        await using var pooler = await Pooler.StartAsync(loops, f => f["unix_socket_dir"] = name);
        Assert.Contains($"listening on unix:{name}/.s.PGSQL.{pooler.Port}", pooler.Process.Text);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint($"\0{name[1..]}/.s.PGSQL.{pooler.Port}"));
        await socket.SendAsync(Wire.Startup(("user", "user_trust"), ("database", Postgres.Database)));
        var first = new byte[1];
        Assert.Equal(1, await socket.ReceiveAsync(first));
        Assert.Equal('R', (char)first[0]);
    }

    [PoolerTheory, Loops]
    public async Task A_connection_that_comes_and_goes_is_no_warning(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["tcp_defer_accept"] = "0");
        for (var i = 0; i < 5; i++) Assert.True(await Machine.IsListeningAsync(pooler.Port));
        using (var reset = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
        {
            await reset.ConnectAsync(new IPEndPoint(IPAddress.Loopback, pooler.Port));
            reset.LingerState = new LingerOption(true, 0);
        }
        await pooler.ScalarAsync("select 1");
        Assert.DoesNotContain("WARNING", pooler.Process.Text);
        Assert.DoesNotContain("ERROR", pooler.Process.Text);
    }

    [PoolerTheory, Loops]
    public async Task Out_of_descriptors_the_others_go_on_and_newcomers_come_in_as_soon_as_there_are_some(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f.Program = NoFileLimit(60));
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("select 1");
        var crowd = new List<RawClient>();
        for (var i = 0; i < 80; i++) crowd.Add(await RawClient.ConnectAsync(pooler.Port));
        foreach (var one in crowd)
        {
            try
            {
                await one.SendAsync(Wire.Startup(("user", "user_trust"), ("database", Postgres.Database)));
            }
            catch (IOException) // Closed, because there is no descriptor to hear it with.
            {
            }
        }
        await pooler.LineAsync("accept() failed: Too many open files");
        Assert.Equal("TDCZ", (await client.QueryAsync("select 1")).Types);
        foreach (var one in crowd) await one.DisposeAsync();
        await Until.TrueAsync(async () => await TryScalarAsync(pooler) is 1, "newcomers come in"); // PgBouncer waits for 5 s.
        Assert.True(
            pooler.Process.Lines.Count(line => line.Contains("accept() failed", StringComparison.Ordinal)) <= 2 * 2 * loops,
            "it does not spin");
    }

    private static async Task<object?> TryScalarAsync(Pooler pooler)
    {
        try
        {
            return await pooler.ScalarAsync("select 1");
        }
        catch (Npgsql.NpgsqlException)
        {
            return null;
        }
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer keeps none"), Loops]
    public async Task Out_of_descriptors_console_metrics_and_log_file_go_on(int loops)
    {
        var port = Machine.FreePort();
        var log = Path.Combine(Machine.NewFolder("l"), "log");
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f.Program = NoFileLimit(80);
            f["logfile"] = log;
            f.Own["metrics_listen"] = $"127.0.0.1:{port}";
        });
        var crowd = new List<RawClient>();
        Reply? refusal = null;
        for (var i = 0; i < 80 && refusal is null; i++)
        {
            var one = await RawClient.ConnectAsync(pooler.Port);
            crowd.Add(one);
            await one.SendAsync(Wire.Startup(("user", "user_trust"), ("database", Postgres.Database)));
            var reply = await one.ReplyAsync();
            if (reply.Types == "E") refusal = reply;
        }
        Assert.Equal("no more connections allowed (too many open files)", refusal!.Error!.Field('M'));
        // Those that are kept are asked for by many who say nothing.
        for (var i = 0; i < 40; i++) crowd.Add(await RawClient.ConnectAsync(pooler.Port));
        using var http = new HttpClient();
        foreach (var path in new[] { "healthz", "metrics" })
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(new Uri($"http://127.0.0.1:{port}/{path}"))).StatusCode);
        await Until.TrueAsync(() => TryConsoleAsync(pooler), "the console is there");
        File.Delete(log);
        pooler.Process.Signal(Child.SigHup); // Opens the log file anew.
        await Until.TrueAsync(() => Task.FromResult(File.Exists(log)), "the log is written");
        foreach (var one in crowd) await one.DisposeAsync();
    }

    private static async Task<bool> TryConsoleAsync(Pooler pooler)
    {
        try
        {
            return (await pooler.ConsoleAsync("SHOW VERSION")).Rows.Count == 1;
        }
        catch (Exception failure) when (failure is IOException or SocketException or EndOfStreamException)
        {
            return false;
        }
    }

    [PoolerFact(FastPoolOnly = "PgBouncer leaves the soft limit as it is")]
    public async Task The_soft_limit_of_descriptors_becomes_the_hard_one()
    {
        await using var pooler = await Pooler.StartAsync(1, f => f.Wrapper = ["prlimit", "--nofile=64:512", .. Machine.AsUser]);
        var limits = await File.ReadAllTextAsync($"/proc/{pooler.Pid}/limits");
        Assert.Matches(@"Max open files\s+512\s+512\s", limits);
        await pooler.LineAsync("kernel file descriptor limit: 512 (hard: 512)");
    }

    [ReferenceTheory]
    [InlineData(31)]
    [InlineData(40)]
    public Task With_few_descriptors_it_says_so_and_serves_as_PgBouncer_does(int count) => Reference.SameAsync(async program =>
    {
        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            f.Program = program;
            f.Wrapper = ["prlimit", $"--nofile={count}", .. Machine.AsUser];
        });
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
        var line =
            pooler.Process.Lines.Single(static line => line.Contains("kernel file descriptor limit", StringComparison.Ordinal));
        return System.Text.RegularExpressions.Regex.Match(line, "LOG (.*), max expected fd use: [0-9]+$").Groups[1].Value;
    });

    /// <summary>A program that runs the binary with so few descriptors.</summary>
    private static string NoFileLimit(int count)
    {
        var script = Path.Combine(Machine.NewFolder("n"), "run");
        File.WriteAllText(script, $"#!/bin/sh\nulimit -n {count}\nexec {Binary.Path} \"$@\"\n");
        File.SetUnixFileMode(script, (UnixFileMode)0b111_101_101);
        return script;
    }

    private static Task TimersAreAsync(Pooler pooler, int count, int low, int high) => Until.TrueAsync(async () =>
    {
        var timers = await TimersAsync(pooler);
        return timers.Count == count && timers.TrueForAll(minutes => minutes >= low && minutes <= high);
    }, $"{count} sockets with {low} to {high} minutes to their probe");

    /// <summary>Minutes until the next keepalive probe of each established socket of the pooler that has one.</summary>
    private static async Task<List<double>> TimersAsync(Pooler pooler)
    {
        var server = await Postgres.SharedAsync();
        var (_, text) =
            await Child.RunAsync("ss",
            ["-tnoH", "state", "established", $"( sport = :{pooler.Port} or dport = :{server.Port} )"]);
        var ports = new HashSet<string>();
        var servers = await pooler.ConsoleAsync("SHOW SERVERS");
        foreach (var row in servers.Rows) ports.Add(row[servers.Columns.IndexOf("local_port")]!);
        var timers = new List<double>();
        foreach (var line in text.Split('\n'))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 5 || !words[4].StartsWith("timer:(keepalive,", StringComparison.Ordinal)) continue;
            var localPort = words[2].Split(':')[^1];
            if (localPort != $"{pooler.Port}" && !ports.Contains(localPort)) continue;
            timers.Add(Minutes(words[4].Split(',')[1]));
        }
        return timers;
    }

    private static double Minutes(string text)
    {
        var minutes = 0.0;
        var number = "";
        foreach (var c in text + " ")
        {
            if (char.IsDigit(c) || c == '.') number += c;
            else if (number.Length > 0)
            {
                var value = double.Parse(number, System.Globalization.CultureInfo.InvariantCulture);
                if (text.Contains("min", StringComparison.Ordinal)) minutes += c == 'm' || minutes == 0 ? value : value / 60;
                else if (text.Contains("sec", StringComparison.Ordinal)) minutes += value / 60;
                number = "";
            }
        }
        return minutes;
    }
}
