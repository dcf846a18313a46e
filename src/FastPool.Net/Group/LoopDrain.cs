using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Net;

/// <summary>Clients of one loop are told that the process ends, so that no connection breaks without a word.</summary>
internal static class LoopDrain
{
    private const string Text = "terminating connection due to administrator command";

    private static readonly Ending Told = new(Text, Text, Ending.AdminShutdown);

    /// <inheritdoc cref="ILoopView.Drain"/>
    internal static int Run(Loop loop, int? permille)
    {
        if (permille is { } due) return Tell(loop, Told, client => IsDue(client.Session.Id, due) && MayGo(client));
        TellAll(loop);
        return 0;
    }

    /// <summary>Tells those that may go, and closes them. Sessions of the console and cancel requests are left alone.</summary>
    /// <returns>How many others are left.</returns>
    internal static int Tell(Loop loop, Ending ending, Func<ClientConnection, bool> mayGo)
    {
        var left = 0;
        loop.Engine.SendDeferred();
        foreach (var client in loop.ClientList.Copy())
        {
            if (!client.IsOpen || client.Session.IsConsole || client.BringsCancel) continue;
            if (mayGo(client)) client.Disconnect(ending);
            else left++;
        }
        return left;
    }

    /// <summary>The process ends now. Sessions of the console hear it too; nobody waits for a word on a cancel request.</summary>
    private static void TellAll(Loop loop)
    {
        loop.Engine.SendDeferred();
        foreach (var client in loop.ClientList.Copy())
        {
            if (client.IsOpen && !client.BringsCancel) client.Disconnect(Told);
        }
    }

    /// <summary>Ids that follow each other lie far apart.</summary>
    private static bool IsDue(long id, int permille) =>
        (ulong)id * 0x9E3779B97F4A7C15 >> 32 <= (ulong)permille * uint.MaxValue / 1000;

    /// <summary>Nothing of its is under way. One that waits for a server has asked for something, and is served first.</summary>
    private static bool MayGo(ClientConnection client) =>
        client.Session.State != ClientState.Waiting && client.IsBetweenTransactions;
}
