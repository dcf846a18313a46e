namespace FastPool.Net;

/// <summary>Logins of one loop that have failed and are told so a little later, in the order of their times.</summary>
/// <param name="tell">Closes the client; must not throw.</param>
internal sealed class Refusals<TClient>(Action<TClient> tell)
{
    private readonly PriorityQueue<TClient, long> _waiting = new();

    /// <summary>When the next one is due; <see cref="long.MaxValue"/>: none waits.</summary>
    internal long NextUs => _waiting.TryPeek(out _, out var dueUs) ? dueUs : long.MaxValue;

    internal void Add(TClient client, long dueUs) => _waiting.Enqueue(client, dueUs);

    /// <summary>Room for many more than wait is given back.</summary>
    internal void GiveBack() => _waiting.TrimExcess();

    internal void Tick(long nowUs)
    {
        while (_waiting.TryPeek(out var client, out var dueUs) && dueUs <= nowUs)
        {
            _waiting.Dequeue();
            tell(client);
        }
    }
}
