using FastPool.Base;
using FastPool.Core.Auth;
using FastPool.Native;

namespace FastPool.Net;

/// <summary>
/// Threads that derive keys from passwords, so that no loop does: half as many as there are cores, which give way to all other
/// work of the machine. Each login waits for one key at most, so the queue is as long as there are logins, and needs no bound of
/// its own.
/// </summary>
internal sealed class KeyDeriver
{
    private const int StackBytes = 256 * 1024;
    private const int Niceness = 10;
    private const int FewWaiting = 64;

    private static readonly int ThreadsMax = Math.Max(1, Environment.ProcessorCount / 2);

    private readonly object _gate = new(); // Of the kind that can be waited on.
    private readonly Queue<(KeyDerivation Derivation, Action Answer)> _waiting = new();
    private int _threads;
    private int _idle;

    /// <summary>Any loop.</summary>
    /// <param name="answer">Called on a thread of ours when the keys are there, or when they were not wanted any more.</param>
    internal void Begin(KeyDerivation derivation, Action answer)
    {
        lock (_gate)
        {
            _waiting.Enqueue((derivation, answer));
            Monitor.Pulse(_gate);
            if (_idle >= _waiting.Count || _threads == ThreadsMax) return;
            _threads++;
        }
        new Thread(Work, StackBytes) { Name = "scram", IsBackground = true }.Start();
    }

    private void Work()
    {
        ThreadNiceness.GiveWay(Niceness);
        while (true)
        {
            var (derivation, answer) = Take();
            try
            {
                derivation.Run();
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // The login finds no keys, and fails: one thread's trouble is no other login's.
            }
            answer();
        }
    }

    private (KeyDerivation Derivation, Action Answer) Take()
    {
        lock (_gate)
        {
            _idle++;
            while (_waiting.Count == 0) Monitor.Wait(_gate);
            _idle--;
            var first = _waiting.Dequeue();
            if (_waiting.Count == 0 && _waiting.Capacity > FewWaiting) _waiting.TrimExcess(); // A crowd has logged in.
            return first;
        }
    }
}
