using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>Servers on their way from one loop to a client of another.</summary>
public sealed class MovingServerTests
{
    private readonly TransactionPath _path = new(loops: 2);

    [Fact]
    public void One_that_the_kernel_does_not_take_on_the_new_loop_costs_the_client_nothing_but_a_wait()
    {
        const int NoSpace = 28; // Too many watched by this user (fs.epoll.max_user_watches).
        _path.LogIn();
        var client = _path.LogIn(loop: 1);
        var lost = _path.Server!;
        client.PeerWrite(TransactionPath.SimpleQuery());
        _path.Turn(1); // It is granted the server, which the first loop has.
        _path.Turn(0); // The first loop sends it on.
        _path.Engines[1].NextErrno = NoSpace;
        _path.Turn(1); // It arrives.
        Assert.True(lost.IsPoolerClosed);
        for (var i = 0; i < 10 && !_path.TryWelcomePooler(); i++) _path.Turn(i % 2);
        Assert.NotSame(lost, _path.Server);
        for (var i = 0; i < 10 && _path.Server!.PeerInput.Length < TransactionPath.SimpleQuery().Length; i++) _path.Turn(i % 2);
        Assert.Equal(TransactionPath.SimpleQuery(), _path.Server!.PeerInput.ToArray());
    }

    [Fact]
    public void A_listener_that_the_kernel_does_not_take_is_tried_again()
    {
        _path.Engines[0].NextErrno = 28;
        _path.Engines[1].NextErrno = 28;
        _path.Elapse(0.01);
        _path.Connect("user", "ann", "database", "d");
        _path.Elapse(4);
        Assert.Empty(_path.Dialed);
        _path.Elapse(2, () => _path.Dialed.Count > 0);
        Assert.NotEmpty(_path.Dialed);
    }

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
