using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Simulation.Postgres;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>An answer to auth_query that is longer than anything that is looked at.</summary>
public sealed class LongAnswerTests
{
    private const int PieceBytes = 20 * 1024;
    private const int RowBytes = 1024 * 1024;

    [Fact]
    public void No_more_of_it_is_held_than_is_looked_at()
    {
        var path = new TransactionPath(settings: "auth_type=plain\nauth_user=ann");
        var client = path.Connect("user", "stranger", "database", "d");
        for (var i = 0; i < 10 && (path.Server is null || !path.TryWelcomePooler()); i++) path.Turn();
        path.Elapse(0.01);
        var server = path.View.Servers[0];
        Assert.Equal(ServerPhase.Asked, server.Phase);
        byte[] row =
            [(byte)'D', .. Wire.Int32(RowBytes), .. Wire.Int16(1), .. Wire.Int32(RowBytes - 10), .. new byte[RowBytes - 10]];
        var most = 0;
        for (var sent = 0; sent < row.Length && !path.Server!.IsPoolerClosed; sent += PieceBytes)
        {
            path.Server.PeerWrite(row.AsSpan(sent, Math.Min(PieceBytes, row.Length - sent)));
            path.Turn();
            most = Math.Max(most, ((IConnectionView)server.Transport!).Buffer.Received);
        }
        Assert.InRange(most, 1, Limits.AnswerBytesMax + PieceBytes);
        path.Elapse(0.01);
        Assert.True(client.IsPoolerClosed || !client.PeerInput.IsEmpty); // The client has heard how it ended.
    }
}
