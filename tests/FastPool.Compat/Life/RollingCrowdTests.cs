using System.Net.Sockets;
using Npgsql;
using Xunit.Abstractions;

namespace FastPool.Compat.Life;

/// <summary>
/// Three processes on one port are replaced one after the other, under 2,000 clients that connect anew when they are told to:
/// each transaction is done once.
/// </summary>
public sealed class RollingCrowdTests(ITestOutputHelper output)
{
    private const int Processes = 3, Clients = 2000, DrainSeconds = 2;

    [PoolerFact(FastPoolOnly = "waits until clients go by themselves")]
    public async Task No_transaction_is_lost_or_done_twice()
    {
        var server = await Postgres.SharedAsync();
        var table = $"crowd_{Guid.NewGuid():N}";
        await using var direct = new NpgsqlConnection(
            $"Host=127.0.0.1;Port={server.Port};Username=user_trust;Database={Postgres.Database};Pooling=false");
        await direct.OpenAsync();
        await direct.ScalarAsync($"create table {table} (client int, number int, primary key (client, number))");

        await using var first = await Pooler.StartAsync(loops: 1, f =>
        {
            f["so_reuseport"] = "1";
            f["default_pool_size"] = "6";
            f["max_client_conn"] = $"{Clients + 100}";
            f["log_connections"] = "0";
            f["log_disconnections"] = "0";
            f.Own["drain_timeout"] = $"{DrainSeconds}";
        });
        var inis = new List<(string Ini, string Folder)> { (first.IniPath, first.Folder) };
        var children = new List<Child> { first.Process };
        for (var i = 1; i < Processes; i++)
        {
            var folder = Machine.NewFolder("r");
            inis.Add((Path.Combine(folder, "p.ini"), folder));
            await File.WriteAllTextAsync(inis[i].Ini, (await File.ReadAllTextAsync(first.IniPath))
                .Replace($"unix_socket_dir = {first.Folder}", $"unix_socket_dir = {folder}", StringComparison.Ordinal));
            children.Add(await StartAsync(i));
        }

        var crowd = new Crowd(first.Port, table);
        await crowd.EnterAsync();
        for (var i = 0; i < Processes; i++)
        {
            children[i].Signal(Child.SigTerm);
            Assert.Equal(0, await children[i].ExitAsync(DrainSeconds + 20));
            Assert.DoesNotContain("connections are left and are closed", children[i].Text, StringComparison.Ordinal);
            await children[i].DisposeAsync();
            children[i] = await StartAsync(i);
            if (i == 0) first.Becomes(children[0]);
        }
        await crowd.LeaveAsync();
        output.WriteLine($"{crowd}");
        foreach (var child in children[1..]) await child.DisposeAsync();

        Assert.Empty(crowd.Wrong);
        Assert.Equal(crowd.Done, (long)(await direct.ScalarAsync($"select count(*) from {table}"))!);
        Assert.InRange(crowd.Farewells, Clients, Clients * Processes); // Each was told to go once at least, on average.
        await direct.ScalarAsync($"drop table {table}");

        async Task<Child> StartAsync(int number)
        {
            var child = Child.Start(Binary.Path, [inis[number].Ini], inis[number].Folder, ("FASTPOOL_LOOPS", "1"));
            await child.LineAsync("process up");
            return child;
        }
    }

    /// <summary>Clients that write a row now and then, and do it again when they were sent away in place of an answer.</summary>
    private sealed class Crowd(int port, string table)
    {
        private const string Farewell = "FATAL/57P01 terminating connection due to administrator command";

        private readonly List<Task> _members = [];
        private readonly List<string> _wrong = [];
        private readonly SemaphoreSlim _logins = new(50);
        private volatile bool _isOver;
        private long _done;
        private int _farewells, _crossed, _refused;

        public long Done => Interlocked.Read(ref _done);

        public int Farewells => Volatile.Read(ref _farewells);

        /// <summary>Everything that a client should not have been told.</summary>
        public IReadOnlyList<string> Wrong
        {
            get { lock (_wrong) return [.. _wrong]; }
        }

        public override string ToString() => $"{Clients} clients, {Done} transactions, {Farewells} farewells, {_crossed} of them "
            + $"crossed a query that was not run, {_refused} connections that the closing port did not take";

        public async Task EnterAsync()
        {
            var logins = new List<Task<RawClient>>();
            for (var i = 0; i < Clients; i++) logins.Add(LoginAsync());
            var clients = await Task.WhenAll(logins);
            for (var i = 0; i < Clients; i++) _members.Add(LiveAsync(i, clients[i]));
        }

        public async Task LeaveAsync()
        {
            _isOver = true;
            await Task.WhenAll(_members);
        }

        /// <summary>A port that closes may reset connections that it has not taken yet: nothing was asked there.</summary>
        private async Task<RawClient> LoginAsync()
        {
            await _logins.WaitAsync();
            try
            {
                for (; ; )
                {
                    try
                    {
                        return await RawClient.LoginAsync(port, "user_trust", Postgres.Database);
                    }
                    catch (Exception e) when (e is SocketException || e is InvalidOperationException && IsBrokenOff(e.Message))
                    {
                        Interlocked.Increment(ref _refused);
                        Assert.InRange(_refused, 0, Clients);
                    }
                }
            }
            finally
            {
                _logins.Release();
            }
        }

        private static bool IsBrokenOff(string text) => text.EndsWith("failed: ", StringComparison.Ordinal)
            || text.Contains("57P01", StringComparison.Ordinal);

        private async Task LiveAsync(int id, RawClient client)
        {
            for (var number = 0; !_isOver;)
            {
                var pause = Task.Delay(Random.Shared.Next(500, 1500));
                var next = client.ReadAsync(120);
                var isAsked = await Task.WhenAny(next, pause) == pause;
                if (isAsked) await client.SendAsync(Wire.Query($"insert into {table} values ({id}, {number})"));
                var text = "";
                while (await next is { } message && message.Type != 'Z')
                {
                    if (message.Type == 'E') text = $"{message.Field('S')}/{message.Field('C')} {message.Field('M')}";
                    next = client.ReadAsync(120);
                }
                if (isAsked && text == "" && await next is not null)
                {
                    Interlocked.Increment(ref _done);
                    number++;
                    continue;
                }
                if (text == Farewell) Interlocked.Increment(ref _farewells);
                // A query that reaches a closed connection is answered by a reset, which may take the farewell with it.
                else if (text != "" || !isAsked) Note(text == "" ? "the connection ended without a word" : text);
                if (isAsked) Interlocked.Increment(ref _crossed);
                await client.DisposeAsync();
                client = await LoginAsync();
            }
            await client.DisposeAsync();
        }

        private void Note(string text)
        {
            lock (_wrong) _wrong.Add(text);
        }
    }
}
