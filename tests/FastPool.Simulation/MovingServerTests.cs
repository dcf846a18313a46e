using FastPool.Simulation.Worlds;

namespace FastPool.Simulation;

/// <summary>Servers on their way from one loop to a client of another.</summary>
public sealed class MovingServerTests
{
    private readonly TransactionPath _path = new(loops: 2);

    [Fact]
    public void One_that_dies_on_its_way_costs_the_client_nothing_but_a_wait()
    {
        _path.LogIn();
        var client = _path.LogIn(loop: 1);
        var dead = _path.Server!;
        client.PeerWrite(TransactionPath.SimpleQuery());
        _path.Turn(1); // It is granted the server, which the first loop has.
        _path.Turn(0); // The first loop sends it on.
        dead.PeerClose();
        _path.Turn(1); // It arrives.
        Assert.True(client.PeerInput.IsEmpty);
        Assert.False(client.PeerSeesEnd);
        for (var i = 0; i < 10 && !_path.TryWelcomePooler(); i++) _path.Turn(i % 2);
        Assert.NotSame(dead, _path.Server);
        for (var i = 0; i < 10 && _path.Server!.PeerInput.Length < TransactionPath.SimpleQuery().Length; i++) _path.Turn(i % 2);
        Assert.Equal(TransactionPath.SimpleQuery(), _path.Server!.PeerInput.ToArray());
    }
}
