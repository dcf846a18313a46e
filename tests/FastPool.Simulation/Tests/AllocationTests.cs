using FastPool.Simulation.Network;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>A transaction that has everything at hand costs no memory. The peers are bytes made beforehand.</summary>
public sealed class AllocationTests
{
    private const int WarmUps = 500;
    private const int Transactions = 10_000;

    private readonly TransactionPath _path = new();

    [Fact]
    public void A_simple_query_costs_no_memory() =>
        Run([_path.LogIn()], TransactionPath.SimpleQuery(), TransactionPath.SimpleReply());

    [Fact]
    public void An_unnamed_extended_query_costs_no_memory() =>
        Run([_path.LogIn()], TransactionPath.ExtendedQuery(), TransactionPath.ExtendedReply());

    [Fact]
    public void A_prepared_query_costs_no_memory()
    {
        var client = _path.LogIn();
        _path.Transact([client], TransactionPath.Preparation(), TransactionPath.Reply('1', 'Z'), TransactionPath.Renaming);
        Run([client], TransactionPath.PreparedQuery(), TransactionPath.PreparedReply(), TransactionPath.Renaming);
    }

    [Fact]
    public void Waiting_for_a_server_costs_no_memory() =>
        Run([_path.LogIn(), _path.LogIn(), _path.LogIn()], TransactionPath.SimpleQuery(), TransactionPath.SimpleReply());

    [Fact]
    public void TLS_costs_no_memory()
    {
        var path = new TransactionPath(hasTls: true);
        MemorySocket[] clients = [path.LogIn(), path.LogIn(), path.LogIn()];
        Assert.Equal((3, 0), path.View.TlsCounts);
        Run(clients, TransactionPath.ExtendedQuery(), TransactionPath.ExtendedReply(), path: path);
    }

    private void Run(MemorySocket[] clients, byte[] query, byte[] reply, int longer = 0, TransactionPath? path = null)
    {
        path ??= _path;
        for (var i = 0; i < WarmUps; i++) path.Transact(clients, query, reply, longer);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Transactions; i++) path.Transact(clients, query, reply, longer);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
