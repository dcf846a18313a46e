using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Sessions.Handover;

namespace FastPool.Net;

/// <summary>A loop as the control plane sees it, on that loop's thread.</summary>
internal sealed class LoopView(Loop loop, LoopGroup group) : ILoopView
{
    private readonly LoopSuspension _suspension = new(loop, group);

    int ILoopView.Loop => loop.Index;

    public IPoolHost Host => loop;

    public long NowUs => loop.NowUs;

    public IReadOnlyList<ClientSession> Clients =>
        new SessionList<ClientConnection, ClientSession>(loop.ClientList, static client => client.Session);

    public IReadOnlyList<ServerSession> Servers =>
        new SessionList<ServerConnection, ServerSession>(loop.ServerList, static server => server.Session);

    public LoopFigures Figures
    {
        get
        {
            loop.Figures.SendsTogether = loop.Engine.SentTogether;
            return loop.Figures;
        }
    }

    public (int Own, int Library) TlsCounts => loop.Engine.TlsCounts;

    public SafetyTable Safety => loop.Context.Safety;

    public EndingTable Endings => loop.Context.Endings;

    /// <summary>Of the thread that asks, which is the loop's own.</summary>
    public long BusyUs => Native.ThreadTime.CpuUs;

    public bool IsInUse => loop.IsInUse;

    public IReadOnlyCollection<int> PeersUsed => group.Cancels.Peers.Used;

    public IReadOnlyList<CancelView> Cancels => group.Cancels.ViewOf(loop.Index);

    public IReadOnlyList<ListenerView> Listeners => group.ListenersOf(loop.Index);

    public void Close(ClientSession client, string reason) => loop.Close(client, reason);

    public void Close(ServerSession server, string reason) =>
        ServerConnection.Of(server).Close(reason, mayTerminate: true, isDeliberate: true);

    public bool TrySuspend(string? closeReason) => _suspension.TrySuspend(closeReason);

    public bool TryEndLogins() => _suspension.TryEndLogins();

    public bool TryFreeze(string? closeReason, bool mayFinish) => _suspension.TryFreeze(closeReason, mayFinish);

    public void HandOver(HandedState state) => _suspension.HandOver(state);

    public void TakeBackKeys() => _suspension.TakeBackKeys();

    public void Resume() => _suspension.Resume();

    public int CountLeftBehind() => _suspension.CountLeftBehind();

    public void Retire() => _suspension.Retire();

    public int EndIdle() => _suspension.EndIdle();

    public int Drain(int? permille) => LoopDrain.Run(loop, permille);
}
