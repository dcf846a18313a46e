using FastPool.Core.Auth;
using FastPool.Native;

namespace FastPool.Net;

/// <summary>
/// Threads that may wait for PAM or for LDAP while the loops go on: a few for each, started with the first logins that need
/// them. One that hangs for a client which has given up does not count as one of the few, so that a directory that hangs for
/// some does not hold up the others for long. A login that finds the queue full is refused at once.
/// </summary>
internal sealed class PasswordChecker(string name, Func<PasswordCheck, bool> check)
{
    internal const int ThreadsMax = 8;
    internal const int QueueMax = 64;
    private const int HangingThreadsMax = 64;
    private const int StackBytes = 512 * 1024;

    private readonly object _gate = new(); // Of the kind that can be waited on.
    private readonly Queue<(PasswordCheck Check, Action Answer)> _waiting = new();
    private readonly List<PasswordCheck> _running = [];
    private int _threads;
    private int _idle;

    internal static PasswordChecker ForPam() =>
        new("PAM", static check => Pam.Check("pgbouncer", check.User, check.Password, check.Host, check.Warnings));

    internal static PasswordChecker ForLdap() => new("LDAP", LdapLogin.Check);

    /// <summary>Any loop.</summary>
    /// <param name="answer">Called on a thread of ours when the check has its answer.</param>
    /// <returns>False: too many are waiting; the check has its warning.</returns>
    internal bool TryBegin(PasswordCheck request, Action answer)
    {
        lock (_gate)
        {
            if (_waiting.Count >= QueueMax)
            {
                request.Warnings.Add($"{name} queue is full");
                return false;
            }
            _waiting.Enqueue((request, answer));
            Monitor.Pulse(_gate);
        }
        AddThread();
        return true;
    }

    /// <summary>The client has gone: the answer is not waited for. Any loop.</summary>
    internal void Abandon(PasswordCheck request)
    {
        request.IsAbandoned = true;
        AddThread();
    }

    /// <summary>Starts one if a check waits and all that are there are at work.</summary>
    private void AddThread()
    {
        lock (_gate)
        {
            var busy = 0;
            foreach (var running in _running) busy += running.IsAbandoned ? 0 : 1;
            if (_idle >= _waiting.Count || busy + _idle >= ThreadsMax || _threads == HangingThreadsMax) return;
            _threads++;
        }
        new Thread(Work, StackBytes) { Name = name.ToLowerInvariant(), IsBackground = true }.Start();
    }

    private void Work()
    {
        while (TryTake(out var request, out var answer))
        {
            if (!request.IsAbandoned) request.IsRight = check(request);
            lock (_gate) _running.Remove(request);
            answer();
        }
    }

    /// <returns>False: there are more threads than a few, and no check waits.</returns>
    private bool TryTake(out PasswordCheck request, out Action answer)
    {
        lock (_gate)
        {
            _idle++;
            while (_waiting.Count == 0 && _threads <= ThreadsMax) Monitor.Wait(_gate);
            _idle--;
            if (!_waiting.TryDequeue(out var next))
            {
                _threads--;
                (request, answer) = (null!, null!);
                return false;
            }
            (request, answer) = next;
            _running.Add(request);
            return true;
        }
    }
}
