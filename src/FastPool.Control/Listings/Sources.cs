using FastPool.Base;
using FastPool.Control.Answers;
using FastPool.Control.Handover;
using FastPool.Control.Operations;
using FastPool.Control.Statistics;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Control.Listings;

/// <summary>Where listings take their rows from.</summary>
internal sealed record Sources(PoolRegistry Registry, LoopWalk Walk, StatsWindows Stats, LatencyWindows Latency, Clock Clock,
    IDnsView Dns, ProductView Product, IProcessControl Process, HandoverSecrets Secrets, StatementTable Statements);
