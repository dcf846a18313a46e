using FastPool.Core.Pools;

namespace FastPool.Control.Operations;

/// <summary>Whether new clients should be sent here. Any thread.</summary>
public sealed class PoolerReadiness(PoolRegistry registry)
{
    private volatile bool _isServing;

    /// <summary>True from the moment the listeners accept to the moment they are closed or handed to another process.</summary>
    public bool IsServing
    {
        get => _isServing;
        set => _isServing = value;
    }

    /// <summary>A PAUSE does not change it: its clients are to wait here.</summary>
    public bool IsReady => Word == "ready";

    /// <summary>
    /// ready, starting, draining (a shutdown waits for clients or servers) or suspended (the sockets are parked).
    /// </summary>
    public string Word =>
        registry.IsShuttingDown ? "draining"
        : registry.State.Mode == PoolerMode.Suspended ? "suspended"
        : IsServing ? "ready"
        : "starting";
}
