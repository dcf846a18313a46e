using System.Diagnostics;
using FastPool.Base;
using FastPool.Bench.Mover;
using FastPool.Core.Pools;

namespace FastPool.Bench;

/// <summary>
/// One pool and 1 to 64 loops that do nothing but take servers and give them back: the rate at which the pool's turn saturates.
/// <see cref="ScalingLaw"/> is the law that it follows.
/// </summary>
/// <remarks>
/// Each loop is a thread with two clients. Up to the number of cores the curve shows what contention costs. Beyond it the kernel
/// has the threads take turns, and it shows what a thread costs that loses its core in the midst of the pool's turn.
/// </remarks>
internal static class PoolCurve
{
    internal static readonly int[] LoopCounts = [1, 2, 4, 8, 16, 32, 64];

    private static readonly (string Name, double ServersPerLoop)[] _cases =
        [("a server for each client: nobody waits", 2), ("a server for four clients: most wait", 0.5)];

    /// <param name="output">Gets a table as Markdown.</param>
    /// <param name="seconds">Length of one run.</param>
    public static int Run(TextWriter output, double seconds)
    {
        output.WriteLine(FormattableString.Invariant(
            $"{Environment.ProcessorCount} cores, {seconds} s a run; one operation is a take or a return"));
        foreach (var (name, serversPerLoop) in _cases)
        {
            output.WriteLine();
            output.WriteLine($"| loops ({name}) | million operations/s | moves between loops per 1,000 takes | USL |");
            output.WriteLine("|---:|---:|---:|---:|");
            var points = new List<(int Loops, double Rate, double Moves)>();
            foreach (var loops in LoopCounts)
            {
                var point = Measure(loops, Math.Max(1, (int)(loops * serversPerLoop)), seconds);
                points.Add((loops, point.Rate, point.Moves));
            }
            var law = ScalingLaw.Fit(points.Select(static point => (point.Loops, point.Rate)).ToList());
            foreach (var (loops, rate, moves) in points)
            {
                output.WriteLine(FormattableString.Invariant(
                    $"| {loops} | {rate / 1e6:F2} | {moves:F1} | {law.At(loops) / 1e6:F2} |"));
            }
            output.WriteLine();
            output.WriteLine(FormattableString.Invariant($"contention {law.Contention:F4}, coherence {law.Coherence:F6}"));
        }
        return 0;
    }

    internal static (double Rate, double Moves) Measure(int loops, int servers, double seconds)
    {
        var pool = BenchPool.Create(loops, servers);
        var (workers, common) = (new Worker[loops], Stopwatch.StartNew());
        for (var i = 0; i < loops; i++) workers[i] = new Worker(pool, workers, (byte)i, common);
        var threads = workers.Select(static worker => new Thread(worker.Run)).ToList();
        threads.ForEach(static thread => thread.Start());
        Thread.Sleep(TimeSpan.FromSeconds(seconds / 4)); // All servers are open, and where they like to be.
        var (before, moved, clock) = (Sum(workers), Moves(workers), Stopwatch.StartNew());
        Thread.Sleep(TimeSpan.FromSeconds(seconds));
        var (after, movedThen, elapsed) = (Sum(workers), Moves(workers), clock.Elapsed);
        foreach (var worker in workers) worker.Stop();
        threads.ForEach(static thread => thread.Join());
        var takes = after - before;
        return (2 * takes / elapsed.TotalSeconds, 1000.0 * (movedThen - moved) / Math.Max(1, takes));
    }

    private static long Moves(Worker[] workers) => workers.Sum(static worker => worker.Adopted);

    private static long Sum(Worker[] workers) => workers.Sum(static worker => worker.Taken);

    private sealed class Client(byte loop) : PoolClient(loop, 0)
    {
        public Server? Server { get; set; }
    }

    private sealed class Server(Pool pool, byte loop) : PooledServer(pool, loop, 0);

    /// <summary>One loop: it carries out what the pool decides, as a loop does, and nothing else.</summary>
    private sealed class Worker(Pool pool, Worker[] workers, byte loop, Stopwatch clock) : BenchLoop(loop)
    {
        private readonly Mailbox _mailbox = new();
        private readonly Client[] _clients = [new(loop), new(loop)];
        private PoolOperation? _spare;
        private const uint TurnsPerClock = 16; // To read it costs as much as an operation, and it counts in steps of 2 ms.

        private uint _turns;
        private long _nowUs;
        private long _taken, _adopted;
        private volatile bool _mustStop;

        public long Taken => Volatile.Read(ref _taken);

        public long Adopted => Volatile.Read(ref _adopted);

        public override long NowUs => _nowUs;

        public override PoolOperation Rent()
        {
            var operation = _spare ?? new PoolOperation();
            _spare = operation.NextSpare;
            operation.NextSpare = null;
            return operation;
        }

        public override void Return(PoolOperation operation)
        {
            operation.NextSpare = _spare;
            _spare = operation;
        }

        public void Stop() => _mustStop = true;

        public void Run()
        {
            ReadClock();
            foreach (var client in _clients)
            {
                client.State = ClientState.Active;
                pool.Join(client, this);
            }
            while (!_mustStop)
            {
                if (++_turns % TurnsPerClock == 0) ReadClock();
                for (var letters = _mailbox.TakeAll(); letters is not null;) RunErrand((Server)Mailbox.Pop(ref letters));
                RunEffects();
                var isBusy = false;
                foreach (var client in _clients)
                {
                    if (client.Server is { } server)
                    {
                        client.Server = null;
                        server.LastActivityUs = NowUs;
                        pool.Return(server, this);
                    }
                    else if (client.State == ClientState.Active)
                    {
                        client.WaitStartUs = NowUs;
                        if (pool.Acquire(client, this) is Server taken) Hold(client, taken);
                        else client.State = ClientState.Waiting;
                    }
                    else continue;
                    isBusy = true;
                    RunEffects();
                }
                if (!isBusy) Thread.Yield(); // All wait: a loop would sleep.
            }
        }

        /// <summary>One clock for all: by clocks of their own one loop's clients would always have come first.</summary>
        private void ReadClock() => _nowUs = 1_000_000 + (long)clock.Elapsed.TotalMicroseconds;

        private void Hold(Client client, Server server)
        {
            client.State = ClientState.Active;
            client.Server = server;
            Volatile.Write(ref _taken, _taken + 1);
        }

        private void RunEffects()
        {
            while (Effects.TryDequeue(out var effect))
            {
                switch (effect.Kind)
                {
                    case PoolEffectKind.Dial:
                        pool.LoginDone(new Server(pool, Loop) { LastActivityUs = NowUs }, this);
                        break;
                    case PoolEffectKind.Grant:
                        var (client, server) = ((Client)effect.Client!, (Server)effect.Server!);
                        if (client.Loop == Loop && server.Loop == Loop) Hold(client, server);
                        else if (server.Loop == Loop) HandOver(client, server);
                        else Send(server, server.Loop, ServerEvent.Leave, client);
                        break;
                }
            }
        }

        private static void Post(Worker to, Server server) => to._mailbox.Post(server);

        private void Send(Server server, byte to, ServerEvent errand, Client client)
        {
            (server.Errand, server.ErrandClient) = (errand, client);
            Post(workers[to], server);
        }

        private void RunErrand(Server server)
        {
            var client = (Client)server.ErrandClient!;
            var errand = server.Errand;
            (server.Errand, server.ErrandClient) = (ServerEvent.None, null);
            if (errand == ServerEvent.Leave)
            {
                HandOver(client, server);
                return;
            }
            Volatile.Write(ref _adopted, _adopted + 1);
            pool.Arrived(server, this);
            Hold(client, server);
        }

        private void HandOver(Client client, Server server)
        {
            if (client.Loop == Loop)
            {
                pool.Arrived(server, this);
                Hold(client, server);
                return;
            }
            server.Loop = client.Loop;
            Send(server, client.Loop, ServerEvent.Arrive, client);
        }
    }
}
