using System.Net;
using System.Text.Json;

namespace FastPool.Compat.Dist;

/// <summary>dist/recipes, as a user would follow it.</summary>
public sealed class RecipeTests
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(20) };

    [PoolerFact(FastPoolOnly = "has no drain_timeout")]
    public async Task Two_processes_on_one_port_know_each_other_and_one_can_go()
    {
        var folder = Machine.NewFolder("two");
        var port = Machine.FreePort();
        var children = new List<Child>();
        await File.WriteAllTextAsync(Path.Combine(folder, "common.ini"), Own(Checkout.Read("dist", "recipes", "common.ini")));
        await File.WriteAllTextAsync(Path.Combine(folder, "userlist.txt"), $"\"postgres\" \"{Postgres.Password}\"\n");
        foreach (var i in new[] { 1, 2 })
        {
            var own = Directory.CreateDirectory(Path.Combine(folder, $"{i}")).FullName;
            File.SetUnixFileMode(own, (UnixFileMode)0b111_111_111);
            var ini = Path.Combine(folder, $"{i}.ini");
            await File.WriteAllTextAsync(ini, Own(Checkout.Read("dist", "recipes", $"{i}.ini")));
            children.Add(Child.Start(Binary.Path, [ini], folder));
            await children[^1].LineAsync("process up");
            var (_, peers) = await ConsoleAsync(own, "show peers");
            Assert.Equal($"1|{folder}/1|6432|20\n2|{folder}/2|6432|20", peers);
        }
        children[0].Signal(Child.SigTerm);
        Assert.Equal(0, await children[0].ExitAsync());
        Assert.False(File.Exists(Path.Combine(folder, "1", "pgbouncer.pid")));
        Assert.Equal((0, "PgBouncer " + Binary.Version), await ConsoleAsync(Path.Combine(folder, "2"), "show version"));
        foreach (var child in children) await child.DisposeAsync();

        string Own(string text) => text.Replace("/etc/pgbouncer", folder, StringComparison.Ordinal)
            .Replace("/run/pgbouncer-", folder + "/", StringComparison.Ordinal)
            .Replace("/var/log/pgbouncer", folder, StringComparison.Ordinal)
                .Replace("listen_port = 6432", $"listen_port = {port}", StringComparison.Ordinal);

        async Task<(int, string)> ConsoleAsync(string socket, string command) =>
            await Child.RunAsync(Machine.Program("psql"),
                ["-X", "-At", "-h", socket, "-p", $"{port}", "-U", "pgbouncer", "-c", command, "pgbouncer"]);
    }

    [Fact]
    public async Task The_unit_of_one_of_several_is_valid()
    {
        var folder = Machine.NewFolder("unit");
        await File.WriteAllTextAsync(
            Path.Combine(folder, "pgbouncer@1.service"), Checkout.Read("dist", "recipes", "pgbouncer@.service")
                .Replace("ExecStart=/usr/sbin/pgbouncer", $"ExecStart={Binary.Path}", StringComparison.Ordinal));
        var text =
            await Checkout.MustRunAsync(Checkout.Tool("systemd-analyze"), "verify", "--man=no", $"{folder}/pgbouncer@1.service");
        Assert.DoesNotContain("pgbouncer@", text, StringComparison.Ordinal);
    }

    [PoolerFact(FastPoolOnly = "has no endpoint")]
    public async Task The_pod_starts_with_its_ini_and_answers_its_probes()
    {
        const string Reading = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
        var path = Path.Combine(Machine.NewFolder("k"), "kubernetes.yaml");
        File.Copy(Checkout.PathOf("dist", "recipes", "kubernetes.yaml"), path);
        using var documents = JsonDocument.Parse(await Checkout.MustRunAsync(Checkout.Tool("python3"), "-c", Reading, path));
        var byKind = documents.RootElement.EnumerateArray()
            .ToDictionary(static document => document.GetProperty("kind").GetString()!);
        Assert.Equal(["ConfigMap", "Deployment", "PodDisruptionBudget", "Service"], byKind.Keys.Order());
        var container = byKind["Deployment"].GetProperty("spec").GetProperty("template").GetProperty("spec")
            .GetProperty("containers")[0];
        var ports = container.GetProperty("ports").EnumerateArray()
            .ToDictionary(static port => port.GetProperty("name").GetString()!, static port =>
            port.GetProperty("containerPort").GetInt32());
        var ini = byKind["ConfigMap"].GetProperty("data").GetProperty("pgbouncer.ini").GetString()!;
        Assert.Contains($"\nlisten_port = {ports["postgresql"]}\n", ini, StringComparison.Ordinal);
        Assert.Contains($"\nmetrics_listen = *:{ports["metrics"]}\n", ini, StringComparison.Ordinal);
        Assert.Contains("STOPSIGNAL SIGINT\n", Checkout.Read("dist", "Dockerfile"), StringComparison.Ordinal);

        var (folder, port, metrics) = (Machine.NewFolder("pod"), Machine.FreePort(), Machine.FreePort());
        await File.WriteAllTextAsync(Path.Combine(folder, "userlist.txt"), "");
        await File.WriteAllTextAsync(
            Path.Combine(folder, "p.ini"),
            ini.Replace("/etc/pgbouncer/users", folder, StringComparison.Ordinal)
                .Replace($"listen_port = {ports["postgresql"]}", $"listen_port = {port}", StringComparison.Ordinal)
                .Replace("listen_addr = *", "listen_addr = 127.0.0.1", StringComparison.Ordinal)
                    .Replace($"*:{ports["metrics"]}", $"127.0.0.1:{metrics}", StringComparison.Ordinal));
        await using var child = Child.Start(Binary.Path, [Path.Combine(folder, "p.ini")], folder);
        await child.LineAsync("process up");
        foreach (var probe in new[] { "readinessProbe", "livenessProbe" })
        {
            var target = container.GetProperty(probe).GetProperty("httpGet");
            Assert.Equal("metrics", target.GetProperty("port").GetString());
            using var response =
                await Http.GetAsync(new Uri($"http://127.0.0.1:{metrics}{target.GetProperty("path").GetString()}"));
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
        child.Signal(Child.SigInt);
        Assert.Equal(0, await child.ExitAsync());
    }
}
