using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace FastPool.Compat.Dist;

/// <summary>The recipes for a pooler that leaves, played with the figures that stand in them.</summary>
public sealed partial class DrainRecipeTests
{
    private const string Farewell = "E: FATAL/57P01 terminating connection due to administrator command";
    private const string Reading = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";

    /// <summary>Connects to the poolers from here.</summary>
    private const string Proxy = "127.0.0.10";

    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(20) };

    [PoolerFact(FastPoolOnly = "has no endpoint")]
    public async Task Behind_HAProxy_one_pooler_leaves_and_comes_back_and_no_newcomer_is_refused()
    {
        int[] metrics = [Machine.FreePort(), Machine.FreePort()];
        var poolers = new List<Pooler>();
        for (var i = 0; i < 2; i++) poolers.Add(await StartAsync(metrics[i]));
        var folder = Machine.NewFolder("haproxy");
        var port = Machine.FreePort();
        var configuration = Checkout.Read("dist", "recipes", "haproxy.cfg");
        Assert.Contains("port 9127 ", configuration, StringComparison.Ordinal);
        for (var i = 0; i < 2; i++)
        {
            configuration = configuration.Replace(
                $"10.0.0.1{i + 1}:6432", $"127.0.0.1:{poolers[i].Port} port {metrics[i]} source {Proxy}", StringComparison.Ordinal);
        }
        var path = Path.Combine(folder, "haproxy.cfg");
        await File.WriteAllTextAsync(
            path, configuration.Replace("bind :6432", $"bind 127.0.0.1:{port}", StringComparison.Ordinal));
        await using var proxy = Child.Start(Checkout.Tool("haproxy"), ["-db", "-f", path], folder);
        await Until.TrueAsync(() => Machine.IsListeningAsync(port), "HAProxy listens", 15, () => proxy.Text);

        var clients = new List<RawClient>();
        for (var i = 0; i < 8; i++) clients.Add(await RawClient.LoginAsync(port, "user_trust", Postgres.Database));
        var busy = await RawClient.LoginAsync(port, "user_trust", Postgres.Database);
        await busy.QueryAsync("begin");
        var leaving = await poolers[0].PoolAsync("sv_active") > 0 ? 0 : 1; // The one in the midst of a transaction.
        var staying = poolers[1 - leaving];
        // The header says where the client is.
        Assert.NotEmpty((await staying.ConsoleAsync("SHOW PROXIED")).Rows);

        poolers[leaving].Process.Signal(Child.SigTerm);
        var told = 0;
        var goodbyes = clients.Select(async client =>
        {
            if (await client.ReadAsync(60) is not { } message || $"{message}" != Farewell) return;
            await client.DisposeAsync(); // HAProxy counts it until it hangs up too.
            Interlocked.Increment(ref told);
        }).ToArray();
        var newcomers = 0;
        await Until.TrueAsync(async () =>
        {
            await using var newcomer = await RawClient.LoginAsync(port, "user_trust", Postgres.Database);
            Assert.Equal("CZ", (await newcomer.QueryAsync("begin")).Types);
            newcomers++;
            return told == 4;
        }, "those of the pooler that leaves are told", 20, () => poolers[leaving].Process.Text);
        Assert.Equal(["COMMIT"], (await busy.QueryAsync("commit")).Tags);
        Assert.Equal(Farewell, $"{await busy.ReadAsync()}");
        await busy.DisposeAsync();
        Assert.Equal(0, await poolers[leaving].Process.ExitAsync());
        Assert.True(newcomers > 5);

        // It is there again, and newcomers come to it.
        var again = Child.Start(Binary.Path, [poolers[leaving].IniPath], poolers[leaving].Folder);
        poolers[leaving].Becomes(again);
        await again.LineAsync("process up");
        await Until.TrueAsync(async () =>
        {
            await using var newcomer = await RawClient.LoginAsync(port, "user_trust", Postgres.Database);
            return await poolers[leaving].PoolAsync("cl_active") > 0;
        }, "newcomers are sent to it again", 15, () => $"{proxy.Text}\n{again.Text}");
        foreach (var client in clients) await client.DisposeAsync();
        await Task.WhenAll(goodbyes);
        foreach (var pooler in poolers) await pooler.DisposeAsync();
    }

    private static Task<Pooler> StartAsync(int metrics) => Pooler.StartAsync(loops: 1, f =>
    {
        f.Own["metrics_listen"] = $"127.0.0.1:{metrics}";
        f.Own["drain_timeout"] = "3";
        f.Own["proxy_protocol_from"] = Proxy; // Not of the test, which asks the console.
    });

    /// <summary>preStop, during which everything goes on, then the drain, all within the grace period.</summary>
    [PoolerFact(FastPoolOnly = "has no endpoint")]
    public async Task A_pod_that_is_deleted_serves_until_nobody_is_sent_to_it_and_then_tells_its_clients_to_go()
    {
        var path = Path.Combine(Machine.NewFolder("k"), "kubernetes.yaml");
        File.Copy(Checkout.PathOf("dist", "recipes", "kubernetes.yaml"), path);
        using var documents = JsonDocument.Parse(await Checkout.MustRunAsync(Checkout.Tool("python3"), "-c", Reading, path));
        var byKind = documents.RootElement.EnumerateArray()
            .ToDictionary(static document => document.GetProperty("kind").GetString()!);
        var pod = byKind["Deployment"].GetProperty("spec").GetProperty("template").GetProperty("spec");
        var command = pod.GetProperty("containers")[0].GetProperty("lifecycle").GetProperty("preStop").GetProperty("exec")
            .GetProperty("command").EnumerateArray().Select(static word => word.GetString()!).ToArray();
        var ini = byKind["ConfigMap"].GetProperty("data").GetProperty("pgbouncer.ini").GetString()!;
        var (grace, drain) = (pod.GetProperty("terminationGracePeriodSeconds").GetInt32(), Seconds(DrainSetting(), ini));
        var (sleep, hold) = (Seconds(FirstSleep(), command[2]), Seconds(LastSleep(), command[2]));
        // preStop ends with the container; it must not end before, since SIGINT comes next, nor must the grace period.
        Assert.True(sleep > 0 && hold > drain && sleep + hold < grace, $"{sleep} + {hold} of {grace}, drain {drain}");
        var readiness = pod.GetProperty("containers")[0].GetProperty("readinessProbe");
        Assert.InRange(
            readiness.GetProperty("periodSeconds").GetInt32() * readiness.GetProperty("failureThreshold").GetInt32(), 1, sleep);

        var metrics = Machine.FreePort();
        await using var pooler = await Pooler.StartAsync(loops: 2, f =>
        {
            f.Own["metrics_listen"] = $"127.0.0.1:{metrics}";
            f.Own["drain_timeout"] = "3"; // Not for a minute: a test.
        });
        await using var idle = await pooler.RawAsync();
        await using var busy = await pooler.RawAsync();
        await busy.QueryAsync("begin");
        // The pooler is process 1 of its container.
        var script = PidOne().Replace(command[2], $"kill -TERM {pooler.Pid}")
            .Replace("; sleep", "; exec sleep", StringComparison.Ordinal); // So that nothing stays behind here.
        var preStop = Child.Start("/bin/sh", [command[1], script], pooler.Folder);
        await Task.WhenAll(Enumerable.Range(0, 5).Select(async i =>
        {
            // All through the time in which newcomers are still sent here.
            await Task.Delay(TimeSpan.FromSeconds(sleep * 0.15 * i));
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(metrics, "readyz"));
            Assert.Equal(1, await pooler.ScalarAsync("select 1"));
        }));
        await pooler.LineAsync("got SIGTERM");
        await Until.TrueAsync(async () => !await Machine.IsListeningAsync(pooler.Port), "the port closes");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync(metrics, "readyz"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(metrics, "healthz"));
        Assert.Equal(Farewell, $"{await idle.ReadAsync()}");
        Assert.Equal(["COMMIT"], (await busy.QueryAsync("commit")).Tags);
        Assert.Equal(Farewell, $"{await busy.ReadAsync()}");
        Assert.Equal(0, await pooler.Process.ExitAsync());
        Assert.False(preStop.HasExited, "SIGINT would have come too early");
        await preStop.DisposeAsync();
    }

    private static async Task<HttpStatusCode> StatusAsync(int port, string page)
    {
        using var response = await Http.GetAsync(new Uri($"http://127.0.0.1:{port}/{page}"));
        return response.StatusCode;
    }

    private static int Seconds(Regex figure, string text) =>
        int.Parse(figure.Match(text).Groups[1].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"(?m)^drain_timeout = (\d+)$")]
    private static partial Regex DrainSetting();

    [GeneratedRegex(@"^sleep (\d+);")]
    private static partial Regex FirstSleep();

    [GeneratedRegex(@"; sleep (\d+)$")]
    private static partial Regex LastSleep();

    [GeneratedRegex(@"kill -TERM 1\b")]
    private static partial Regex PidOne();
}
