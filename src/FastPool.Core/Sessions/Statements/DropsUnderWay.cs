namespace FastPool.Core.Sessions;

/// <summary>
/// Requests of one client that drop statements by name and are not answered: of each the names, in the order of its commands.
/// </summary>
internal sealed class DropsUnderWay
{
    private readonly Queue<Queue<byte[]?>> _requests = new();

    /// <param name="names">Null for a command about a name that is not the pooler's business.</param>
    internal void Add(IEnumerable<byte[]?> names) => _requests.Enqueue(new Queue<byte[]?>(names));

    /// <summary>The next command of the oldest request is through.</summary>
    /// <returns>The name; null: it was not about one of ours.</returns>
    internal byte[]? Pass() => _requests.TryPeek(out var names) && names.TryDequeue(out var name) ? name : null;

    /// <summary>The oldest request is through.</summary>
    /// <returns>How many of its names have not been dropped.</returns>
    internal int End() => _requests.TryDequeue(out var names) ? names.Count(static name => name is not null) : 0;
}
