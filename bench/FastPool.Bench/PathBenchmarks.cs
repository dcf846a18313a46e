using BenchmarkDotNet.Attributes;
using FastPool.Simulation.Network;
using FastPool.Simulation.Worlds;

namespace FastPool.Bench;

/// <summary>
/// A transaction through loop, connections, sessions and pool, with memory in place of sockets: what our own code costs,
/// the copies of the fake sockets included. The Allocated column must say nothing.
/// </summary>
[MemoryDiagnoser]
public class PathBenchmarks
{
    private readonly byte[] _simple = TransactionPath.SimpleQuery();
    private readonly byte[] _simpleReply = TransactionPath.SimpleReply();
    private readonly byte[] _extended = TransactionPath.ExtendedQuery();
    private readonly byte[] _extendedReply = TransactionPath.ExtendedReply();
    private readonly byte[] _prepared = TransactionPath.PreparedQuery();
    private readonly byte[] _preparedReply = TransactionPath.PreparedReply();
    private TransactionPath _path = null!;
    private MemorySocket[] _one = null!;
    private MemorySocket[] _three = null!;

    [GlobalSetup]
    public void SetUp()
    {
        _path = new TransactionPath();
        _one = [_path.LogIn()];
        _three = [_one[0], _path.LogIn(), _path.LogIn()];
        _path.Transact(_one, TransactionPath.Preparation(), TransactionPath.Reply('1', 'Z'), TransactionPath.Renaming);
    }

    [Benchmark]
    public void Simple() => _path.Transact(_one, _simple, _simpleReply);

    [Benchmark]
    public void Extended() => _path.Transact(_one, _extended, _extendedReply);

    [Benchmark]
    public void Prepared() => _path.Transact(_one, _prepared, _preparedReply, TransactionPath.Renaming);

    /// <summary>Three clients, one server: two of three wait.</summary>
    [Benchmark(OperationsPerInvoke = 3)]
    public void Waiting() => _path.Transact(_three, _simple, _simpleReply);
}
