using FastPool.Core.Pools;

namespace FastPool.Bench.Mover;

internal sealed class ModelClient(byte loop) : PoolClient(loop, 0)
{
    public ModelServer? Server { get; set; }

    /// <summary>The time of its next step; infinite while it waits for a server.</summary>
    public double DueNs { get; set; }

    /// <summary>Its last wish for a server.</summary>
    public double AskedNs { get; set; }

    /// <summary>The core that has touched it last.</summary>
    public int LastCore { get; set; } = loop;
}

internal sealed class ModelServer(Pool pool, byte loop) : PooledServer(pool, loop, 0)
{
    /// <summary>The core that has touched it last.</summary>
    public int LastCore { get; set; } = loop;
}

/// <summary>An operation from the first try of its loop until it is run.</summary>
internal sealed class ModelOperation(PoolOperationKind kind, ModelClient? client, ModelServer? server, ModelLoop by,
    double sinceNs)
{
    public PoolOperationKind Kind => kind;

    public ModelClient? Client => client;

    public ModelServer? Server => server;

    public ModelLoop By => by;

    public double SinceNs => sinceNs;

    /// <summary>Another may run it, or its own loop in a later turn: a server comes as an effect.</summary>
    public bool IsLeft { get; set; }

    /// <summary>The server that a take by the loop itself brought.</summary>
    public ModelServer? Taken { get; set; }
}
