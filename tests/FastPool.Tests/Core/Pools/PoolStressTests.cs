using FastPool.Base;
using FastPool.Core.Pools;

namespace FastPool.Tests.Core.Pools;

/// <summary>
/// One pool, several threads, as fast as they can: each carries out effects as a loop does, servers move between them by
/// letters. The threads only count and compare; what must hold is looked at while they run and when all have stopped.
/// </summary>
public sealed class PoolStressTests
{
    private const int HoldsTotal = 400_000;
    // A thread that gets so far before all have held their share waits for ever.
    private const long RoundsMost = 2_000_000_000;
    private const int ClientsPerThread = 5;
    private const int PoolSize = 6;

    [Theory]
    [InlineData(2, 1)]
    [InlineData(4, 2)]
    public void Nothing_is_shared_lost_or_miscounted(int threads, int seed)
    {
        var bench =
            new PoolBench(
            $"default_pool_size={PoolSize}\nquery_wait_timeout=0\nserver_login_retry=0\nserver_idle_timeout=0\nquery_wait_notify=0", loops: threads);
        var workers = new Worker[threads];
        for (var i = 0; i < threads; i++) workers[i] = new Worker(bench.Pool, workers, (byte)i, new Random(seed * 100 + i));
        var running = workers.Select(worker => new Thread(() => worker.Run())).ToList();
        running.ForEach(thread => thread.Start());
        running.ForEach(thread => thread.Join());
        Assert.Empty(workers.SelectMany(worker => worker.Problems));

        while (workers.Any(worker => worker.Settle()))
        {
        }
        Assert.Empty(workers.SelectMany(worker => worker.Problems));
        var counts = bench.Pool.Counts;
        Assert.Equal((0, 0, 0, 0), (counts.Clients, counts.Waiting, counts.Active, counts.Login));
        Assert.Equal(workers.Sum(worker => worker.OpenCount), counts.Servers);
        Assert.Equal(counts.Servers, counts.Idle);
        Assert.Equal(counts.Servers, bench.Pool.Database.Servers.Count);
        Assert.Equal(counts.Servers, bench.Pool.User.Servers.Count);
        Assert.InRange(counts.Servers, 0, PoolSize);
        Assert.All(workers,
            worker =>
            Assert.True(worker.HeldCount > HoldsTotal / 1000
            && worker.AdoptedCount > 100, $"held {worker.HeldCount}, adopted {worker.AdoptedCount}"));
    }

    private sealed class Client(byte loop) : PoolClient(loop, 0)
    {
        public Server? Server { get; set; }
    }

    private sealed class Server(Pool pool, byte loop) : PooledServer(pool, loop, 0)
    {
        private Client? _holder;

        public bool IsClosed { get; set; }

        /// <returns>False when somebody has it already.</returns>
        public bool TryHold(Client client) => Interlocked.CompareExchange(ref _holder, client, null) is null;

        public bool TryLetGo(Client client) => Interlocked.CompareExchange(ref _holder, null, client) == client;
    }

    private sealed class Worker : IPoolHost
    {
        private readonly Pool _pool;
        private readonly Worker[] _workers;
        private readonly Random _random;
        private readonly Mailbox _mailbox = new();
        private readonly Queue<PoolEffect> _effects = new();
        private readonly List<Client> _clients = [];
        private PoolOperation? _spare;
        private int _heldCount;

        public Worker(Pool pool, Worker[] workers, byte loop, Random random)
        {
            _pool = pool;
            _workers = workers;
            _random = random;
            Loop = loop;
        }

        public List<string> Problems { get; } = [];

        /// <summary>Servers that clients of this worker got, and how many of them came from another loop.</summary>
        public int HeldCount => _heldCount;
        public int AdoptedCount { get; private set; }

        /// <summary>Servers opened here, less those closed here.</summary>
        public int OpenCount { get; private set; }

        public byte Loop { get; }

        public long NowUs { get; private set; } = 1_000_000;

        public void Add(in PoolEffect effect) => _effects.Enqueue(effect);

        public PoolOperation Rent()
        {
            var operation = _spare ?? new PoolOperation();
            _spare = operation.NextSpare;
            operation.NextSpare = null;
            return operation;
        }

        public void Return(PoolOperation operation)
        {
            operation.NextSpare = _spare;
            _spare = operation;
        }

        public void SetTimer(Pool pool, long atUs)
        {
            // The worker looks at the pool all the time.
        }

        public void OnFailed(Exception failure, PoolClient? client, PooledServer? server) => Problems.Add(failure.ToString());

        private void Expect(bool condition, string text)
        {
            if (!condition && Problems.Count < 10) Problems.Add(text);
        }

        public void Run()
        {
            try
            {
                for (var round = 0; HeldByAll < HoldsTotal && round < RoundsMost; round++) Act(round);
                while (_clients.Count > 0 || _workers.Any(worker => worker._isStillAtWork)) Finish();
            }
            catch (CheckFailedException e)
            {
                Problems.Add(e.ToString());
            }
            _isStillAtWork = false;
        }

        private volatile bool _isStillAtWork = true;

        private int HeldByAll
        {
            get
            {
                var sum = 0;
                // Pairs: Hold; a stale sum only costs a round.
                foreach (var worker in _workers) sum += Volatile.Read(ref worker._heldCount);
                return sum;
            }
        }

        private void Act(int round)
        {
            NowUs++;
            ReadMail();
            if (round % 997 == 0) _pool.Tick(this);
            if (round % 1013 == 0) _pool.Evict(this);
            if (_clients.Count < ClientsPerThread) Join();
            var client = _clients[_random.Next(_clients.Count)];
            if (client.Server is not null) LetGo(client);
            else if (client.State == ClientState.Active && _random.Next(20) > 0) Acquire(client);
            else if (_random.Next(200) == 0) Leave(client); // From the queue, too, and while a server is on its way.
            RunEffects();
            if (round % 64 == 0 && _mailbox.IsEmpty) Thread.Yield(); // Threads outnumber cores: who waits makes way.
        }

        /// <summary>No new work: who waits is to be served, and leaves after that.</summary>
        private void Finish()
        {
            NowUs++;
            ReadMail();
            for (var i = _clients.Count - 1; i >= 0; i--)
            {
                var client = _clients[i];
                if (client.Server is not null) LetGo(client);
                else if (client.State == ClientState.Active) Leave(client);
            }
            if (NowUs % 100 == 0) _pool.Tick(this);
            RunEffects();
            if (_clients.Count == 0) _isStillAtWork = false;
            Thread.Yield();
        }

        /// <summary>When no thread runs any more: what is still on its way.</summary>
        public bool Settle()
        {
            var hadWork = !_mailbox.IsEmpty || _effects.Count > 0;
            ReadMail();
            RunEffects();
            return hadWork;
        }

        private void Join()
        {
            var client = new Client(Loop) { State = ClientState.Active };
            _clients.Add(client);
            _pool.Join(client, this);
        }

        private void Acquire(Client client)
        {
            client.WaitStartUs = NowUs;
            if (_pool.Acquire(client, this) is not Server server)
            {
                client.State = ClientState.Waiting;
                return;
            }
            Expect(server.Loop == Loop, "a server of another loop was returned");
            Hold(client, server);
        }

        private void Leave(Client client)
        {
            client.State = ClientState.Closed;
            _clients.Remove(client);
            _pool.Leave(client, this);
        }

        private void Hold(Client client, Server server)
        {
            Expect(server.TryHold(client), "a server was given to two clients");
            Expect(!server.IsClosed, "a closed server was given to a client");
            Volatile.Write(ref _heldCount, _heldCount + 1);
            client.Server = server;
            client.State = ClientState.Active;
        }

        private void LetGo(Client client)
        {
            var server = client.Server!;
            client.Server = null;
            Expect(server.TryLetGo(client), "a server was not its holder's");
            if (_random.Next(100) == 0)
            {
                Close(server);
                return;
            }
            server.LastActivityUs = NowUs;
            if (_random.Next(2) == 0) _pool.BeginTest(server, this);
            _pool.Return(server, this);
        }

        private void Close(Server server)
        {
            if (server.IsClosed) return;
            server.IsClosed = true;
            OpenCount--;
            _pool.Remove(server, this);
        }

        private void ReadMail()
        {
            var letters = _mailbox.TakeAll();
            while (letters is not null)
            {
                RunErrand((Server)Mailbox.Pop(ref letters));
                RunEffects();
            }
            RunEffects();
        }

        private void RunEffects()
        {
            while (_effects.TryDequeue(out var effect)) Run(effect);
        }

        private void Run(in PoolEffect effect)
        {
            switch (effect.Kind)
            {
                case PoolEffectKind.Grant: Grant((Client)effect.Client!, (Server)effect.Server!); break;
                case PoolEffectKind.Dial: Dial(); break;
                case PoolEffectKind.Close: Send((Server)effect.Server!, ServerEvent.Close, null); break;
                case PoolEffectKind.RunCheck: Send((Server)effect.Server!, ServerEvent.Check, null); break;
                case PoolEffectKind.Refuse: Problems.Add("a client was refused"); break;
            }
        }

        private void Dial()
        {
            OpenCount++;
            var server = new Server(_pool, Loop) { LastActivityUs = NowUs };
            _pool.LoginDone(server, this);
        }

        private void Grant(Client client, Server server)
        {
            if (client.Loop == Loop && server.Loop == Loop) Deliver(client, server);
            else if (server.Loop == Loop) HandOver(client, server);
            else Send(server, ServerEvent.Leave, client);
        }

        private void Send(Server server, ServerEvent errand, Client? client)
        {
            server.Errand = errand;
            server.ErrandClient = client;
            if (server.Loop == Loop) RunErrand(server);
            else _workers[server.Loop]._mailbox.Post(server);
        }

        private void RunErrand(Server server)
        {
            var client = (Client?)server.ErrandClient;
            var errand = server.Errand;
            server.Errand = ServerEvent.None;
            server.ErrandClient = null;
            switch (errand)
            {
                case ServerEvent.Leave: HandOver(client!, server); break;
                case ServerEvent.Arrive:
                    OpenCount++;
                    AdoptedCount++;
                    _pool.Arrived(server, this);
                    Deliver(client!, server);
                    break;
                case ServerEvent.Check: _pool.Return(server, this); break;
                case ServerEvent.Close: Close(server); break;
            }
        }

        private void HandOver(Client client, Server server)
        {
            if (server.IsClosed) return;
            if (client.Loop == Loop)
            {
                _pool.Arrived(server, this);
                Deliver(client, server);
                return;
            }
            if (_random.Next(200) == 0)
            {
                Close(server); // Dies on the way: the client must come back to the head of the queue.
                return;
            }
            OpenCount--;
            server.Loop = client.Loop;
            server.Errand = ServerEvent.Arrive;
            server.ErrandClient = client;
            _workers[client.Loop]._mailbox.Post(server);
        }

        private void Deliver(Client client, Server server)
        {
            if (client.State == ClientState.Waiting) Hold(client, server);
            else _pool.Return(server, this);
        }
    }
}
