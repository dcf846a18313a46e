namespace FastPool.Core.Pools;

/// <summary>The state that SHOW STATE tells.</summary>
public enum PoolerMode : byte
{
    Active,
    /// <summary>PAUSE: no client gets a server, servers close as they become free.</summary>
    Paused,
    /// <summary>SUSPEND: sockets are parked as soon as their buffers are empty.</summary>
    Suspended,
}

/// <summary>The state that is one for the whole pooler. The control plane writes it, pools read it in their turn.</summary>
public sealed class PoolerState
{
    private byte _mode;
    private bool _isEnding;
    private bool _isFrozen;
    private bool _isRetiring;

    /// <summary>The pooler waits for its servers and then ends: a client that needs one is told so.</summary>
    public bool IsEnding
    {
        get => Volatile.Read(ref _isEnding); // Pairs: the setter, by the shutdown.
        set => Volatile.Write(ref _isEnding, value);
    }

    /// <summary>Servers and waiters stay where they are, because another process is about to take them over.</summary>
    public bool IsFrozen
    {
        get => Volatile.Read(ref _isFrozen); // Pairs: the setter, by the console.
        set => Volatile.Write(ref _isFrozen, value);
    }

    /// <summary>
    /// Another process has gone on in our place: what it could not take comes to its next idle moment here, and nothing new
    /// begins.
    /// </summary>
    public bool IsRetiring
    {
        get => Volatile.Read(ref _isRetiring); // Pairs: the setter, by the console.
        set => Volatile.Write(ref _isRetiring, value);
    }

    public PoolerMode Mode
    {
        get => (PoolerMode)Volatile.Read(ref _mode); // Pairs: the setter, by the console.
        set => Volatile.Write(ref _mode, (byte)value);
    }
}
