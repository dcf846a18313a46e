namespace FastPool.Compat.Auth;

/// <summary>Whatever arrives first, the pooler answers as written down and serves the next client.</summary>
public class FirstBytesTests
{
    [PoolerTheory, Loops]
    public async Task Bytes_that_are_no_packet_are_answered_with_their_hex(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        foreach (var (bytes, hex) in new (byte[], string)[]
        {
            ([0, 0, 0, 4, 0, 3, 0, 0], "0000000400030000"),    // Shorter than its own header.
            ([0, 1, 0, 0, 0, 3, 0, 0], "0001000000030000"),    // The second byte must be 0.
            ([0, 0, 0, 8, 0, 4, 0, 0], "0000000800040000"),    // No such code.
            ([(byte)'Q', 0, 0, 0, 1, 1, 1, 1], "5100000001010101"),
        })
        {
            await using var client = await RawClient.ConnectAsync(pooler.Port);
            await client.SendAsync(bytes);
            Assert.Equal($"FATAL/08P01 bad packet header: '{hex}'", (await client.ReplyAsync()).ErrorText);
        }

        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
    }

    [PoolerTheory, Loops]
    public async Task A_web_browser_and_a_tls_client_are_sent_away(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        foreach (var bytes in new[] { "GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), [0x16, 3, 1, 0, 80, 1, 0, 0, 76, 3, 3] })
        {
            await using var client = await RawClient.ConnectAsync(pooler.Port);
            await client.SendAsync(bytes);
            while (await client.BytesAsync(1) is not null)
            {
            }
        }

        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
    }

    [PoolerTheory, Loops]
    public async Task Requests_for_encryption_are_declined_and_the_login_goes_on(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await RawClient.ConnectAsync(pooler.Port);
        foreach (var code in new[] { Wire.SslRequest, Wire.GssEncRequest, Wire.SslRequest })
        {
            await client.SendAsync(Wire.Untyped(code, []));
            Assert.Equal("N"u8.ToArray(), await client.BytesAsync(1));
        }

        await client.SendAsync(Wire.Startup(("user", "user_trust"), ("database", Postgres.Database)));
        Assert.Equal('I', (await client.ReplyAsync()).Status);
    }

    [PoolerTheory, Loops]
    public async Task An_old_protocol_and_a_startup_without_a_user_are_refused(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var old = await RawClient.ConnectAsync(pooler.Port);
        await old.SendAsync(Wire.Untyped(0x00020000, new byte[288]));
        Assert.Equal("FATAL/08P01 old V2 protocol not supported", (await old.ReplyAsync()).ErrorText);
        await using var nobody = await RawClient.ConnectAsync(pooler.Port);
        await nobody.SendAsync(Wire.Startup(("database", Postgres.Database)));
        Assert.Equal("FATAL/08P01 no username supplied", (await nobody.ReplyAsync()).ErrorText);
        await using var password = await RawClient.ConnectAsync(pooler.Port);
        await password.SendAsync(Wire.Typed('p', "secret\0"u8.ToArray()));
        Assert.Equal("FATAL/08P01 client password pkt before startup packet", (await password.ReplyAsync()).ErrorText);
    }

    [PoolerTheory(Since = "1.20"), Loops]
    public async Task The_largest_startup_packet_is_read_to_its_end(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["ignore_startup_parameters"] = "filler");
        await using var client = await RawClient.ConnectAsync(pooler.Port);
        await client.SendAsync(
            Wire.Startup(("user", "user_trust"), ("filler", new string('f', 65000)), ("database", Postgres.Database)));
        Assert.Equal('I', (await client.ReplyAsync()).Status);
        await using var garbage = await RawClient.ConnectAsync(pooler.Port);
        await garbage.SendAsync(Wire.Untyped(Wire.Version3, [.. Enumerable.Repeat((byte)'g', 65527)]));
        Assert.NotNull((await garbage.ReplyAsync()).Error);
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
    }

    [PoolerTheory, Loops]
    public async Task A_login_that_comes_byte_by_byte_is_a_login(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await RawClient.ConnectAsync(pooler.Port);
        foreach (var b in Wire.Startup(("user", "user_trust"), ("database", Postgres.Database)))
            await client.SendAsync([b]);
        Assert.Equal('I', (await client.ReplyAsync()).Status);
        foreach (var b in Wire.Query("select 'slow'"))
            await client.SendAsync([b]);
        Assert.Equal("slow", (await client.ReplyAsync()).Rows[0][0]);
    }

    [PoolerTheory, Loops]
    public async Task A_query_sent_along_with_the_startup_packet_is_answered(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await RawClient.ConnectAsync(pooler.Port);
        await client.SendAsync(
            [.. Wire.Startup(("user", "user_trust"), ("database", Postgres.Database)),
            .. Wire.Query("select 'early'")]);
        Assert.Equal('I', (await client.ReplyAsync()).Status);
        Assert.Equal("early", (await client.ReplyAsync()).Rows[0][0]);
    }

    [PoolerTheory, Loops]
    public async Task An_unknown_message_ends_a_logged_in_client(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        await client.SendAsync(Wire.Typed('!', [1, 2, 3]));
        Assert.Equal("FATAL/08P01 unknown pkt", (await client.ReplyAsync()).ErrorText);
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
    }

    [PoolerTheory, Loops]
    public async Task Random_bytes_from_two_hundred_seeds_end_their_own_connection_only(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["client_login_timeout"] = "5");
        await using var witness = await pooler.RawAsync();
        await Task.WhenAll(Enumerable.Range(0, 200).Select(async seed =>
        {
            var random = new Random(seed);
            var bytes = new byte[random.Next(1, 600)];
            random.NextBytes(bytes);
            await using var client = await RawClient.ConnectAsync(pooler.Port);
            var startup = Wire.Startup(("user", "user_trust"), ("database", Postgres.Database));
            switch (seed % 4)
            {
                case 0: // Nothing but noise.
                    await client.SendAsync(bytes);
                    break;
                case 1: // A startup packet with a few bytes changed.
                    for (var i = 0; i < 3; i++)
                        startup[random.Next(4, startup.Length)] = (byte)random.Next(256);
                    await client.SendAsync(startup);
                    break;
                case 2: // Noise after the login.
                    await client.SendAsync([.. startup, .. bytes]);
                    break;
                default: // A known type with a random body, in a pipeline.
                    await client.SendAsync(
                        [.. startup, .. Wire.Typed("PBDECFHSdcf"[random.Next(11)], bytes), .. Wire.Typed('S')]);
                    break;
            }

            await client.SendAsync(Wire.Typed('X'));
        }));
        Assert.Equal("1", (await witness.QueryAsync("select 1")).Rows[0][0]);
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
        await pooler.PoolIsAsync("sv_active", 0);
    }
}
