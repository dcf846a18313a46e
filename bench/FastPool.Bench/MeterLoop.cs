using FastPool.Bench.Mover;
using FastPool.Core.Pools;

namespace FastPool.Bench;

/// <summary>A loop with two clients and a server of its own, on which single operations are measured.</summary>
internal sealed class MeterLoop(Pool pool, byte loop) : BenchLoop(loop)
{
    private readonly ModelClient[] _clients = [new(loop), new(loop)];
    private PooledServer? _taken;

    public override long NowUs => 1_000_000;

    /// <summary>So many loops of one pool, with an open server on each.</summary>
    public static MeterLoop[] Create(int loops)
    {
        var pool = BenchPool.Create(loops, loops);
        var ends = new MeterLoop[loops];
        for (var i = 0; i < loops; i++) ends[i] = new MeterLoop(pool, (byte)i);
        foreach (var end in ends) end.Open();
        return ends;
    }

    public void Take(int client) =>
        _taken = pool.Acquire(_clients[client], this) ?? throw new InvalidOperationException("no server is idle");

    public void TakeAndReturn()
    {
        Take(0);
        _taken!.LastActivityUs++;
        pool.Return(_taken, this);
    }

    /// <summary>The other client has the server, this one asks, and gets it with the other's return.</summary>
    public void WaitAndPass(int client)
    {
        if (pool.Acquire(_clients[1 - client], this) is not null || Effects.Count > 0)
            throw new InvalidOperationException("a server is idle");
        _taken!.LastActivityUs++;
        pool.Return(_taken, this);
        _taken = Effects.Dequeue().Server;
    }

    private void Open()
    {
        foreach (var client in _clients) pool.Join(client, this);
        pool.Adopt(new ModelServer(pool, Loop), isLinked: false, this);
    }
}
