using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FastPool.Compat.Life;

/// <summary>
/// Several processes on one port, replaced one after the other; and who is told first that one of them is leaving.
/// </summary>
public sealed class RollingRestartTests
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(20) };

    [PoolerTheory(Since = "1.23"), Loops]
    public async Task Two_processes_are_replaced_and_no_client_is_refused_or_lost(int loops)
    {
        await using var first = await Pooler.StartAsync(loops, f => f["so_reuseport"] = "1");
        var (folder, ini) = await SecondAsync(first);
        var second = Child.Start(Binary.Path, [ini], folder);
        await second.LineAsync("process up");
        var firstChild = first.Process;
        var firstClients = new List<RawClient>();
        await Until.TrueAsync(async () =>
        {
            firstClients.Add(await first.RawAsync());
            return firstChild.Text.Contains("login attempt", StringComparison.Ordinal)
                && second.Text.Contains("login attempt", StringComparison.Ordinal);
        }, "both have clients");

        firstChild.Signal(Child.SigTerm);
        await Until.TrueAsync(() =>
            firstChild.Text.Contains("waiting for all clients disconnect", StringComparison.Ordinal), "the first leaves");
        await ListensNoMoreAsync(firstChild.Pid, first.Port);
        for (var i = 0; i < 20; i++) Assert.Equal(1, await first.ScalarAsync("select 1"));
        foreach (var client in firstClients) Assert.Equal("1", (await client.QueryAsync("select 1")).Rows[0][0]);
        Assert.False(firstChild.HasExited);
        foreach (var client in firstClients) await client.DisposeAsync();
        Assert.Equal(0, await firstChild.ExitAsync());
        await firstChild.DisposeAsync();

        var again = Child.Start(Binary.Path, [first.IniPath], first.Folder);
        first.Becomes(again);
        await again.LineAsync("process up");
        await using var stays = await first.RawAsync();
        second.Signal(Child.SigTerm);
        await ListensNoMoreAsync(second.Pid, first.Port);
        for (var i = 0; i < 20; i++) Assert.Equal(1, await first.ScalarAsync("select 1"));
        Assert.Equal("1", (await stays.QueryAsync("select 1")).Rows[0][0]);
        await stays.DisposeAsync();
        Assert.Equal(0, await second.ExitAsync());
        await second.DisposeAsync();
    }

    /// <summary>A port that closes loses no connection that the kernel has made already, and none that is logging in.</summary>
    [PoolerTheory(FastPoolOnly = "resets connections in its backlog and refuses logins under way"), Loops]
    public async Task Processes_on_one_port_come_and_go_under_newcomers_of_whom_none_is_refused(int loops)
    {
        const int Newcomers = 8, Changes = 4;
        await using var first = await Pooler.StartAsync(loops, f => f["so_reuseport"] = "1");
        var (folder, ini) = await SecondAsync(first);
        await using var second = Child.Start(Binary.Path, [ini], folder);
        await second.LineAsync("process up");
        using var end = new CancellationTokenSource();
        var crowd = Enumerable.Range(0, Newcomers).Select(_ => Task.Run(async () =>
        {
            var count = 0;
            for (; !end.IsCancellationRequested; count++) Assert.Equal(1, await first.ScalarAsync("select 1"));
            return count;
        })).ToList();
        for (var i = 0; i < Changes; i++)
        {
            var leaving = first.Process;
            leaving.Signal(Child.SigTerm);
            Assert.Equal(0, await leaving.ExitAsync());
            await leaving.DisposeAsync();
            var next = Child.Start(Binary.Path, [first.IniPath], first.Folder);
            first.Becomes(next);
            await next.LineAsync("process up");
        }
        await end.CancelAsync();
        Assert.All(await Task.WhenAll(crowd), static count => Assert.True(count > 0));
    }

    [PoolerTheory(FastPoolOnly = "has no endpoint")]
    [InlineData(Child.SigTerm)]
    [InlineData(Child.SigInt)]
    public async Task Readiness_and_systemd_hear_of_the_end_before_the_port_closes(int signal)
    {
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        var name = $"@fp{Guid.NewGuid():N}";
        manager.Bind(new UnixDomainSocketEndPoint("\0" + name[1..]));
        var port = Machine.FreePort();
        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            f.Own["metrics_listen"] = $"127.0.0.1:{port}";
            f.Environment.Add(("NOTIFY_SOCKET", name));
        });
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        Assert.Equal(HttpStatusCode.OK, await ReadyAsync(port));
        manager.Blocking = false;
        Drain(manager);
        pooler.Process.Signal(signal);
        await ListensNoMoreAsync(pooler.Pid, pooler.Port);
        Assert.Contains("STOPPING=1", Drain(manager), StringComparison.Ordinal); // It is here already.
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await ReadyAsync(port));
        Assert.Equal("1", (await client.QueryAsync("select 1")).Rows[0][0]);
        Assert.Equal('I', (await client.QueryAsync("commit")).Status);
        await client.DisposeAsync();
        Assert.Equal(0, await pooler.Process.ExitAsync());
    }

    /// <summary>The port may go on being another's: this process itself has no listener on it.</summary>
    private static Task ListensNoMoreAsync(int pid, int port) => Until.TrueAsync(
        async () =>
            !(await Child.RunAsync("ss", ["-ltnpH", "sport", "=", $":{port}"])).Text.Contains($"pid={pid},",
            StringComparison.Ordinal), "its port is closed");

    private static async Task<(string Folder, string Ini)> SecondAsync(Pooler first)
    {
        var folder = Machine.NewFolder("r");
        var ini = Path.Combine(folder, "second.ini");
        await File.WriteAllTextAsync(ini, (await File.ReadAllTextAsync(first.IniPath))
            .Replace($"unix_socket_dir = {first.Folder}", $"unix_socket_dir = {folder}", StringComparison.Ordinal));
        return (folder, ini);
    }

    private static async Task<HttpStatusCode> ReadyAsync(int port)
    {
        using var response = await Http.GetAsync(new Uri($"http://127.0.0.1:{port}/readyz"));
        return response.StatusCode;
    }

    private static string Drain(Socket manager)
    {
        var heard = new StringBuilder();
        var buffer = new byte[4096];
        while (manager.Available > 0) heard.Append(Encoding.UTF8.GetString(buffer, 0, manager.Receive(buffer))).Append('\n');
        return heard.ToString();
    }
}
