using System.Text.RegularExpressions;

namespace FastPool.Compat.Dist;

/// <summary>The commands that docs tells its readers to give.</summary>
public sealed partial class DocumentedCommandTests
{
    private const string Console = "psql -h 127.0.0.1 -p 6432 -U admin pgbouncer -c ";

    /// <summary>They need a cluster or a registry, or are run by other tests. Files that they name must be there.</summary>
    private static readonly string[] RunElsewhere =
    [
        "./dist/debian/build.sh", "./dist/image.py -o image", "./dist/publish.sh -r linux-arm64 -o out-arm64",
        "./dist/libraries.sh amd64 bullseye old-libraries libc6 libssl1.1",
        "./dist/publish.sh -r linux-x64 -t -l old-libraries -o out-x64",
        "./dist/rpm/build.sh",
        "./perf-scripts/calls.sh", "./perf-scripts/compare-pgbouncer.sh -o results",
        "./perf-scripts/curves.sh", "./perf-scripts/loops.sh", "./perf-scripts/memory.sh",
        "./perf-scripts/mover.sh",
        "./perf-scripts/start-and-reload.sh", "./perf-scripts/takeover.sh",
        "docker build -f dist/Dockerfile -t fastpool .",
        "dotnet publish src/FastPool -c Release -o out",
        "echo '\"admin\" \"a password of your own\"' >>userlist.txt", // With the first file, below.
        "fastpool pooler.ini",
        "fastpool mkauth userlist.txt \"host=127.0.0.1 user=postgres\"",
        "sudo install -m 755 out/fastpool /usr/local/bin/fastpool",
        "fastpool -R -d /etc/pgbouncer/pgbouncer.ini", // The tests of the takeover.
        "kubectl apply -f dist/recipes/kubernetes.yaml", // The tests of the recipes start its pod's commands.
        "pgbench -h 127.0.0.1 -p 6432 -U shop -S -M prepared -c 16 -j 2 -T 10 shop",
        "sudo apt install ./fastpool_*.deb", "sudo dnf swap pgbouncer ./fastpool-*.rpm", // The tests of the packages.
    ];

    private static List<string> Commands() =>
    [
        .. Directory.EnumerateFiles(Checkout.PathOf("docs"), "*.md").Order(StringComparer.Ordinal)
            .SelectMany(static path => Fence().Matches(File.ReadAllText(path)))
            .SelectMany(static match => match.Groups[1].Value.Split('\n')).Select(static line => line.Trim())
            .Where(static line => line.Length > 0 && line[0] != '#').Distinct(),
    ];

    [PoolerFact(FastPoolOnly = "has listings of its own")]
    public async Task Each_is_run_here_or_known_to_be_run_elsewhere()
    {
        await using var pooler = await Pooler.StartAsync(1);
        var count = 0;
        foreach (var command in Commands())
        {
            count++;
            if (command.StartsWith(Console, StringComparison.Ordinal))
            {
                var (exit, text) = await Child.RunAsync(Machine.Program("psql"),
                    ["-X", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", $"{pooler.Port}", "-U", "admin", "-c",
                    command[Console.Length..].Trim('\''), "pgbouncer"]);
                Assert.True(exit == 0 && !text.Contains("ERROR", StringComparison.Ordinal), $"{command}: {text}");
            }
            else if (command.StartsWith("fastpool check", StringComparison.Ordinal))
            {
                var (exit, text) = await Child.RunAsync(Binary.Path,
                    [.. command.Split(' ')[1..^1], pooler.IniPath], ("PGUSER", "user_trust"), ("PGPASSWORD", Postgres.Password));
                Assert.True(exit == 0, $"{command}: {text}");
            }
            else if (command == "out/fastpool --version")
            {
                var (_, text) = await Child.RunAsync(Binary.Path, ["--version"]);
                Assert.StartsWith("PgBouncer ", text, StringComparison.Ordinal);
            }
            else
            {
                Assert.Contains(command, RunElsewhere);
                foreach (Match file in Named().Matches(command)) Assert.True(Path.Exists(Checkout.PathOf(file.Value)), command);
            }
        }
        Assert.True(count > 20, "the commands are found");
    }

    [PoolerFact(FastPoolOnly = "has a command of its own for the userlist")]
    public async Task The_first_file_of_the_installation_serves_clients_and_its_console()
    {
        var server = await Postgres.SharedAsync();
        var folder = Machine.NewFolder("first");
        var page = Checkout.Read("docs", "install.md");
        page = page[page.IndexOf("## The first file", StringComparison.Ordinal)..];
        var (exit, text) = await Child.RunAsync(
            Binary.Path, ["mkauth", $"{folder}/userlist.txt", $"host=127.0.0.1 port={server.Port} user=postgres dbname=app"],
            ("PGPASSWORD", Postgres.Password));
        Assert.True(exit == 0, text);
        await File.AppendAllTextAsync($"{folder}/userlist.txt", "\"admin\" \"a password of your own\"\n");
        var (port, metrics) = (Machine.FreePort(), Machine.FreePort());
        await File.WriteAllTextAsync($"{folder}/pooler.ini", Ini().Match(page).Groups[1].Value
            .Replace("port=5432", $"port={server.Port} dbname=app", StringComparison.Ordinal)
            .Replace("6432", $"{port}", StringComparison.Ordinal).Replace("9127", $"{metrics}", StringComparison.Ordinal));
        await using var pooler = Child.Start(Binary.Path, ["pooler.ini"], folder);
        await pooler.LineAsync("process up");
        Assert.Contains("pgbouncer", await PsqlAsync("admin", "a password of your own", "pgbouncer", "SHOW POOLS"),
            StringComparison.Ordinal);
        Assert.Contains("4711", await PsqlAsync("user_scram", Postgres.Password, "shop", "select 4711"),
            StringComparison.Ordinal);

        async Task<string> PsqlAsync(string user, string password, string database, string query)
        {
            var (status, answer) = await Child.RunAsync(Machine.Program("psql"),
                ["-X", "-h", "127.0.0.1", "-p", $"{port}", "-U", user, "-c", query, database], ("PGPASSWORD", password));
            Assert.True(status == 0, answer);
            return answer;
        }
    }

    [GeneratedRegex("```ini\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Ini();

    [Fact]
    public void Nothing_is_excused_that_docs_does_not_say() => Assert.Empty(RunElsewhere.Except(Commands()));

    [GeneratedRegex("^ *```sh\n(.*?)^ *```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"\b(dist|perf-scripts|src)/[\w./-]+")]
    private static partial Regex Named();
}
