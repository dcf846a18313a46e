using System.Text;
using FastPool.Core.Pools;
using FastPool.Core.Settings;

namespace FastPool.Core.Sessions;

/// <summary>A client on its way from one loop to another: the same session, with what is the loop's exchanged.</summary>
public sealed partial class ClientSession
{
    /// <summary>
    /// Nothing of it is under way: no login, no transaction, no wait, no server, no reply. A client that listens stays, for the
    /// order of what it is told is that of letters to its loop.
    /// </summary>
    public bool MayMove => State == ClientState.Active && Login is null && HasWelcome && !IsConsole && !NeedsOwnServer
        && Link is null && Deferred == DeferredBegin.None && !IsReadingPast && !IsInCopyIn
        && QueryStartUs == 0 && XactStartUs == 0
        && Subscription is null && Kept is not { IsListening: true }
        && _statements is not { HasUnderWay: true } && Unnamed is not { IsUnderWay: true };

    /// <summary>Once it has said something it has a server of its own, and never moves again.</summary>
    public bool StaysOnItsLoop => Pool is { Limits.PoolMode: PoolMode.Session } && !IsConsole;

    /// <summary>From now on it is that loop's, once it has come there.</summary>
    public void LeaveFor(byte loop)
    {
        FastPool.Base.Check.That(MayMove);
        BeginMove(loop);
    }

    /// <summary>It has come to another loop.</summary>
    public void Arrive(SessionContext context)
    {
        EndMove();
        _context = context;
        Stats = Pool!.Stats[context.Loop];
        _latency = Stats.OpenLatency(context.HistogramBlocks);
        // Same values, same object: that of the clients and servers that are here.
        Parameters = context.Interner.Intern(Parameters);
        if (AtLogin is not null) AtLogin = context.Interner.Intern(AtLogin);
        SettingsAtLogin = context.Shared(SettingsAtLogin);
        if (Kept is not null) context.Questions.TryAddNames(Pool, Encoding.Latin1.GetBytes(Kept.Set));
        Unnamed?.MoveTo(context.Buffers);
        if (_statements is null) return;
        foreach (var (_, statement) in _statements.All)
            context.Statements.OpenLatency(statement, context.Loop, context.Registry.LoopCount, context.HistogramBlocks);
    }
}
