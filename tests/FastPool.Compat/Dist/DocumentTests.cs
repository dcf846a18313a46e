using System.Text.RegularExpressions;

namespace FastPool.Compat.Dist;

/// <summary>Manual pages, units, completions and the image's files, as the programs see them that use them.</summary>
public class DocumentTests
{
    public static TheoryData<string> Pages => ["pgbouncer.1", "pgbouncer.5", "fastpool-mkauth.1"];

    [Theory, MemberData(nameof(Pages))]
    public async Task A_manual_page_has_no_mistakes(string page)
    {
        var (exitCode, text) =
            await Checkout.RunAsync(Checkout.Tool("mandoc"), "-Tlint", "-W", "warning", Checkout.PathOf("dist", "man", page));
        Assert.True(exitCode == 0, text);
    }

    [Theory, MemberData(nameof(Pages))]
    public async Task A_manual_page_renders(string page)
    {
        var text =
            await Checkout.MustRunAsync(Checkout.Tool("man"), "--warnings", "-Tutf8", "-l", Checkout.PathOf("dist", "man", page));
        Assert.DoesNotContain("warning:", text, StringComparison.Ordinal);
        text = Regex.Replace(text, @".\x08|\x1b\[\d*m", ""); // Bold and underlined as on paper or on a terminal.
        string[] expected = page switch
        {
            "pgbouncer.1" => ["FASTPOOL_LOOPS", "WAIT_FOR_CLIENTS"],
            "pgbouncer.5" => ["FASTPOOL_LOOPS", "server_check_query"],
            _ => ["PGSSLROOTCERT", "pg_authid"],
        };
        Assert.All(expected, word => Assert.Contains(word, text, StringComparison.Ordinal));
    }

    [PoolerFact]
    public async Task Every_console_command_and_option_stands_in_the_manual()
    {
        var page = Checkout.Read("dist", "man", "pgbouncer.1");
        await using var pooler = await Pooler.StartAsync(Machine.FreePort(), loops: 1);
        var help = await pooler.ConsoleAsync("SHOW HELP");
        var words = help.Messages.Single(m => m.Type == 'N')
            .Field('D')!.Split([' ', '|', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries)
            .Where(word => word.All(c => char.IsAsciiLetterUpper(c) || c == '_')).Distinct();
        Assert.All(words, word => Assert.Contains(word, page, StringComparison.Ordinal));
        var (_, options) = await Child.RunAsync(Binary.Path, ["--help"]);
        foreach (Match option in Regex.Matches(options, @"(?m)^  -(\w), --(\w+)"))
            Assert.Contains($".It Fl {option.Groups[1].Value}", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_units_are_valid()
    {
        var folder = Machine.NewFolder("unit");
        foreach (var name in new[] { "pgbouncer.service", "pgbouncer.socket" })
        {
            // verify wants the program to be there.
            await File.WriteAllTextAsync(
                Path.Combine(folder, name), Checkout.Read("dist", name)
                    .Replace("ExecStart=/usr/sbin/pgbouncer", $"ExecStart={Binary.Path}", StringComparison.Ordinal));
        }

        var text = await Checkout.MustRunAsync(
            Checkout.Tool("systemd-analyze"), "verify", "--man=no", $"{folder}/pgbouncer.service", $"{folder}/pgbouncer.socket");
        Assert.DoesNotContain("pgbouncer.s", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pgbouncer", "--", "--daemon --quiet --reboot --user= --verbose --version --help")]
    [InlineData("fastpool", "--ver", "--verbose --version")]
    [InlineData("pgbouncer", "x", "x.ini")]
    [InlineData("pgbouncer", "-u roo", "root")]
    [InlineData("fastpool", "mk", "mkauth")]
    [InlineData("pgbouncer", "mk", "")]
    [InlineData("fastpool", "mkauth x", "x.ini x.txt")]
    [InlineData("fastpool", "ch", "check")]
    [InlineData("fastpool", "check x", "x.ini x.txt")]
    public async Task The_shell_completes(string program, string typed, string expected)
    {
        var folder = Machine.NewFolder("sh");
        await File.WriteAllTextAsync(Path.Combine(folder, "x.ini"), "");
        await File.WriteAllTextAsync(Path.Combine(folder, "x.txt"), "");
        var script = $$"""
            cd {{folder}}
            compopt() { :; } # Only there while a completion runs.
            . {{Checkout.PathOf("dist", "completions", "pgbouncer.bash")}}
            complete -p {{program}} >/dev/null
            COMP_WORDS=({{program}} {{typed}})
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _pgbouncer
            echo "${COMPREPLY[*]}"
            """;
        Assert.Equal(expected + "\n", await Checkout.MustRunAsync(Checkout.Tool("bash"), "-c", script));
    }

    [PoolerFact(Since = "1.25")]
    public async Task The_entrypoint_of_the_image_makes_a_configuration_of_variables()
    {
        var folder = Machine.NewFolder("image");
        File.CreateSymbolicLink(Path.Combine(folder, "pgbouncer"), Binary.Path);
        var port = Machine.FreePort();
        await using var pooler = Child.Start(
            Checkout.Tool("sh"),
            ["-c", EntrypointOpenToAll(folder)],
            folder,
            ("PATH", $"{folder}:/usr/bin:/bin"), ("PGBOUNCER_CONFIG_DIR", folder), ("DB_HOST", "127.0.0.1"), ("DB_NAME", "shop"),
                ("DB_USER", "a\"b"),
            ("DB_PASSWORD", "secret"), ("PGBOUNCER_LISTEN_PORT", $"{port}"), ("PGBOUNCER_UNIX_SOCKET_DIR", folder),
                ("PGBOUNCER_POOL_MODE", "transaction"));
        await pooler.LineAsync("process up");
        Assert.Contains("\npool_mode = transaction\n", File.ReadAllText($"{folder}/pgbouncer.ini"), StringComparison.Ordinal);
        Assert.Equal("\"a\"\"b\" \"secret\"\n", File.ReadAllText($"{folder}/userlist.txt"));
        Assert.Equal("pgbouncer\n", File.ReadAllText($"/proc/{pooler.Pid}/comm"));
    }

    /// <summary>A Service that is called pgbouncer, one that is called pgbouncer-listen, and what is really meant.</summary>
    [PoolerFact(Since = "1.25")]
    public async Task The_entrypoint_takes_no_variable_of_a_Service_for_a_setting()
    {
        var folder = Machine.NewFolder("image");
        File.CreateSymbolicLink(Path.Combine(folder, "pgbouncer"), Binary.Path);
        await using var pooler = Child.Start(
            Checkout.Tool("sh"), ["-c", EntrypointOpenToAll(folder)], folder,
            ("PATH", $"{folder}:/usr/bin:/bin"), ("PGBOUNCER_CONFIG_DIR", folder), ("DB_HOST", "127.0.0.1"),
            ("PGBOUNCER_UNIX_SOCKET_DIR", folder), ("PGBOUNCER_LISTEN_ADDR", "127.0.0.1"), ("PGBOUNCER_AUTH_TYPE", "trust"),
            ("PGBOUNCER_PORT", "tcp://10.0.0.1:6432"), ("PGBOUNCER_SERVICE_HOST", "10.0.0.1"),
            ("PGBOUNCER_SERVICE_PORT", "6432"), ("PGBOUNCER_SERVICE_PORT_POSTGRESQL", "6432"),
            ("PGBOUNCER_PORT_6432_TCP", "tcp://10.0.0.1:6432"), ("PGBOUNCER_PORT_6432_TCP_ADDR", "10.0.0.1"),
            ("PGBOUNCER_PORT_6432_TCP_PORT", "6432"), ("PGBOUNCER_PORT_6432_TCP_PROTO", "tcp"),
            ("PGBOUNCER_LISTEN_PORT", "tcp://10.0.0.2:5432"), ("PGBOUNCER_LISTEN_SERVICE_HOST", "10.0.0.2"),
            ("PGBOUNCER_MAX_CLIENT_CONN", "77"));
        await Until.TrueAsync(() => File.Exists($"{folder}/pgbouncer.ini"), "the file is there", 15, () => pooler.Text);
        var ini = File.ReadAllText($"{folder}/pgbouncer.ini");
        Assert.DoesNotContain("10.0.0", ini, StringComparison.Ordinal);
        Assert.DoesNotContain("service", ini, StringComparison.Ordinal);
        Assert.Contains("\nlisten_port = 6432\n", ini, StringComparison.Ordinal);
        Assert.EndsWith("\nmax_client_conn = 77\n", ini, StringComparison.Ordinal);
        Assert.DoesNotMatch("(?m)^(port|port_.*) =", ini);
    }

    [Fact]
    public async Task The_entrypoint_refuses_a_value_that_would_begin_another_line()
    {
        var folder = Machine.NewFolder("image");
        var (exitCode, text) = await Child.RunAsync(
            Checkout.Tool("sh"), ["-c", EntrypointOpenToAll(folder)],
            ("PGBOUNCER_CONFIG_DIR", folder), ("DB_HOST", "h"), ("PGBOUNCER_ADMIN_USERS", "a\nauth_type = any"));
        Assert.Equal(1, exitCode);
        Assert.Contains("PGBOUNCER_ADMIN_USERS has more than one line", text, StringComparison.Ordinal);
        Assert.False(File.Exists($"{folder}/pgbouncer.ini"));
    }

    [Fact]
    public void Everything_that_the_image_copies_is_there()
    {
        var copies = File.ReadLines(Checkout.PathOf("dist", "Dockerfile"))
            .Where(line =>
            line.StartsWith("COPY ", StringComparison.Ordinal) && !line.Contains("--from", StringComparison.Ordinal));
        foreach (var line in copies)
            foreach (var word in line.Split(' ')[1..^1].Where(word => !word.StartsWith("--", StringComparison.Ordinal)))
                Assert.True(Path.Exists(Checkout.PathOf(word)), word);
    }

    /// <summary>The script in a copy, since the checkout may be closed to the ordinary user.</summary>
    private static string EntrypointOpenToAll(string folder)
    {
        var copy = Path.Combine(folder, "entrypoint.sh");
        File.Copy(Checkout.PathOf("dist", "docker-entrypoint.sh"), copy);
        return $"exec sh {copy}";
    }
}
