namespace FastPool.Compat.Streams;

/// <summary>
/// A message of the server's comes in two parts, and between them the client says something that the pooler answers or acts upon
/// by itself.
/// </summary>
public sealed class PartialMessageTests
{
    private const int FirstPart = 12;

    private static readonly byte[] Description = Wire.Typed('T', [0, 1, .. "column\0"u8.ToArray(), .. new byte[18]]);
    private static readonly byte[] Notification = Wire.Typed('A', [0, 0, 0, 7, .. "channel\0payload\0"u8.ToArray()]);
    private static readonly byte[] Error = Wire.Typed('E', "SERROR\0VERROR\0C22P02\0Mno number\0\0"u8.ToArray());
    private static readonly byte[] Ready = Wire.Typed('Z', "I"u8.ToArray());

    private readonly TaskCompletionSource _secondPart = new();

    [PoolerTheory(FastPoolOnly = "PgBouncer 1.18 answers no Close itself"), Loops]
    public async Task A_reply_of_the_pooler_s_comes_behind_it(int loops)
    {
        await using var server = new ScriptedServer(ServeAsync);
        await using var pooler = await Pooler.StartAsync(server.Port, loops, f => f["default_pool_size"] = "1");
        await using var client = await pooler.RawAsync();
        await client.SendAsync([.. Wire.Parse("", "select 1"), .. Wire.Describe('S', ""), .. Wire.Flush]);
        Assert.Equal((byte[])[.. Wire.Typed('1'), .. Description[..FirstPart]], await client.BytesAsync(5 + FirstPart));
        await client.SendAsync([.. Wire.Close('S', "nobody's"), .. Wire.Flush]);
        await pooler.ConsoleAsync("SHOW VERSION"); // By then the Close has been read.
        _secondPart.SetResult();
        var rest = (byte[])[.. Description[FirstPart..], .. Wire.Typed('3')];
        Assert.Equal(rest, await client.BytesAsync(rest.Length));
        await client.SendAsync(Wire.Sync);
        Assert.Equal(Ready, await client.BytesAsync(Ready.Length));
        await pooler.PoolIsAsync("sv_idle", 1);
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer has let go of the server by then"), Loops]
    public async Task The_server_stays_until_all_of_it_has_come(int loops)
    {
        await using var server = new ScriptedServer(ServeAsync);
        await using var pooler = await Pooler.StartAsync(server.Port, loops, f => f["default_pool_size"] = "1");
        await using var client = await pooler.RawAsync();
        await using var other = await pooler.RawAsync();
        await client.SendAsync(Wire.Query("copy numbers from stdin"));
        Assert.Equal('G', (await client.ReadAsync())!.Type);
        await client.SendAsync(Wire.CopyData("no number\n"));
        var first = (byte[])[.. Error, .. Ready, .. Notification[..FirstPart]];
        Assert.Equal(first, await client.BytesAsync(first.Length));
        await client.SendAsync(Wire.CopyFail("so be it"));
        await other.SendAsync(Wire.Query("select 2"));
        await pooler.ConsoleAsync("SHOW VERSION");
        _secondPart.SetResult();
        Assert.Equal(Notification[FirstPart..], await client.BytesAsync(Notification.Length - FirstPart));
        Assert.Equal("CZ", (await other.ReplyAsync()).Types);
        await client.SendAsync(Wire.Query("select 1"));
        Assert.Equal("CZ", (await client.ReplyAsync()).Types);
    }

    private async Task ServeAsync(ScriptedPeer peer)
    {
        await peer.WelcomeAsync(("server_version", "15.0"));
        for (; ; )
        {
            var message = await peer.ReadAsync();
            switch (message.Type)
            {
                case 'Q' when message.Body[0] == 'c': await peer.SendAsync('G', 0, 0, 0); break;
                case 'Q':
                    await peer.SendAsync('C', "SELECT 1\0"u8.ToArray());
                    await peer.SendRawAsync(Ready);
                    break;
                case 'd': await InTwoPartsAsync([.. Error, .. Ready], Notification); break;
                case 'P': await peer.SendAsync('1'); break;
                case 'D': await InTwoPartsAsync([], Description); break;
                case 'S': await peer.SendRawAsync(Ready); break;
                case 'X': return;
            }
        }

        async Task InTwoPartsAsync(byte[] before, byte[] message)
        {
            await peer.SendRawAsync([.. before, .. message[..FirstPart]]);
            await _secondPart.Task;
            await peer.SendRawAsync(message[FirstPart..]);
        }
    }
}
