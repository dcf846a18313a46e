using FastPool.Base;
using FastPool.Control.Statistics;
using FastPool.Core.Pools;

namespace FastPool.Control.Listings;

/// <summary>Where listings take their rows from.</summary>
internal sealed record Sources(PoolRegistry Registry, LoopWalk Walk, StatsWindows Stats, LatencyWindows Latency, Clock Clock, IDnsView Dns, ProductView Product);
