using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace FastPool.Compat.Auth;

/// <summary>
/// An attacker without a password asks the published binary about names, and holds places under them. He learns nothing, costs
/// little, and locks no user out.
/// </summary>
public class ProbeTests
{
    /// <summary>
    /// One login with a wrong password: what was asked for, the salt if there was one, what was told, and how long the last word
    /// took.
    /// </summary>
    private static async Task<(string Asked, string Salt, string Told, double Seconds)> ProbeAsync(int port, string user,
        string database = Postgres.Database)
    {
        using var client = await LoginClient.ConnectAsync(port, hasTls: false);
        await client.SendAsync(Wire.Startup(("user", user), ("database", database)));
        var (asked, salt) = ("", "");
        var watch = Stopwatch.StartNew();
        while (await client.ReadAsync() is var (type, body))
        {
            if (type == 'E') return (asked, salt, new Message('E', body).Field('M')!, watch.Elapsed.TotalSeconds);
            asked += $"{body[3]} ";
            watch.Restart();
            switch (body[3])
            {
                case 3: await client.AnswerAsync("wrong\0"u8.ToArray()); break;
                case 5: await client.AnswerAsync([.. "md5"u8, .. new byte[32], 0]); break;
                case 10: await client.AnswerAsync(LoginClient.Initial("n,,n=,r=abc")); break;
                case 11:
                    var fields = Encoding.ASCII.GetString(body.AsSpan(4)).Split(',');
                    salt = fields[1];
                    await client.AnswerAsync(
                        Encoding.ASCII.GetBytes($"c=biws,{fields[0]},p={Convert.ToBase64String(new byte[32])}"));
                    break;
            }
        }
        return (asked, salt, "closed", 0);
    }

    private static double CpuSeconds(int pid)
    {
        var fields = File.ReadAllText($"/proc/{pid}/stat").Split(')')[^1].Split(' ');
        return (double.Parse(fields[12], CultureInfo.InvariantCulture)
            + double.Parse(fields[13], CultureInfo.InvariantCulture)) / 100;
    }

    private static void AddVerifiers(PoolerFile file)
    {
        foreach (var user in Postgres.Roles)
            file.Users[user] = LoginClient.Scram.Verifier(Postgres.Password, "0123456789abcdef" + user);
    }

    [PoolerTheory(FastPoolOnly = "derives keys for each"), Loops]
    public async Task Made_up_names_cost_no_iterations(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["auth_type"] = "scram-sha-256";
            f["scram_iterations"] = "100000"; // Tens of milliseconds each.
            AddVerifiers(f);
        });
        await ProbeAsync(pooler.Port, "first");
        var before = CpuSeconds(pooler.Pid);
        for (var i = 0; i < 30; i++)
            Assert.Equal("SASL authentication failed", (await ProbeAsync(pooler.Port, $"ghost{i}")).Told);
        Assert.InRange(CpuSeconds(pooler.Pid) - before, 0, 0.1 * 30 * 0.1);
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer asks and tells differently")]
    [Loops("plain", "3 ", "password authentication failed")]
    [Loops("md5", "10 11 ", "SASL authentication failed")]
    [Loops("scram-sha-256", "10 11 ", "SASL authentication failed")]
    public async Task Names_with_and_without_a_verifier_are_asked_and_told_the_same_at_the_same_time(int loops, string method,
        string asked, string told)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["auth_type"] = method;
            f.Users.Clear();
            foreach (var user in Postgres.Roles)
                f.Users[user] = LoginClient.Scram.Verifier(Postgres.Password, "0123456789abcdef");
        });
        var probes = new List<(string Asked, string Salt, string Told, double Seconds)>();
        foreach (var user in new[] { "ghost", Postgres.Roles[0], "spook", Postgres.Roles[1], "ghost" })
            probes.Add(await ProbeAsync(pooler.Port, user));
        Assert.All(probes, probe => Assert.Equal((asked, told), (probe.Asked, probe.Told)));
        // All at the same multiple: what the check took is lost in it.
        Assert.All(probes, probe => Assert.True(probe.Seconds > 0.09, $"told after {probe.Seconds} s"));
    }

    [PoolerTheory(FastPoolOnly = "tells at once")]
    [Loops("plain")]
    [Loops("scram-sha-256")]
    public async Task A_name_that_auth_query_does_not_find_reads_what_a_wrong_password_reads(int loops, string method)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["auth_type"] = method;
            f["auth_user"] = "user_trust";
            f["auth_query"] = "SELECT rolname, rolpassword FROM pg_authid WHERE rolname=$1 AND rolcanlogin";
            f.Users.Remove("user_scram");
        });
        var known = await ProbeAsync(pooler.Port, "user_scram");
        var unknown = await ProbeAsync(pooler.Port, "nobody_knows");
        Assert.Equal((known.Asked, known.Told), (unknown.Asked, unknown.Told));
        Assert.Equal(known.Salt.Length, unknown.Salt.Length);
    }

    [PoolerTheory(FastPoolOnly = "makes up others"), Loops]
    public async Task The_salt_of_a_made_up_name_outlives_the_process(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["auth_type"] = "scram-sha-256");
        var before = (await ProbeAsync(pooler.Port, "ghost")).Salt;
        await pooler.TakeOverAsync();
        Assert.Equal(before, (await ProbeAsync(pooler.Port, "ghost")).Salt);
        Assert.NotEqual(before, (await ProbeAsync(pooler.Port, "spook")).Salt);
    }

    [PoolerTheory(FastPoolOnly = "stands still"), Loops]
    public async Task Many_first_logins_at_once_do_not_hold_up_traffic(int loops)
    {
        const int users = 60;
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["auth_type"] = "scram-sha-256";
            f["scram_iterations"] = "100000";
            for (var i = 0; i < users; i++) f.Users[$"u{i}"] = $"password {i}";
        });
        await using var traffic = await pooler.ConnectAsync();
        using var over = new CancellationTokenSource();
        var longest = Task.Run(async () =>
        {
            var most = TimeSpan.Zero;
            while (!over.IsCancellationRequested)
            {
                var watch = Stopwatch.StartNew();
                await traffic.ScalarAsync("select 1");
                if (watch.Elapsed > most) most = watch.Elapsed;
                await Task.Delay(5); // Or the loop has the most to do by this alone.
            }
            return most;
        });
        try
        {
            await Task.WhenAll(Enumerable.Range(0, users).Select(i => ProbeAsync(pooler.Port, $"u{i}")))
                .WaitAsync(TimeSpan.FromMinutes(2));
        }
        catch (TimeoutException)
        {
            Assert.Fail($"{ThreadsOf(pooler.Pid)}\n{pooler.Process.Text}");
        }
        finally
        {
            await over.CancelAsync(); // Or the traffic's end would be waited for without end.
        }
        Assert.InRange((await longest).TotalSeconds, 0, 1); // On the loop they take some seconds in a row.
        var ofLoops = Directory.GetDirectories($"/proc/{pooler.Pid}/task")
            .Where(static thread => File.ReadAllText($"{thread}/comm").StartsWith("loop", StringComparison.Ordinal))
            .Sum(CpuOfThread);
        var ofKeys = Directory.GetDirectories($"/proc/{pooler.Pid}/task")
            .Where(static thread => File.ReadAllText($"{thread}/comm") == "scram\n").Sum(CpuOfThread);
        Assert.True(ofKeys > ofLoops, $"the threads for it took {ofKeys} s, the loops {ofLoops} s");
    }

    /// <summary>Each with its state, and where in the kernel it waits.</summary>
    private static string ThreadsOf(int pid) => string.Join('\n', Directory.GetDirectories($"/proc/{pid}/task").Select(static
        thread => File.ReadAllText($"{thread}/stat").Split(')')[0] + ") " + File.ReadAllText($"{thread}/wchan")));

    private static double CpuOfThread(string thread)
    {
        var fields = File.ReadAllText($"{thread}/stat").Split(')')[^1].Split(' ');
        return (double.Parse(fields[12], CultureInfo.InvariantCulture)
            + double.Parse(fields[13], CultureInfo.InvariantCulture)) / 100;
    }

    [PoolerTheory(FastPoolOnly = "counts them")]
    [Loops("max_user_client_connections")]
    [Loops("max_db_client_connections")]
    public async Task A_client_that_only_claims_a_name_locks_nobody_out(int loops, string limit)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["auth_type"] = "scram-sha-256";
            f[limit] = "5";
        });
        var claims = new List<LoginClient>();
        for (var i = 0; i < 10; i++)
        {
            claims.Add(await LoginClient.ConnectAsync(pooler.Port, false));
            await claims[^1].SendAsync(Wire.Startup(("user", "user_trust"), ("database", Postgres.Database)));
            Assert.Equal('R', (await claims[^1].ReadAsync())!.Value.Type);
        }
        await using var real = await pooler.ConnectAsync();
        Assert.Equal(1, await real.ScalarAsync("select 1"));
        claims.ForEach(static claim => claim.Dispose());
    }

    [PoolerTheory(FastPoolOnly = "has no such bound"), Loops]
    public async Task When_places_run_out_those_go_of_whom_one_address_has_too_many_that_say_nothing(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["max_client_conn"] = "60");
        var silent = new List<LoginClient>();
        for (var i = 0; i < 60; i++) silent.Add(await LoginClient.ConnectAsync(pooler.Port, false));
        await pooler.LineAsync("closing because: too many connections of one address have not logged in");
        await Until.TrueAsync(pooler.TakesClientsAsync, "there is room again");
        silent.ForEach(static client => client.Dispose());
    }

    [PoolerTheory(FastPoolOnly = "answers for ever"), Loops]
    public async Task Requests_for_encryption_inside_TLS_come_to_an_end(int loops)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f => f.OfferTls(certificates, "allow"));
        using var client = await LoginClient.ConnectAsync(pooler.Port, hasTls: true);
        var request = Wire.Untyped(Wire.GssEncRequest);
        // In one go, and nothing is read.
        await client.SendAsync([.. Enumerable.Repeat(request, 10_000).SelectMany(static bytes => bytes)]);
        await pooler.LineAsync("closing because: client re-sent encryption request");
    }

    [PoolerTheory(FastPoolOnly = "shows and logs them"), Loops]
    public async Task Secrets_of_the_configuration_are_shown_to_nobody(int loops)
    {
        await using var pooler =
            await Pooler.StartAsync(loops, f =>
            f["auth_ldap_options"] = "ldapserver=127.0.0.1 ldapbasedn=\"dc=x\" ldapbindpasswd=\"ge heim\"");
        foreach (var user in new[] { "admin", "stats" })
        {
            await using var console = await RawClient.LoginAsync(pooler.Port, user, "pgbouncer");
            var row = (await console.QueryAsync("SHOW CONFIG")).Rows.Single(static row => row[0] == "auth_ldap_options");
            Assert.Equal("ldapserver=127.0.0.1 ldapbasedn=\"dc=x\" ldapbindpasswd=****", row[1]);
        }
        pooler.Rewrite(static f => f.Databases["broken"] = "host=127.0.0.1 password='geheim");
        Assert.Equal("ERROR/F0000 RELOAD failed, see logs for additional details",
            (await pooler.ConsoleAsync("RELOAD")).ErrorText);
        await pooler.LineAsync("for parameter broken in configuration");
        Assert.DoesNotContain("heim", pooler.Process.Text, StringComparison.Ordinal);
    }

    [PoolerTheory(FastPoolOnly = "writes what it is told"), Loops]
    public async Task Control_bytes_of_a_name_do_not_reach_the_terminal_of_who_reads_the_log(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await ProbeAsync(pooler.Port, "\u001b[2J\rghost");
        await pooler.LineAsync(@"no such user: \x1b[2J\x0dghost");
        Assert.DoesNotContain('\u001b', pooler.Process.Text);
    }

    [PoolerTheory(FastPoolOnly = "leaves the line out"), Loops]
    public async Task A_broken_line_of_the_HBA_file_lets_nobody_in_whom_it_should_reject(int loops)
    {
        var hba = Path.Combine(Machine.NewFolder("hba"), "hba.conf");
        await File.WriteAllTextAsync(hba, "host all user_plain all reject\nhost all all all trust\n");
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["auth_type"] = "hba";
            f["auth_hba_file"] = hba;
        });
        Assert.Equal("login rejected", (await ProbeAsync(pooler.Port, "user_plain")).Told);
        await File.WriteAllTextAsync(hba, "host all user_plain all rejct\nhost all all all trust\n");
        await pooler.ConsoleAsync("RELOAD");
        await pooler.LineAsync("has a broken line, keeping the old rules");
        Assert.Equal("login rejected", (await ProbeAsync(pooler.Port, "user_plain")).Told);
        var (exit, text) = await Child.RunAsync(Binary.Path, [pooler.IniPath]);
        Assert.Equal(1, exit);
        Assert.Contains("has a broken line, not starting with it", text, StringComparison.Ordinal);
    }
}
