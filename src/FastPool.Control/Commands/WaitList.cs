using FastPool.Control.Operations;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Control.Commands;

/// <summary>The event that a console session waits for.</summary>
/// <param name="IsOver">Looked at again and again.</param>
/// <param name="EndsWith">The RESUME that ends the wait without success.</param>
internal sealed record Wait(ConsoleRequest Request, string Tag, Func<bool> IsOver, WaitEnd EndsWith = WaitEnd.Nothing)
{
    /// <summary>The one database it is about; null: all.</summary>
    public Database? Database { get; init; }

    private const long LookPeriodUs = 20_000;

    /// <summary>How often is looked whether it is over.</summary>
    public long PeriodUs { get; init; } = LookPeriodUs;
}

/// <summary>The events that end a wait whose condition can no longer come true.</summary>
internal enum WaitEnd
{
    Nothing,
    /// <summary>PAUSE and SUSPEND of everything.</summary>
    Resume,
    /// <summary>PAUSE of a database.</summary>
    ResumeOfDatabase,
}

/// <summary>
/// Commands that are answered when a condition holds. Each remembers its own condition: another's does not answer it. While no
/// session waits, nothing is looked at.
/// </summary>
internal sealed class WaitList(ControlThread control, Action<ConsoleRequest, string> complete, Action<ConsoleRequest,
    string> fail)
{
    private readonly List<Wait> _waits = [];
    private ControlTimer? _timer;

    public bool IsWaiting(ClientSession client) => _waits.Exists(wait => wait.Request.Client == client);

    /// <summary>Answers at once if the condition holds already.</summary>
    public void Add(Wait wait)
    {
        if (wait.IsOver())
        {
            complete(wait.Request, wait.Tag);
            return;
        }
        _waits.Add(wait);
        if (_timer is { } timer && timer.PeriodUs <= wait.PeriodUs) return;
        _timer?.Stop();
        _timer = control.Every(wait.PeriodUs, Look);
    }

    /// <summary>The client is gone. A SUSPEND goes on parking nevertheless; its answer goes nowhere.</summary>
    public void Forget(ClientSession client) =>
        _waits.RemoveAll(wait => wait.Request.Client == client && wait.EndsWith != WaitEnd.Resume);

    /// <summary>No session is left to be answered.</summary>
    public void Clear() => _waits.Clear();

    /// <summary>Waits whose condition will not come true any more are told so.</summary>
    public void Cancel(Predicate<Wait> isMeant)
    {
        foreach (var wait in _waits.FindAll(isMeant))
        {
            _waits.Remove(wait);
            fail(wait.Request, wait.Tag + " canceled");
        }
    }

    private void Look()
    {
        foreach (var wait in _waits.ToArray())
        {
            if (!wait.IsOver() || !_waits.Remove(wait)) continue;
            complete(wait.Request, wait.Tag);
        }
        if (_waits.Count > 0) return;
        _timer!.Stop();
        _timer = null;
    }
}
