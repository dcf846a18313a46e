using BenchmarkDotNet.Attributes;
using FastPool.Control;
using FastPool.Control.Listings;
using FastPool.Control.Operations;
using FastPool.Core.Sessions;
using FastPool.Simulation.Worlds;

namespace FastPool.Bench;

/// <summary>
/// The time for which SHOW CLIENTS stops a loop that has 40,000 clients. Each of these is one visit, after which the
/// loop does its own work. None may take a millisecond.
/// </summary>
[MemoryDiagnoser]
public class ListingBenchmarks
{
    private ILoopView _view = null!;
    private ClientSession[] _clients = null!;
    private readonly ConnectionRow[] _rows = new ConnectionRow[LoopWalk.SliceMax];
    private readonly List<long> _keys = new(LoopWalk.SliceMax);

    /// <summary>All on one loop. A smoke run, which sets no parameters, has enough of a few.</summary>
    [Params(40_000)]
    public int ClientCount { get; set; } = LoopWalk.SliceMax;

    [GlobalSetup]
    public void SetUp()
    {
        var path = new TransactionPath(ClientCount + 1);
        for (var i = 0; i < ClientCount; i++) path.LogIn();
        _view = path.View;
        _clients = [.. _view.Clients];
    }

    /// <summary>The first visit: who is there.</summary>
    [Benchmark]
    [MayAllocate("the copy is the list that the console's thread reads afterwards")]
    public int Copy() => ((ISnapshotList<ClientSession>)_view.Clients).Snapshot().Count;

    /// <summary>A visit of the first pass: where each stands.</summary>
    [Benchmark]
    public int Keys()
    {
        _keys.Clear();
        for (var i = 0; i < LoopWalk.SliceMax; i++) _keys.Add(_clients[i].Id + (int)ConnectionRow.PlaceOf(_clients[i]));
        return _keys.Count;
    }

    /// <summary>A visit of the second pass: a slice of rows.</summary>
    [Benchmark]
    [MayAllocate("a row is an object, which the console's thread reads afterwards")]
    public int Rows()
    {
        for (var i = 0; i < _rows.Length; i++)
            _rows[i] = ConnectionRow.Of(_clients[i * (ClientCount / LoopWalk.SliceMax)], _view.NowUs);
        return _rows.Length;
    }
}
