using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Net;

/// <summary>Clients of one loop are told that the process ends, so that no connection breaks without a word.</summary>
internal static class LoopDrain
{
    private const string Text = "terminating connection due to administrator command";

    /// <summary>admin_shutdown, upon which drivers and their pools connect anew.</summary>
    private static readonly Ending Told = new(Text, Text, "57P01");

    /// <inheritdoc cref="ILoopView.Drain"/>
    internal static int Run(Loop loop, int? permille)
    {
        var left = 0;
        loop.Engine.SendDeferred();
        foreach (var client in loop.ClientList.Copy())
        {
            if (!client.IsOpen || client.Session.IsConsole || client.BringsCancel) continue;
            if (permille is null) client.Disconnect(Told);
            else if (IsDue(client.Session.Id, permille.Value) && MayGo(client)) client.Disconnect(Told);
            else left++;
        }
        return left;
    }

    /// <summary>Ids that follow each other lie far apart.</summary>
    private static bool IsDue(long id, int permille) =>
        (ulong)id * 0x9E3779B97F4A7C15 >> 32 <= (ulong)permille * uint.MaxValue / 1000;

    /// <summary>Nothing of its is under way. One that waits for a server has asked for something, and is served first.</summary>
    private static bool MayGo(ClientConnection client) =>
        client.Session.State != ClientState.Waiting && client.Session.Login is null && client.IsBetweenTransactions;
}
