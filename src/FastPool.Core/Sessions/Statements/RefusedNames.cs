namespace FastPool.Core.Sessions;

/// <summary>The client's names in requests that the server is going to refuse, oldest first.</summary>
internal sealed class RefusedNames
{
    private readonly Queue<byte[]> _names = new();

    /// <summary>Empty: there is none.</summary>
    internal ReadOnlySpan<byte> Oldest => _names.TryPeek(out var name) ? name : default;

    internal void Add(ReadOnlySpan<byte> name) => _names.Enqueue(name.ToArray());

    internal void Take() => _names.TryDequeue(out _);
}
