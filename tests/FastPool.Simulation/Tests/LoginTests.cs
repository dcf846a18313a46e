using FastPool.Simulation.Network;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>Logins to servers that something overtakes.</summary>
public sealed class LoginTests
{
    private readonly TransactionPath _path = new();

    [Fact]
    public void A_RECONNECT_in_the_middle_of_a_login_is_no_failure_of_the_server()
    {
        MemorySocket[] clients = [_path.LogIn(static registry => registry.PoolList[0].Invalidate())];
        // Another server was opened at once, without the pause after a failure.
        _path.Transact(clients, TransactionPath.SimpleQuery(), TransactionPath.SimpleReply());
    }
}
