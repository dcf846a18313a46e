using System.Diagnostics;
using FastPool.Base;
using FastPool.Bench.Mover;
using FastPool.Core.Pools;
using FastPool.Native;

namespace FastPool.Bench;

/// <summary>
/// Measures on this machine the prices that the model of the mover reckons with. Two threads need two cores that do nothing else.
/// </summary>
internal sealed class MoverMeter
{
    private const int Rounds = 20_000;
    private const int LoopsMax = 64;

    /// <summary>Two threads raise one word as fast as they can: each of the two has it so often.</summary>
    public double Bouncing { get; private set; }

    /// <summary>A letter to a loop that sleeps, from the post until it is read.</summary>
    public double LetterToSleeper { get; private set; }

    public MoverCosts Measure()
    {
        var atomic = Atomic();
        var transfer = HalfRound(new Lockstep());
        Bouncing = Bounce();
        var (one, many) = (Alone(1), Alone(LoopsMax));
        var beside = BesideAnother();
        var (calm, next) = (beside[(int)Disturbance.None], beside[(int)Disturbance.OneLoop]);
        var (all, foreign) = (beside[(int)Disturbance.AllLoops], beside[(int)Disturbance.SameLoop]);
        var scanCold = Math.Max(0, (all - next) / (LoopsMax - 2));
        var coldPool = Math.Max(0, next - calm - transfer - scanCold);
        var letter = LetterNs();
        var signal = SignalNs();
        LetterToSleeper = SleeperNs();
        var (detach, attach) = MoveNs();
        return new MoverCosts
        {
            Operation = Math.Max(0, one - 2 * atomic),
            Waiting = Math.Max(0, WaitingNs() - 2 * atomic),
            ScanWarm = Math.Max(0, (many - one) / (LoopsMax - 1)),
            ScanCold = scanCold,
            ColdPool = coldPool,
            ColdObject = Math.Max(0, foreign - calm - transfer - coldPool),
            Atomic = atomic,
            Transfer = transfer,
            LoopTurn = LoopTurnNs(),
            Letter = letter,
            Signal = signal,
            WakeUp = Math.Max(0, LetterToSleeper - signal),
            Detach = detach,
            Attach = attach,
        };
    }

    /// <summary>The median of some runs of so many operations, of one.</summary>
    private static double PerOperation(int count, Action<int> run)
    {
        run(count); // The second time it is compiled for speed.
        Thread.Sleep(200);
        run(count);
        return Median(Enumerable.Range(0, 9).Select(_ =>
        {
            var start = Stopwatch.GetTimestamp();
            run(count);
            return NsBetween(start, Stopwatch.GetTimestamp()) / count;
        }));
    }

    /// <summary>A TimeSpan counts in steps of 100 ns, which is too coarse here.</summary>
    private static double NsBetween(long start, long end) => (end - start) * 1e9 / Stopwatch.Frequency;

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }

    private static void Beside(Action other, Action mine)
    {
        var thread = new Thread(() => other());
        thread.Start();
        mine();
        thread.Join();
    }

    private static double Atomic()
    {
        var word = 0;
        return PerOperation(1_000_000, count =>
        {
            for (var i = 0; i < count; i++) Interlocked.CompareExchange(ref word, i, i - 1);
        });
    }

    private static double HalfRound(Lockstep step) => PerOperation(100_000, count => Beside(
        () =>
        {
            for (var i = 0; i < count; i++)
            {
                step.Await(1);
                step.Give(0);
            }
        },
        () =>
        {
            for (var i = 0; i < count; i++)
            {
                step.Give(1);
                step.Await(0);
            }
        })) / 2;

    private static double Bounce()
    {
        var word = new Lockstep();
        return PerOperation(1_000_000, count =>
        {
            void Raise()
            {
                for (var i = 0; i < count; i++) word.Add();
            }
            Beside(Raise, Raise);
        }) / 2;
    }

    // ---- the pool ---------------------------------------------------------------------------------------------------

    /// <summary>A take or a return on the only loop that does anything, each other one has an idle server.</summary>
    private static double Alone(int loops)
    {
        var ends = MeterLoop.Create(loops);
        return PerOperation(300_000, count =>
        {
            for (var i = 0; i < count; i++) ends[0].TakeAndReturn();
        }) / 2;
    }

    /// <summary>Two clients and one server: each take is queued, each return serves it.</summary>
    private static double WaitingNs()
    {
        var ends = MeterLoop.Create(1)[0];
        ends.Take(0);
        return PerOperation(300_000, count =>
        {
            for (var i = 0; i < count; i++) ends.WaitAndPass(i & 1);
        }) / 2;
    }

    /// <summary>A take and a return after the other thread has done such work; all kinds by turns, under one weather.</summary>
    private static double[] BesideAnother()
    {
        const int Kinds = 4, Runs = 6, RunsUntilFast = 2;
        var ends = MeterLoop.Create(LoopsMax);
        var step = new Lockstep();
        var samples = Enumerable.Range(0, Kinds).Select(static _ => new List<double>()).ToArray();
        for (var run = 0; run < Runs; run++)
        {
            var isFast = run >= RunsUntilFast;
            Beside(
                () =>
                {
                    for (var i = 0; i < Rounds; i++)
                    {
                        step.Await(1);
                        Disturb(ends, (Disturbance)(i % Kinds));
                        step.Give(0);
                    }
                },
                () =>
                {
                    for (var i = 0; i < Rounds; i++)
                    {
                        step.Give(1);
                        step.Await(0);
                        var start = Stopwatch.GetTimestamp();
                        ends[0].TakeAndReturn();
                        var ns = NsBetween(start, Stopwatch.GetTimestamp());
                        if (isFast) samples[i % Kinds].Add(ns);
                    }
                });
            Thread.Sleep(200);
        }
        return samples.Select(Median).ToArray();
    }

    private enum Disturbance
    {
        None,
        OneLoop,
        AllLoops,
        SameLoop,
    }

    private static void Disturb(MeterLoop[] ends, Disturbance what)
    {
        switch (what)
        {
            case Disturbance.OneLoop:
                ends[1].TakeAndReturn();
                break;
            case Disturbance.AllLoops:
                for (var other = 1; other < ends.Length; other++) ends[other].TakeAndReturn();
                break;
            case Disturbance.SameLoop:
                ends[0].TakeAndReturn();
                break;
        }
    }

    // ---- letters, moves ---------------------------------------------------------------------------------------------

    private sealed class MeterLetter : Letter;

    private static void ReadOne(Mailbox mailbox)
    {
        Letter? letters;
        do letters = mailbox.TakeAll();
        while (letters is null);
        Mailbox.Pop(ref letters);
    }

    private static double LetterNs()
    {
        var (there, back, letter) = (new Mailbox(), new Mailbox(), new MeterLetter());
        return PerOperation(50_000, count => Beside(
            () =>
            {
                for (var i = 0; i < count; i++)
                {
                    ReadOne(there);
                    back.Post(letter);
                }
            },
            () =>
            {
                for (var i = 0; i < count; i++)
                {
                    there.Post(letter);
                    ReadOne(back);
                }
            })) / 2;
    }

    private static double LoopTurnNs()
    {
        var (mailbox, effects) = (new Mailbox(), new Queue<PoolEffect>());
        return PerOperation(1_000_000, count =>
        {
            for (var i = 0; i < count; i++)
            {
                if (mailbox.TakeAll() is null) effects.TryDequeue(out _);
            }
        });
    }

    private static double SignalNs()
    {
        using var wakeUp = new WakeUp();
        return PerOperation(20_000, count =>
        {
            for (var i = 0; i < count; i++) wakeUp.Signal();
        });
    }

    private static double SleeperNs()
    {
        using var here = new Sleeper();
        using var there = new Sleeper();
        var letter = new MeterLetter();
        return PerOperation(5_000, count => Beside(
            () =>
            {
                for (var i = 0; i < count; i++)
                {
                    there.Await();
                    here.Post(letter);
                }
            },
            () =>
            {
                for (var i = 0; i < count; i++)
                {
                    there.Post(letter);
                    here.Await();
                }
            })) / 2;
    }

    private static (double Detach, double Attach) MoveNs()
    {
        using var set = new EpollSet(16);
        using var descriptor = new WakeUp();
        var attach = new List<double>();
        var detach = new List<double>();
        for (var i = 0; i < Rounds; i++)
        {
            var start = Stopwatch.GetTimestamp();
            set.TryAdd(descriptor.Fd, Readiness.In | Readiness.EdgeTriggered, 1);
            var between = Stopwatch.GetTimestamp();
            set.Remove(descriptor.Fd);
            detach.Add(NsBetween(between, Stopwatch.GetTimestamp()));
            attach.Add(NsBetween(start, between));
        }
        return (Median(detach), Median(attach));
    }

    /// <summary>A mailbox whose reader sleeps in epoll_wait, as a loop does.</summary>
    private sealed class Sleeper : IDisposable
    {
        private readonly Mailbox _mailbox = new();
        private readonly EpollSet _set = new(16);
        private readonly WakeUp _wakeUp = new();

        public Sleeper() => _set.TryAdd(_wakeUp.Fd, Readiness.In | Readiness.EdgeTriggered, 1);

        public void Post(Letter letter)
        {
            if (_mailbox.Post(letter)) _wakeUp.Signal();
        }

        public void Await()
        {
            while (true)
            {
                var letters = _mailbox.TakeAll();
                if (letters is not null)
                {
                    Mailbox.Pop(ref letters);
                    return;
                }
                if (_mailbox.TryFallAsleep()) _set.Wait(-1);
                _mailbox.WakeUp();
            }
        }

        public void Dispose()
        {
            _set.Dispose();
            _wakeUp.Dispose();
        }
    }
}
