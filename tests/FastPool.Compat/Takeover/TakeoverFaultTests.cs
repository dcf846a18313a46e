using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FastPool.Compat.Takeover;

/// <summary>A takeover that does not come about leaves the old process as it was.</summary>
public class TakeoverFaultTests
{
    [PoolerTheory(FastPoolOnly = "PgBouncer resumes only when its SUSPEND is complete")]
    [InlineData("sendmsg", 1)] // the startup packet
    [InlineData("sendmsg", 2)] // SUSPEND
    [InlineData("sendmsg", 3)] // SHOW
    [InlineData("sendmsg", 4)] // SHUTDOWN
    [InlineData("recvmsg", 1)]
    [InlineData("recvmsg", 2)]
    [InlineData("recvmsg", 3)]
    [InlineData("recvmsg", 4)]
    [InlineData("recvmsg", 5)]
    [InlineData("getsockname", 1)] // the first listener is ours
    [InlineData("epoll_ctl", 2)] // the first connections are
    [InlineData("epoll_ctl", 4)]
    public async Task A_new_process_that_is_killed_before_the_end_leaves_the_old_one_serving(string call, int number)
    {
        await using var pooler = await Pooler.StartAsync(1);
        await using var inTransaction = await pooler.RawAsync();
        await inTransaction.QueryAsync("begin");
        var backend = (await inTransaction.QueryAsync("select pg_backend_pid()")).Rows[0][0];
        await using var idle = await pooler.RawAsync();
        // Another console session must not keep it suspended.
        await using var watcher = await RawClient.LoginAsync(pooler.Port, "admin", "pgbouncer");
        await using (var next =
            pooler.StartNext("strace", "-f", "-qq", "-o", "/dev/null", "-e",
            $"inject={call}:signal=KILL:when={number.ToString(CultureInfo.InvariantCulture)}"))
        {
            await next.ExitAsync();
            Assert.DoesNotContain("process up", next.Text, StringComparison.Ordinal);
        }
        Assert.Equal(backend, (await inTransaction.QueryAsync("select pg_backend_pid()")).Rows[0][0]);
        Assert.Equal('I', (await inTransaction.QueryAsync("commit")).Status);
        Assert.Equal("2", (await idle.QueryAsync("select 1 + 1")).Rows[0][0]);
        Assert.Equal(3, await pooler.ScalarAsync("select 3"));
        Assert.Equal("suspended|no", (await watcher.QueryAsync("show state")).Rows.Select(row => string.Join('|', row)).Last());
        await pooler.TakeOverAsync();
        Assert.Equal("2", (await idle.QueryAsync("select 1 + 1")).Rows[0][0]);
    }

    [PoolerFact]
    public async Task Without_an_old_process_it_starts_as_ever()
    {
        await using var pooler = await Pooler.StartAsync(1);
        pooler.Process.Signal(Child.SigInt);
        Assert.Equal(0, await pooler.Process.ExitAsync());
        var next = pooler.StartNext();
        await next.LineAsync("process up");
        Assert.Contains("LOG old process not found, try to continue normally", next.Text, StringComparison.Ordinal);
        pooler.Becomes(next);
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
    }

    [PoolerFact]
    public async Task A_paused_process_refuses()
    {
        await using var pooler = await Pooler.StartAsync(1);
        await pooler.ConsoleAsync("PAUSE");
        await FailsAsync(pooler, "ERROR old bouncer sent: ERROR: already suspended/paused", "FATAL something failed");
        await pooler.ConsoleAsync("RESUME");
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
    }

    [PoolerFact]
    public async Task A_process_that_is_suspended_for_another_refuses()
    {
        await using var pooler = await Pooler.StartAsync(1);
        await using var client = await pooler.RawAsync();
        await using var console = await RawClient.LoginAsync(pooler.Port, "admin", "pgbouncer");
        await console.QueryAsync("SUSPEND");
        var next = pooler.StartNext(); // It connects when there is somebody to accept, and by then nobody is suspended.
        await next.LineAsync("takeover_init");
        Assert.Equal("RESUME", Assert.Single((await console.QueryAsync("RESUME")).Tags));
        await next.LineAsync("process up");
        pooler.Becomes(next);
        Assert.Equal("1", (await client.QueryAsync("select 1")).Rows[0][0]);
    }

    [PoolerFact]
    public async Task A_process_of_another_system_user_refuses()
    {
        if (!Environment.IsPrivilegedProcess) return; // Only root can be two others.
        await using var pooler = await Pooler.StartAsync(1);
        await using var client = await pooler.RawAsync();
        var (exit, text) = await RunAsNobodyAsync(pooler);
        Assert.Equal(1, exit);
        Assert.Contains("FATAL login failed", text, StringComparison.Ordinal);
        Assert.Equal("1", (await client.QueryAsync("select 1")).Rows[0][0]);
    }

    [PoolerTheory]
    [InlineData("", "FATAL unexpected EOF")]
    [InlineData("E:SFATAL\0C08P01\0Mno\0\0", "FATAL login failed")]
    [InlineData("Z:I|C:PAUSE\0|Z:I", "FATAL got bad CMD from old bouncer: PAUSE")]
    [InlineData("Z:I|E:SERROR\0C08P01\0Mnot now\0\0|Z:I", "FATAL something failed")]
    [InlineData("Z:I|C:SUSPEND\0|Z:I|D:", "FATAL got row without fd info")]
    [InlineData("Z:I|C:SUSPEND\0|Z:I", "FATAL unexpected EOF")]
    [InlineData("Z:I|\u0001", "FATAL invalid data from old process")]
    [InlineData("Z:I|C:SUS", "FATAL unexpected partial packet", true)]
    public async Task Nonsense_from_the_old_process_ends_the_start(string script, string fatal, bool isCut = false)
    {
        await using var pooler = await Pooler.StartAsync(1);
        pooler.Process.Signal(Child.SigInt);
        Assert.Equal(0, await pooler.Process.ExitAsync());
        var path = Path.Combine(pooler.Folder, $".s.PGSQL.{pooler.Port}");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        File.SetUnixFileMode(path, (UnixFileMode)0b111_111_111);
        listener.Listen();
        var playing = PlayAsync(listener, script, isCut);
        await using var next = pooler.StartNext();
        Assert.Equal(1, await next.ExitAsync());
        Assert.Contains(fatal, next.Text, StringComparison.Ordinal);
        await playing;
    }

    private static async Task PlayAsync(Socket listener, string script, bool isCut)
    {
        using (await listener.AcceptAsync()) // The probe.
        {
        }
        using var connection = await listener.AcceptAsync();
        var parts = script.Split('|', StringSplitOptions.RemoveEmptyEntries);
        var buffer = new byte[1024];
        await connection.ReceiveAsync(buffer);
        try
        {
            await SayAsync();
            connection.Shutdown(SocketShutdown.Send);
            while (await connection.ReceiveAsync(buffer) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // It has heard enough, or left with something unread.
        }

        async Task SayAsync()
        {
            foreach (var part in parts)
            {
                var bytes = part.Length > 1
                    && part[1] == ':' ? Wire.Typed(part[0], Encoding.ASCII.GetBytes(part[2..]))
                    : [.. Encoding.ASCII.GetBytes(part), 0, 0, 0, 0, 0, 0];
                if (isCut && part == parts[^1]) bytes = bytes[..^1];
                await connection.SendAsync(bytes);
            }
        }
    }

    private static async Task FailsAsync(Pooler pooler, params string[] lines)
    {
        await using var next = pooler.StartNext();
        Assert.Equal(1, await next.ExitAsync());
        foreach (var line in lines) Assert.Contains(line, next.Text, StringComparison.Ordinal);
    }

    private static async Task<(int Exit, string Text)> RunAsNobodyAsync(Pooler pooler)
    {
        var start =
            new System.Diagnostics.ProcessStartInfo("setpriv",
            ["--reuid=65534", "--regid=65534", "--clear-groups", "--", Binary.Path, "-R", pooler.IniPath])
            {
                RedirectStandardError = true,
                WorkingDirectory = "/",
            };
        using var process = System.Diagnostics.Process.Start(start)!;
        var text = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, text);
    }
}
