using System.Text;

namespace FastPool.Compat.Faults;

/// <summary>
/// A server's wrong message, by intent or because it is broken, ends that server and at most its client. The pooler lives, and
/// says why.
/// </summary>
public class ServerFaultTests
{
    private const long GrowthMaxKilobytes = 64 * 1024;

    private static Task<Pooler> StartAsync(ScriptedServer server, int loops, Action<PoolerFile>? change = null) =>
        Pooler.StartAsync(loops, f =>
    {
        f["server_tls_sslmode"] = "disable";
        f["server_login_retry"] = "60";
        f.Databases["evil"] = $"host=127.0.0.1 port={server.Port} user=evil password=secret";
        change?.Invoke(f);
    });

    private static readonly byte[] ReadyWithoutStatus = [(byte)'Z', 0, 0, 0, 4];

    [PoolerTheory(FastPoolOnly = "reads past the end")]
    [Loops("linked")]
    [Loops("testing")]
    [Loops("setting parameters")]
    [Loops("free")]
    public async Task ReadyForQuery_without_its_status_ends_that_server(int loops, string when)
    {
        await using var server = new ScriptedServer(async peer =>
        {
            await peer.WelcomeAsync(("server_version", "15.0"), ("DateStyle", "ISO"));
            if (when == "free") await peer.SendRawAsync(ReadyWithoutStatus);
            if (when == "testing")
            {
                await peer.ReadAsync();
                await peer.SendAsync('C', "SELECT 1\0"u8.ToArray());
                await peer.SendAsync('Z', (byte)'I');
            }
            await peer.ReadAsync();
            await peer.SendRawAsync(ReadyWithoutStatus);
            await peer.ReadAsync();
        });
        await using var pooler = await StartAsync(server, loops, f =>
        {
            if (when != "testing") return;
            f["server_reset_query_always"] = "1";
            f["server_reset_query"] = "reset all";
        });
        var client =
            await RawClient.LoginAsync(pooler.Port, "user_trust", "evil", when == "setting parameters" ? [("DateStyle", "German")]
            : []);
        await client.SendAsync(Wire.Query("select 1"));
        if (when == "testing") await client.ReplyAsync();
        await pooler.LineAsync("closing because: bad pkt header");
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
        await client.DisposeAsync();
    }

    [PoolerTheory(FastPoolOnly = "takes as much as comes")]
    [Loops('S', "closing because: bad pkt header")] // A parameter of a gigabyte is none.
    [Loops('C', "")]
    [Loops('E', "")]
    [Loops('N', "")]
    [Loops('T', "")]
    public async Task A_huge_message_is_not_held(int loops, char type, string line)
    {
        const int Length = 200_000_000;
        var isSent = new TaskCompletionSource();
        await using var server = new ScriptedServer(async peer =>
        {
            await peer.WelcomeAsync(("server_version", "15.0"));
            await peer.ReadAsync();
            await peer.SendRawAsync([(byte)type, .. Wire.Int32(Length)]);
            var part = new byte[1_000_000];
            Array.Fill(part, (byte)'x');
            try
            {
                for (var i = 0; i < Length / part.Length; i++) await peer.SendRawAsync(part);
            }
            finally
            {
                isSent.TrySetResult();
            }
            await peer.ReadAsync();
        });
        await using var pooler = await StartAsync(server, loops);
        await using var client = await RawClient.LoginAsync(pooler.Port, "user_trust", "evil");
        var before = UnreadingClient.ResidentKilobytes(pooler.Pid);
        await client.SendAsync(Wire.Query("select 1"));
        if (line.Length > 0) await pooler.LineAsync(line);
        else
        {
            for (var i = 0; i < 150; i++) Assert.NotNull(await client.BytesAsync(1_000_000)); // It comes through as it goes.
        }
        Assert.InRange(UnreadingClient.ResidentKilobytes(pooler.Pid) - before, long.MinValue, GrowthMaxKilobytes);
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
        await client.DisposeAsync();
        await isSent.Task;
    }

    [PoolerTheory(FastPoolOnly = "the bound is its own")]
    [Loops]
    public async Task Notices_and_parameters_without_end_fill_no_memory(int loops)
    {
        await using var server = new ScriptedServer(async peer =>
        {
            await peer.WelcomeAsync(("server_version", "15.0"));
            await peer.ReadAsync();
            byte[] many =
                [.. Enumerable.Range(0, 2_000)
                .SelectMany(
                static i =>
                (byte[])[.. Wire.Typed('S', Encoding.ASCII.GetBytes($"name{i}\0{new string('v', 100)}{Guid.NewGuid()}\0")),
                .. Wire.Typed('N', "SNOTICE\0C00000\0Mhello\0\0"u8.ToArray())])];
            for (var i = 0; i < 400; i++) await peer.SendRawAsync(many);
            await peer.ReadAsync();
        });
        await using var pooler = await StartAsync(server, loops);
        await using var client = await RawClient.LoginAsync(pooler.Port, "user_trust", "evil");
        var before = UnreadingClient.ResidentKilobytes(pooler.Pid);
        await client.SendAsync(Wire.Query("select 1"));
        for (var i = 0; i < 100; i++) Assert.NotNull(await client.BytesAsync(1_000_000));
        Assert.InRange(UnreadingClient.ResidentKilobytes(pooler.Pid) - before, long.MinValue, GrowthMaxKilobytes);
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
    }
}
