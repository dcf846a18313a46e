using FastPool.Base;
using Microsoft.Extensions.Logging;

namespace FastPool.Control.Operations;

/// <summary>
/// The one thread of the control plane. Everything in this assembly runs here, one piece of work after the other, but for what
/// is said to be for any thread. So it needs no locks, and it may wait for a loop's answer. Loops never wait for it.
/// </summary>
public sealed class ControlThread : IDisposable
{
    /// <summary>Timers that are due so soon after another one go off with it, so that the thread wakes up once.</summary>
    private const long TogetherUs = 2_000;

    // A monitor: the collections and semaphores that wait spin before they sleep, at each wake-up of an idle process.
    private readonly object _gate = new();
    private readonly Queue<Action> _work = new();
    private bool _isEnding;
    private readonly List<ControlTimer> _timers = [];
    private readonly Clock _clock;
    private readonly ILogger _log;
    private Thread? _thread;

    public ControlThread(Clock clock, ILogger log)
    {
        _clock = clock;
        _log = log;
    }

    /// <summary>Makes a thread of its own the control thread.</summary>
    public void Start()
    {
        Check.That(_thread is null);
        _thread = new Thread(Run) { Name = "control", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Runs the work soon. Any thread; nothing happens once the control plane has ended.</summary>
    public void Post(Action work)
    {
        lock (_gate)
        {
            if (_isEnding) return;
            _work.Enqueue(work);
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Runs the work every period from now on. On this thread, or before <see cref="Start"/>.</summary>
    public ControlTimer Every(long periodUs, Action work)
    {
        Check.That(periodUs > 0);
        var timer = new ControlTimer(_clock.NowUs + periodUs, periodUs, work);
        _timers.Add(timer);
        return timer;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isEnding = true;
            Monitor.Pulse(_gate);
        }
        if (_thread is not null && _thread != Thread.CurrentThread) _thread.Join();
    }

    /// <summary>
    /// Runs the work that is posted and due, on the caller's thread: for a control plane without a thread of its own.
    /// </summary>
    internal void RunPending()
    {
        RunDue();
        while (Next(0) is { } work) Protect(work);
    }

    /// <summary>Makes the caller's thread the control thread, until <see cref="Dispose"/>.</summary>
    public void Run()
    {
        while (!IsOver)
        {
            RunDue();
            if (Next(WaitMs()) is { } work) Protect(work);
        }
    }

    /// <summary>Work that was posted before the end is done.</summary>
    private bool IsOver
    {
        get { lock (_gate) return _isEnding && _work.Count == 0; }
    }

    /// <returns>Null: nothing has come for so long, or nothing will.</returns>
    private Action? Next(int waitMs)
    {
        lock (_gate)
        {
            if (_work.Count == 0 && !_isEnding && waitMs != 0) Monitor.Wait(_gate, waitMs);
            return _work.TryDequeue(out var work) ? work : null;
        }
    }

    /// <summary>
    /// Waits for at most so long, and does what comes meanwhile. On the thread that will be the control thread.
    /// </summary>
    public void Wait(int waitMs)
    {
        if (Next(waitMs) is { } work) Protect(work);
    }

    private void RunDue()
    {
        _timers.RemoveAll(static timer => timer.IsStopped);
        var now = _clock.NowUs;
        if (!_timers.Exists(timer => timer.DueUs <= now)) return;
        foreach (var timer in _timers.ToArray())
        {
            if (timer.IsStopped || timer.DueUs > now + TogetherUs) continue;
            // After a long wait it goes off once, not once a missed period.
            timer.DueUs = Math.Max(timer.DueUs + timer.PeriodUs, now + 1);
            Protect(timer.Work);
        }
    }

    private int WaitMs()
    {
        const int UsPerMs = 1000;
        var due = long.MaxValue;
        foreach (var timer in _timers) due = Math.Min(due, timer.DueUs);
        if (due == long.MaxValue) return Timeout.Infinite;
        return (int)Math.Clamp((due - _clock.NowUs + UsPerMs - 1) / UsPerMs, 0, int.MaxValue);
    }

    /// <summary>One piece of work that fails hurts no other: the next one finds a thread that runs.</summary>
    private void Protect(Action work)
    {
        try
        {
            work();
        }
        catch (Exception failure)
        {
            _log.ControlFailed(failure.Message, failure);
        }
    }
}

/// <summary>Work that comes back until it is stopped.</summary>
public sealed class ControlTimer
{
    internal ControlTimer(long dueUs, long periodUs, Action work)
    {
        DueUs = dueUs;
        PeriodUs = periodUs;
        Work = work;
    }

    internal long DueUs { get; set; }
    internal long PeriodUs { get; }
    internal Action Work { get; }
    internal bool IsStopped { get; private set; }

    public void Stop() => IsStopped = true;
}
