using FastPool.Core.Auth;
using FastPool.Native;

namespace FastPool.Net;

/// <summary>
/// Threads that may wait for PAM or for LDAP while the loops go on: a few for each, started with the first login that needs
/// them, so that one directory that hangs does not hold up everybody. Who finds the queue full is refused at once.
/// </summary>
internal sealed class PasswordChecker(string name, Func<PasswordCheck, bool> check)
{
    private const int ThreadsMax = 4;
    private const int QueueMax = 64;
    private const int StackBytes = 512 * 1024;

    private readonly object _gate = new(); // Of the kind that can be waited on.
    private readonly Queue<(PasswordCheck Check, Action Answer)> _waiting = new();
    private int _threads;
    private int _idle;

    internal static PasswordChecker ForPam() => new("PAM", static check => Pam.Check("pgbouncer", check.User, check.Password, check.Host, check.Warnings));

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
            if (_idle >= _waiting.Count || _threads == ThreadsMax) return true;
            _threads++;
        }
        new Thread(Work, StackBytes) { Name = name.ToLowerInvariant(), IsBackground = true }.Start();
        return true;
    }

    private void Work()
    {
        while (true)
        {
            var (request, answer) = Take();
            if (!request.IsAbandoned) request.IsRight = check(request);
            answer();
        }
    }

    private (PasswordCheck Check, Action Answer) Take()
    {
        lock (_gate)
        {
            _idle++;
            while (_waiting.Count == 0) Monitor.Wait(_gate);
            _idle--;
            return _waiting.Dequeue();
        }
    }
}
