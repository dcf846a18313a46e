namespace FastPool.Life;

/// <summary>
/// The first thread, once the start is over: it does what must not be done by two at once (signals, reloads, the end) and waits
/// otherwise. Work comes from any thread.
/// </summary>
public sealed class ControlThread
{
    private readonly object _gate = new();
    private readonly Queue<Action> _work = new();

    public void Post(Action work)
    {
        lock (_gate)
        {
            _work.Enqueue(work);
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Works until the process ends, which is itself a piece of work.</summary>
    public void Run()
    {
        while (true) RunOne();
    }

    /// <summary>Waits for one piece of work and does it.</summary>
    internal void RunOne()
    {
        Action? work;
        lock (_gate)
        {
            while (!_work.TryDequeue(out work)) Monitor.Wait(_gate);
        }

        work();
    }
}
