using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace FastPool.Compat.Pooling;

/// <summary>LISTEN and NOTIFY in transaction pooling with session_state = keep.</summary>
public class ListenTests
{
    private const string FastPoolOnly = "in transaction pooling a LISTEN is lost";

    private static Task<Pooler> StartAsync(int loops, int poolSize = 3, Action<PoolerFile>? change = null) =>
        Pooler.StartAsync(loops, file =>
        {
            file["default_pool_size"] = poolSize.ToString(CultureInfo.InvariantCulture);
            file.Own["session_state"] = "keep";
            change?.Invoke(file);
        });

    private static Task<RawClient> LoginAsync(int port) => RawClient.LoginAsync(port, "user_trust", Postgres.Database);

    private static int PidOf(RawClient client) => BinaryPrimitives.ReadInt32BigEndian(client.CancelKey);

    /// <summary>Channel and payload, with a star where the client itself has sent it.</summary>
    private static string TextOf(RawClient client, Message message)
    {
        var texts = Encoding.UTF8.GetString(message.Body.AsSpan(4)).Split('\0');
        var own = BinaryPrimitives.ReadInt32BigEndian(message.Body) == PidOf(client) ? "*" : "";
        return $"{texts[0]}:{texts[1]}{own}";
    }

    private static async Task<string> NextAsync(RawClient client)
    {
        while (await client.ReadAsync() is { } message)
        {
            if (message.Type == 'A') return TextOf(client, message);
            if (message.Type != 'S') return message.Text;
        }
        return "(end)";
    }

    private static async Task<Reply> SayAsync(RawClient client, string sql)
    {
        var reply = await client.QueryAsync(sql);
        Assert.Equal("", reply.ErrorText);
        return reply;
    }

    private static async Task HasNoServerAsync(Pooler pooler, int active = 1) => await pooler.PoolIsAsync("sv_active", active);

    private static async Task<string> ListenersAsync(Pooler pooler) => string.Join(
        ' ', (await pooler.ConsoleAsync("SHOW LISTENERS")).Rows.Select(static row => $"{row[2]}:{row[3]}"));

    private static Task ListenersAreAsync(Pooler pooler, string wanted) =>
        Until.TrueAsync(async () => await ListenersAsync(pooler) == wanted, $"listeners {wanted}");

    private static async Task<string> PinnedAsync(Pooler pooler) =>
        (await pooler.ConsoleAsync("SHOW FASTPOOL")).Rows.First(static row => row[0] == "pinned_servers")[1]!;

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task Many_listeners_share_one_connection(int loops)
    {
        await using var pooler = await StartAsync(loops);
        var server = await Postgres.SharedAsync();
        await using var direct = await LoginAsync(server.Port);
        var clients = new List<RawClient>();
        for (var i = 0; i < 30; i++)
        {
            clients.Add(await LoginAsync(pooler.Port));
            await SayAsync(clients[i], $"listen lt_all_{loops}");
            await SayAsync(clients[i], $"listen \"lt_\"\"{i}\"");
        }
        await HasNoServerAsync(pooler);
        await SayAsync(direct, $"notify lt_all_{loops}, 'first'");
        await SayAsync(direct, "notify \"lt_\"\"7\"");
        await SayAsync(direct, $"notify lt_all_{loops}, 'second'");
        for (var i = 0; i < 30; i++)
        {
            Assert.Equal($"lt_all_{loops}:first", await NextAsync(clients[i]));
            if (i == 7) Assert.Equal("lt_\"7:", await NextAsync(clients[i]));
            Assert.Equal($"lt_all_{loops}:second", await NextAsync(clients[i]));
        }
        // On its own it is told at once, in its reply, and by a process id that it knows for its own.
        var own = await SayAsync(clients[3], $"notify lt_all_{loops}, 'own'");
        Assert.Equal("CAZ", own.Types);
        Assert.Equal($"lt_all_{loops}:own*", TextOf(clients[3], own.Messages[1]));
        Assert.Equal($"lt_all_{loops}:own", await NextAsync(clients[4]));
        Assert.Equal("1", await PinnedAsync(pooler));
        await SayAsync(clients[0], "unlisten *");
        await SayAsync(clients[1], $"unlisten lt_all_{loops}");
        await SayAsync(clients[2], "discard all");
        clients[5].Reset();
        await Until.TrueAsync(async () => (await ListenersAsync(pooler)).Split(' ') is var listed
            && listed.Contains($"lt_all_{loops}:26") && listed.Contains("lt_\"1:1") && listed.Length == 28, "some have gone", 15);
        foreach (var client in clients) await client.DisposeAsync();
        await ListenersAreAsync(pooler, "");
        await HasNoServerAsync(pooler, active: 0);
        Assert.Equal("0", await PinnedAsync(pooler));
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task A_listener_whose_BEGIN_could_be_deferred_hears_nothing_within_its_transaction(int loops)
    {
        await using var pooler = await StartAsync(loops, change: file => file.Own["defer_begin"] = "1");
        await using var direct = await LoginAsync((await Postgres.SharedAsync()).Port);
        await using var client = await LoginAsync(pooler.Port);
        await SayAsync(client, "begin");
        await HasNoServerAsync(pooler, active: 0); // It is deferred for one that does not listen.
        await SayAsync(client, "commit");
        await SayAsync(client, $"listen lt_defer_{loops}");
        await HasNoServerAsync(pooler);
        await SayAsync(client, "begin");
        await SayAsync(direct, $"notify lt_defer_{loops}, 'within'");
        Assert.Equal("TDCZ", (await SayAsync(client, "select 1")).Types);
        var end = await SayAsync(client, "commit");
        if (!end.Types.Contains('A', StringComparison.Ordinal)) Assert.Equal($"lt_defer_{loops}:within", await NextAsync(client));
        else Assert.Equal($"lt_defer_{loops}:within", TextOf(client, end.Messages.Single(static m => m.Type == 'A')));
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task Nothing_that_is_sent_after_LISTEN_has_returned_is_missed(int loops)
    {
        await using var pooler = await StartAsync(loops);
        var server = await Postgres.SharedAsync();
        await using var direct = await LoginAsync(server.Port);
        await using var first = await LoginAsync(pooler.Port);
        await SayAsync(first, "listen lt_first");
        for (var i = 0; i < 100; i++)
        {
            await using var client = await LoginAsync(pooler.Port);
            await SayAsync(client, $"listen lt_{i}");
            await SayAsync(direct, $"notify lt_{i}, 'x{i}'");
            Assert.Equal($"lt_{i}:x{i}", await NextAsync(client));
            await SayAsync(client, $"unlisten lt_{i}");
            await SayAsync(direct, $"notify lt_{i}, 'y{i}'");
            Assert.Equal("TDCZ", (await SayAsync(client, "select 1")).Types);
        }
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task All_listeners_hear_the_same_in_the_same_order_whatever_else_they_do(int loops)
    {
        const int Clients = 20, Rounds = 60;
        await using var pooler = await StartAsync(loops);
        var channel = $"lt_order_{loops}";
        var heard = new List<string>[Clients];
        await using var control = await LoginAsync(pooler.Port);
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async number =>
        {
            var random = new Random(number);
            await using var client = await LoginAsync(pooler.Port);
            var lines = heard[number] = [];
            async Task PlayAsync(string sql)
            {
                foreach (var message in (await SayAsync(client, sql)).Messages)
                {
                    if (message.Type == 'A') lines.Add(TextOf(client, message));
                }
            }

            await PlayAsync($"listen {channel}");
            lock (heard) _ready++;
            while (Volatile.Read(ref _ready) < Clients) await Task.Delay(5);
            for (var i = 0; i < Rounds; i++)
            {
                switch (random.Next(8))
                {
                    case 0: await PlayAsync("select pg_sleep(0.002)"); break;
                    case 1: await PlayAsync($"listen lt_more_{random.Next(5)}_{number}"); break;
                    case 2: await PlayAsync($"unlisten lt_more_{random.Next(5)}_{number}"); break;
                    case 3:
                        await PlayAsync("begin");
                        await PlayAsync($"unlisten *; listen {channel}");
                        await PlayAsync("rollback");
                        break;
                    case 4: await PlayAsync($"set work_mem = '{random.Next(1, 9)}MB'"); break;
                    case 5: await Task.Delay(random.Next(4)); break;
                    case 6: await PlayAsync($"begin; listen {channel}; commit"); break;
                }
                await PlayAsync($"notify {channel}, '{number}-{i}'");
                if (random.Next(4) == 0) await PlayAsync($"begin; notify {channel}, 'no'; rollback");
            }
            while (lines.Count < Clients * Rounds) lines.Add(await NextAsync(client));
            Assert.Equal("TDCZ", (await SayAsync(client, "select 1")).Types);
        }));
        _ready = 0;
        for (var number = 0; number < Clients; number++)
        {
            var own = Enumerable.Range(0, Rounds).Select(i => $"{channel}:{number}-{i}*");
            Assert.Equal(own, heard[number].Where(static line => line.EndsWith('*')));
            Assert.Equal(
                heard[0].Select(static line => line.TrimEnd('*')), heard[number].Select(static line => line.TrimEnd('*')));
        }
    }

    private int _ready;

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task Twenty_clients_on_three_servers_hear_what_own_connections_hear(int loops)
    {
        const int Clients = 20, Steps = 1500;
        await using var pooler = await StartAsync(loops);
        var server = await Postgres.SharedAsync();
        var sides = new List<(RawClient Client, string Prefix, List<string> Heard)>[Clients];
        for (var i = 0; i < Clients; i++)
        {
            sides[i] = [(await LoginAsync(server.Port), $"d{loops}_", []), (await LoginAsync(pooler.Port), $"p{loops}_", [])];
        }
        var random = new Random(loops);
        var inTransaction = -1;
        var log = new List<string>();
        for (var step = 0; step < Steps; step++)
        {
            var number = inTransaction >= 0 && random.Next(2) == 0 ? inTransaction : random.Next(Clients);
            var channel = $"#{random.Next(6)}";
            var sql = random.Next(14) switch
            {
                0 or 1 => $"listen {channel}",
                2 => $"unlisten {channel}",
                3 => random.Next(4) == 0 ? "unlisten *" : $"listen {channel}; listen #x{number}",
                4 => inTransaction == number ? "commit" : inTransaction < 0 ? "begin" : "select 1",
                5 => inTransaction == number ? "rollback" : "select 1",
                6 => random.Next(3) == 0 && inTransaction != number ? "discard all" : "select 2",
                7 => $"begin; listen {channel}; notify {channel}, 's{step}'; rollback",
                8 when inTransaction != number => $"listen {channel}; select 1/0",
                9 => "select count(*), string_agg(right(c, 1), ',' order by c) from pg_listening_channels() c",
                10 => $"notify #x{random.Next(Clients)}, 's{step}'",
                _ => $"notify {channel}, 's{step}'",
            };
            if (sql.StartsWith("begin;", StringComparison.Ordinal) && inTransaction == number) sql = "select 3";
            if (sql == "begin") inTransaction = number;
            else if (sql is "commit" or "rollback" && inTransaction == number) inTransaction = -1;
            log.Add($"{number}: {sql}");
            var said = new string[2];
            for (var side = 0; side < 2; side++)
            {
                var (client, prefix, heard) = sides[number][side];
                var reply = await client.QueryAsync(sql.Replace("#", "lt" + prefix, StringComparison.Ordinal));
                foreach (var message in reply.Messages.Where(static message => message.Type == 'A'))
                    heard.Add(TextOf(client, message).Replace(prefix, "", StringComparison.Ordinal));
                said[side] = string.Join(' ', reply.Messages.Where(static message => message.Type is not ('A' or 'S'))
                    .Select(static message => message.Type is 'E' ? $"E {message.Field('C')}" : $"{message.Type}"))
                    + string.Join('|', reply.Rows.Select(static row => string.Join(',', row)))
                    // Those of its own come in the reply; others' whenever they do.
                    + string.Join(' ', reply.Messages.Where(static message => message.Type == 'A')
                        .Select(message => TextOf(client, message).Replace(prefix, "", StringComparison.Ordinal))
                        .Where(static text => text.EndsWith('*')));
            }
            Assert.True(said[0] == said[1], $"step {step}: {said[0]} | {said[1]}\n{string.Join('\n', log.TakeLast(20))}");
        }
        for (var number = 0; number < Clients; number++)
        {
            for (var side = 0; side < 2; side++)
            {
                var (client, prefix, heard) = sides[number][side];
                if (inTransaction == number) await client.QueryAsync("commit");
                await client.QueryAsync($"listen lt{prefix}end");
                await client.SendAsync(Wire.Query($"notify lt{prefix}end, '{number}'"));
                for (var isEnd = false; !isEnd;)
                {
                    var message = await client.ReadAsync();
                    Assert.NotNull(message);
                    if (message.Type != 'A') continue;
                    var text = TextOf(client, message).Replace(prefix, "", StringComparison.Ordinal);
                    isEnd = text == $"ltend:{number}*";
                    if (!text.StartsWith("ltend", StringComparison.Ordinal)) heard.Add(text);
                }
            }
            Assert.Equal(sides[number][0].Heard, sides[number][1].Heard);
            foreach (var (client, _, _) in sides[number]) await client.DisposeAsync();
        }
        Assert.True(sides.Sum(static side => side[0].Heard.Count) > Steps / 2);
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task A_lost_listening_connection_is_told_with_its_reason(int loops)
    {
        await using var pooler = await StartAsync(loops);
        var server = await Postgres.SharedAsync();
        await using var admin = await server.ConnectAsync(Postgres.Database);
        await using var one = await LoginAsync(pooler.Port);
        await using var two = await LoginAsync(pooler.Port);
        await using var busy = await LoginAsync(pooler.Port);
        await using var other = await LoginAsync(pooler.Port);
        await SayAsync(one, $"listen lt_lost_{loops}");
        await SayAsync(two, $"listen lt_lost_{loops}");
        await SayAsync(busy, $"listen lt_lost_{loops}");
        await HasNoServerAsync(pooler);
        await SayAsync(busy, "begin");
        await HasNoServerAsync(pooler, active: 2);
        var hub = (await pooler.ConsoleAsync("SHOW LISTENERS")).Rows[0][5];
        var servers = await pooler.ConsoleAsync("SHOW SERVERS");
        var (ptr, pid) = (servers.Columns.IndexOf("ptr"), servers.Columns.IndexOf("remote_pid"));
        var listening = servers.Rows.Single(row => row[ptr] == hub);
        await admin.ScalarAsync($"select pg_terminate_backend({listening[pid]})");
        foreach (var client in new[] { one, two })
        {
            var told = await client.ReadAsync();
            Assert.Equal("FATAL/57P01", $"{told!.Field('S')}/{told.Field('C')}");
            Assert.Contains(
                "connection was lost, notifications may be missing: terminating connection due to administrator command",
                told.Field('M'), StringComparison.Ordinal);
            Assert.Null(await client.ReadAsync());
        }
        // A client whose own server listens has missed nothing, and goes on.
        await SayAsync(busy, "commit");
        await SayAsync(other, $"notify lt_lost_{loops}, 'x'");
        Assert.Equal($"lt_lost_{loops}:x", await NextAsync(busy));
        await ListenersAreAsync(pooler, $"lt_lost_{loops}:1");
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task A_takeover_carries_listeners(int loops)
    {
        await using var pooler = await StartAsync(loops);
        var server = await Postgres.SharedAsync();
        await using var direct = await LoginAsync(server.Port);
        await using var one = await LoginAsync(pooler.Port);
        await using var two = await LoginAsync(pooler.Port);
        await using var busy = await LoginAsync(pooler.Port);
        await SayAsync(one, $"listen lt_over_{loops}");
        await SayAsync(two, $"set work_mem = '9MB'; listen lt_over_{loops}; listen lt_two_{loops}");
        await SayAsync(busy, $"listen lt_over_{loops}");
        await HasNoServerAsync(pooler);
        await SayAsync(busy, "begin");
        var stop = new TaskCompletionSource();
        var sent = 0;
        var sending = Task.Run(async () =>
        {
            for (; !stop.Task.IsCompleted; sent++)
            {
                await SayAsync(direct, $"notify lt_over_{loops}, '{sent}'");
                await Task.Delay(1);
            }
        });
        await Task.Delay(100);
        await pooler.TakeOverAsync();
        await Task.Delay(100);
        stop.SetResult();
        await sending;
        var inReply = (await SayAsync(busy, "commit")).Messages.Where(static message => message.Type == 'A')
            .Select(message => TextOf(busy, message)).ToList();
        for (var i = 0; i < sent; i++)
        {
            Assert.Equal($"lt_over_{loops}:{i}", await NextAsync(one));
            Assert.Equal($"lt_over_{loops}:{i}", await NextAsync(two));
            Assert.Equal($"lt_over_{loops}:{i}", i < inReply.Count ? inReply[i] : await NextAsync(busy));
        }
        Assert.Equal("9MB", (await SayAsync(two, "show work_mem")).Rows[0][0]);
        await SayAsync(one, $"notify lt_two_{loops}");
        Assert.Equal($"lt_two_{loops}:", await NextAsync(two));
        await ListenersAreAsync(pooler, $"lt_over_{loops}:3 lt_two_{loops}:1");
        await SayAsync(two, "unlisten *");
        await SayAsync(busy, $"notify lt_over_{loops}, 'last'");
        Assert.Equal($"lt_over_{loops}:last", await NextAsync(one));
        await pooler.TakeOverAsync();
        await SayAsync(busy, $"notify lt_over_{loops}, 'again'");
        Assert.Equal($"lt_over_{loops}:again", await NextAsync(one));
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task The_listening_connection_leaves_a_place_for_others(int loops)
    {
        await using var pooler = await StartAsync(loops, poolSize: 2);
        await using var one = await LoginAsync(pooler.Port);
        await using var two = await LoginAsync(pooler.Port);
        await using var three = await LoginAsync(pooler.Port);
        await SayAsync(one, "listen lt_a");
        await SayAsync(two, "listen lt_b");
        await SayAsync(three, "notify lt_a; notify lt_b");
        Assert.Equal("lt_a:", await NextAsync(one));
        Assert.Equal("lt_b:", await NextAsync(two));
        Assert.Equal("1", await PinnedAsync(pooler));
        // One place is not enough for both: the server stays with its client, as without a listening connection.
        pooler.Rewrite(static file => file["default_pool_size"] = "1");
        await pooler.ConsoleAsync("RELOAD");
        foreach (var client in new[] { one, two }) await client.DisposeAsync();
        await ListenersAreAsync(pooler, "");
        await using var four = await LoginAsync(pooler.Port);
        await SayAsync(four, "listen lt_c");
        var own = await SayAsync(four, "notify lt_c, 'own'");
        Assert.Equal("lt_c:own*", TextOf(four, own.Messages.Single(static message => message.Type == 'A')));
        await Until.TrueAsync(async () => await PinnedAsync(pooler) == "1", "it is pinned");
        Assert.Equal("", await ListenersAsync(pooler));
        await SayAsync(four, "unlisten *");
        await SayAsync(three, "select 1");
        await Until.TrueAsync(async () => await PinnedAsync(pooler) == "0", "nothing is pinned");
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task A_limit_over_pools_leaves_a_place_for_others(int loops)
    {
        await using var pooler = await StartAsync(loops, change: static file => file["max_db_connections"] = "2");
        await using var one = await LoginAsync(pooler.Port);
        await using var two = await RawClient.LoginAsync(pooler.Port, "user_scram", Postgres.Database);
        await SayAsync(one, "listen lt_limit");
        await ListenersAreAsync(pooler, "lt_limit:1");
        await SayAsync(two, "select 1");
        await SayAsync(one, "select 1");
        await SayAsync(two, "listen lt_limit");
        await Until.TrueAsync(async () => await PinnedAsync(pooler) == "2", "it is pinned");
        await ListenersAreAsync(pooler, "lt_limit:1");
        await SayAsync(two, "notify lt_limit, 'x'");
        Assert.Equal("lt_limit:x", await NextAsync(one));
        await two.DisposeAsync();
        await SayAsync(one, "select 1");
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task A_client_that_does_not_read_is_disconnected_and_disturbs_nobody(int loops)
    {
        const int Count = 4000;
        await using var pooler = await StartAsync(loops);
        using var deaf = new UnreadingClient(pooler.Port);
        deaf.LogIn("user_trust", Postgres.Database);
        deaf.Say(Wire.Query("listen lt_flood"));
        deaf.ReadUntilReady();
        await using var reader = await LoginAsync(pooler.Port);
        await SayAsync(reader, "listen lt_flood");
        await HasNoServerAsync(pooler);
        await using var sender = await LoginAsync(pooler.Port);
        var payload = new string('x', 7900);
        for (var i = 0; i < Count; i += 100) // The reader keeps up, however slow the machine is.
        {
            await SayAsync(sender, $"select pg_notify('lt_flood', i || ' {payload}') from generate_series({i}, {i + 99}) i");
            for (var j = i; j < i + 100; j++)
                Assert.StartsWith($"lt_flood:{j} ", await NextAsync(reader), StringComparison.Ordinal);
        }
        await ListenersAreAsync(pooler, "lt_flood:1");
        await pooler.LineAsync("closing because: client does not read its notifications");
        Assert.InRange(UnreadingClient.ResidentKilobytes(pooler.Pid), 1, 200_000);
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task A_flood_of_notifications_reaches_all_who_read(int loops)
    {
        const int Count = 100_000;
        await using var pooler = await StartAsync(loops);
        await using var sender = await LoginAsync(pooler.Port);
        await using var other = await LoginAsync(pooler.Port);
        var readers = new List<RawClient>();
        for (var i = 0; i < 5; i++)
        {
            readers.Add(await LoginAsync(pooler.Port));
            await SayAsync(readers[i], "listen lt_many");
        }
        var sending = SayAsync(sender, $"select pg_notify('lt_many', i::text) from generate_series(1, {Count}) i");
        await Task.WhenAll(readers.Select(async reader =>
        {
            for (var i = 1; i <= Count; i++) Assert.Equal($"lt_many:{i}", await NextAsync(reader));
        }).Append(Task.Run(async () =>
        {
            for (var i = 0; i < 100; i++) await SayAsync(other, "select 1");
        })));
        await sending;
        foreach (var reader in readers) await reader.DisposeAsync();
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task Many_and_odd_channels_are_right_and_disturb_nobody(int loops)
    {
        await using var pooler = await StartAsync(loops, poolSize: 4);
        await using var other = await LoginAsync(pooler.Port);
        await using var first = await LoginAsync(pooler.Port);
        await SayAsync(first, "listen \"lt ' \"\" \\ ; --\"");
        await ListenersAreAsync(pooler, "lt ' \" \\ ; --:1");
        await SayAsync(other, "notify \"lt ' \"\" \\ ; --\", 'odd'");
        Assert.Equal("lt ' \" \\ ; --:odd", await NextAsync(first));
        // Names that are not in ASCII keep their server.
        await using var odd = await LoginAsync(pooler.Port);
        await SayAsync(odd, "listen \"lt_é☃\"");
        await SayAsync(other, "notify \"lt_é☃\", 'snow'");
        Assert.Equal("lt_é☃:snow", await NextAsync(odd));
        await Until.TrueAsync(async () => await PinnedAsync(pooler) == "2", "one more is pinned");
        await SayAsync(odd, "unlisten *");
        // So do more than can travel.
        await SayAsync(odd, string.Concat(Enumerable.Range(0, 9_000).Select(static i => $"listen lt_channel_{i};")));
        await SayAsync(other, "notify lt_channel_8999, 'last'");
        Assert.Equal("lt_channel_8999:last", await NextAsync(odd));
        await Until.TrueAsync(async () => await PinnedAsync(pooler) == "2", "one more is pinned");
        await SayAsync(odd, "unlisten *");
        await Until.TrueAsync(async () => await PinnedAsync(pooler) == "1", "only the listening connection is pinned");
        Assert.Equal("FATAL/", (await TooManyAsync(pooler)).ErrorText[..6]);
        await SayAsync(other, "notify \"lt ' \"\" \\ ; --\", 'still'");
        Assert.Equal("lt ' \" \\ ; --:still", await NextAsync(first));
    }

    /// <summary>More clients with very many channels than servers may be pinned.</summary>
    private static async Task<Reply> TooManyAsync(Pooler pooler)
    {
        var clients = new List<RawClient>();
        try
        {
            for (var i = 0; i < 5; i++)
            {
                clients.Add(await LoginAsync(pooler.Port));
                await SayAsync(clients[i],
                    string.Concat(Enumerable.Range(0, 5_000).Select(static n => $"listen lt_channel_{n};")));
                var reply = await clients[i].QueryAsync("select 1");
                if (reply.ErrorText.Length > 0) return reply;
            }
            return new Reply();
        }
        finally
        {
            foreach (var client in clients) await client.DisposeAsync();
        }
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly)]
    [InlineData(1, "RECONNECT", "database configuration changed")]
    [InlineData(2, "RECONNECT", "database configuration changed")]
    [InlineData(1, "PAUSE", "pause mode")]
    [InlineData(2, "PAUSE", "pause mode")]
    [InlineData(1, "SHUTDOWN WAIT_FOR_SERVERS", "server shutting down")]
    public async Task Commands_that_wait_for_servers_do_not_wait_for_ever(int loops, string command, string reason)
    {
        await using var pooler = await StartAsync(loops);
        await using var one = await LoginAsync(pooler.Port);
        await SayAsync(one, "listen lt_pause");
        await ListenersAreAsync(pooler, "lt_pause:1");
        var done = pooler.ConsoleAsync(command);
        var told = await one.ReadAsync();
        Assert.Equal("57P01", told!.Field('C'));
        Assert.EndsWith("notifications may be missing: " + reason, told.Field('M'), StringComparison.Ordinal);
        Assert.Equal("", (await Until.DoneAsync(done, command)).ErrorText);
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task KILL_ends_listeners_and_the_pool_begins_anew(int loops)
    {
        await using var pooler = await StartAsync(loops);
        await using var one = await LoginAsync(pooler.Port);
        await SayAsync(one, "listen lt_kill");
        await ListenersAreAsync(pooler, "lt_kill:1");
        await pooler.ConsoleAsync($"KILL {Postgres.Database}");
        Assert.Equal('E', (await one.ReadAsync())!.Type);
        await pooler.ConsoleAsync($"RESUME {Postgres.Database}");
        await using var two = await LoginAsync(pooler.Port);
        await using var three = await LoginAsync(pooler.Port);
        await SayAsync(two, "listen lt_kill");
        await SayAsync(three, "notify lt_kill, 'anew'");
        Assert.Equal("lt_kill:anew", await NextAsync(two));
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task Old_age_and_idleness_do_not_end_it(int loops)
    {
        await using var pooler = await StartAsync(loops, change: static file =>
        {
            file["server_lifetime"] = "1";
            file["server_idle_timeout"] = "1";
        });
        await using var one = await LoginAsync(pooler.Port);
        await using var two = await LoginAsync(pooler.Port);
        await SayAsync(one, "listen lt_old");
        await ListenersAreAsync(pooler, "lt_old:1");
        await Task.Delay(3000);
        await SayAsync(two, "notify lt_old, 'x'");
        Assert.Equal("lt_old:x", await NextAsync(one));
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task Npgsql_hears_notifications_while_it_waits_and_in_its_replies(int loops)
    {
        await using var pooler = await StartAsync(loops);
        await using var listener = await pooler.ConnectAsync();
        await using var sender = await pooler.ConnectAsync();
        var heard = new List<string>();
        listener.Notification += (_, told) => heard.Add($"{told.Payload} {told.PID == listener.ProcessID}");
        await listener.ScalarAsync("listen lt_npgsql");
        await sender.ScalarAsync("notify lt_npgsql, 'one'");
        Assert.True(await listener.WaitAsync(TimeSpan.FromSeconds(20)));
        await listener.ScalarAsync("notify lt_npgsql, 'two'");
        Assert.Equal(["one False", "two True"], heard);
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task A_suspend_holds_notifications_back_and_loses_none(int loops)
    {
        await using var pooler = await StartAsync(loops);
        var server = await Postgres.SharedAsync();
        await using var direct = await LoginAsync(server.Port);
        await using var one = await LoginAsync(pooler.Port);
        await SayAsync(one, $"listen lt_suspend_{loops}");
        await ListenersAreAsync(pooler, $"lt_suspend_{loops}:1");
        await using var console = await RawClient.LoginAsync(pooler.Port, "admin", "pgbouncer");
        Assert.Equal("", (await console.QueryAsync("SUSPEND")).ErrorText);
        await SayAsync(direct, $"notify lt_suspend_{loops}, 'held'");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one.PeekAsync(seconds: 1));
        Assert.Equal("", (await console.QueryAsync("RESUME")).ErrorText);
        Assert.Equal($"lt_suspend_{loops}:held", await NextAsync(one));
        await SayAsync(direct, $"notify lt_suspend_{loops}, 'then'");
        Assert.Equal($"lt_suspend_{loops}:then", await NextAsync(one));
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task Listeners_that_leave_in_the_midst_of_something_leave_nothing(int loops)
    {
        await using var pooler = await StartAsync(loops, change: static file => file.Own["abandoned_transaction"] = "rollback");
        await using var stays = await LoginAsync(pooler.Port);
        await using var sender = await LoginAsync(pooler.Port);
        await SayAsync(stays, "listen lt_stays");
        var random = new Random(loops);
        for (var i = 0; i < 150; i++)
        {
            await using var goes = await LoginAsync(pooler.Port);
            await goes.SendAsync(Wire.Query($"listen lt_goes; set work_mem = '{random.Next(1, 9)}MB'"));
            if (random.Next(2) == 0) await goes.ReplyAsync();
            if (random.Next(2) == 0) await goes.SendAsync(Wire.Query("begin; notify lt_goes, 'own'; select pg_sleep(0.01)"));
            if (random.Next(2) == 0) await sender.SendAsync(Wire.Query("notify lt_goes, 'x'"));
            else await sender.SendAsync(Wire.Query("select 1"));
            if (random.Next(3) == 0) await Task.Delay(random.Next(10));
            if (random.Next(2) == 0) goes.Reset();
            else await goes.SendAsync(Wire.Terminate);
            Assert.Equal("", (await sender.ReplyAsync()).ErrorText);
        }
        await ListenersAreAsync(pooler, "lt_stays:1");
        await HasNoServerAsync(pooler);
        for (var i = 0; i < 6; i++)
            Assert.Equal("0", (await SayAsync(sender, "select count(*) from pg_listening_channels()")).Rows[0][0]);
        await SayAsync(sender, "notify lt_stays, 'still'");
        Assert.Equal("lt_stays:still", await NextAsync(stays));
        var fastpool =
            (await pooler.ConsoleAsync("SHOW FASTPOOL")).Rows.ToDictionary(static row => row[0]!, static row => row[1]);
        Assert.Equal("0", fastpool["broken_invariants"]);
        Assert.Equal("1", fastpool["pinned_servers"]);
    }
}
