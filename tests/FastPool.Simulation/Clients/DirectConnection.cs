using FastPool.Simulation.Postgres;

namespace FastPool.Simulation.Clients;

/// <summary>The model: what this client's bytes would have brought from a PostgreSQL all to itself.</summary>
internal sealed class DirectConnection : IBackendHost
{
    private readonly FakeCluster _cluster;

    /// <param name="canceled">See <see cref="Backend.Canceled"/>.</param>
    internal DirectConnection(FakeCluster cluster, Dictionary<int, int> canceled)
    {
        _cluster = cluster;
        Backend = new Backend(this, cluster.Version) { Canceled = canceled };
    }

    internal Backend Backend { get; }

    internal void Send(ReadOnlySpan<byte> bytes)
    {
        Backend.Input.Add(bytes);
        Backend.Pump();
    }

    public SlowOutcome Outcome(string token) => _cluster.OutcomeOf(token);

    public void OnClient(int client, bool isCopyData)
    {
    }

    public void OnReady(char status)
    {
    }

    public void OnReset()
    {
    }
}
