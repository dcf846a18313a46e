using FastPool.Base;

namespace FastPool.Core.Pools;

/// <summary>Clients in order of arrival. Who is in it waits; leaving from the middle costs nothing.</summary>
internal sealed class WaitQueue
{
    internal PoolClient? Oldest { get; private set; }
    private PoolClient? _newest;

    internal int Count { get; private set; }

    internal void Add(PoolClient client)
    {
        Check.That(client.Queue is null);
        client.Queue = this;
        client.Older = _newest;
        client.Newer = null;
        if (_newest is null) Oldest = client;
        else _newest.Newer = client;
        _newest = client;
        Count++;
    }

    /// <summary>Back to the head: its server was lost on the way.</summary>
    internal void AddFirst(PoolClient client)
    {
        Check.That(client.Queue is null);
        client.Queue = this;
        client.Older = null;
        client.Newer = Oldest;
        if (Oldest is null) _newest = client;
        else Oldest.Older = client;
        Oldest = client;
        Count++;
    }

    internal void Remove(PoolClient client)
    {
        Check.That(client.Queue == this);
        if (client.Older is null) Oldest = client.Newer;
        else client.Older.Newer = client.Newer;
        if (client.Newer is null) _newest = client.Older;
        else client.Newer.Older = client.Older;
        client.Queue = null;
        client.Newer = client.Older = null;
        Count--;
    }
}

/// <summary>Free servers, the most recently used at the new end.</summary>
internal sealed class ServerList
{
    internal PooledServer? Oldest { get; private set; }
    internal PooledServer? Newest { get; private set; }

    internal int Count { get; private set; }

    internal void Add(PooledServer server)
    {
        Check.That(server.List is null);
        server.List = this;
        server.Older = Newest;
        server.Newer = null;
        if (Newest is null) Oldest = server;
        else Newest.Newer = server;
        Newest = server;
        Count++;
    }

    internal void Remove(PooledServer server)
    {
        Check.That(server.List == this);
        if (server.Older is null) Oldest = server.Newer;
        else server.Older.Newer = server.Newer;
        if (server.Newer is null) Newest = server.Older;
        else server.Newer.Older = server.Older;
        server.List = null;
        server.Newer = server.Older = null;
        Count--;
    }
}
