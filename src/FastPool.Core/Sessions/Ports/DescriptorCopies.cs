namespace FastPool.Core.Sessions;

/// <summary>Second descriptors of open sockets, as the kernel makes them. Any thread.</summary>
public interface IDescriptorSource
{
    /// <summary>A descriptor more for the same socket, which no child inherits.</summary>
    /// <returns>It, or the negated errno.</returns>
    int TryDuplicate(int descriptor);

    void Close(int descriptor);

    string ErrorText(int errno);
}

/// <summary>
/// The descriptors that an answer of the console brings along. They are copies: a number alone may stand for another socket by
/// the time it is sent. Each is made on the loop of its connection, while it is certain what the number stands for. The last
/// owner of the answer disposes of them, sent or not.
/// </summary>
public sealed class DescriptorCopies(IDescriptorSource source) : IDisposable
{
    private readonly List<int> _copies = [];

    /// <summary>Why not all could be made, such as the limit of open files; null: they could.</summary>
    public string? Problem { get; private set; }

    /// <summary>One visit at a time, each to the loop of what is copied.</summary>
    /// <param name="descriptor">Negative: the connection has no socket now.</param>
    /// <returns>The copy, or -1.</returns>
    public int Add(int descriptor)
    {
        if (descriptor < 0 || Problem is not null) return -1;
        var copy = source.TryDuplicate(descriptor);
        if (copy < 0)
        {
            Problem = source.ErrorText(-copy);
            return -1;
        }
        _copies.Add(copy);
        return copy;
    }

    public void Dispose()
    {
        lock (_copies)
        {
            foreach (var copy in _copies) source.Close(copy);
            _copies.Clear(); // A number that is closed twice may be another socket's by then.
        }
    }
}
