using System.Runtime.CompilerServices;
using FastPool.Base;
using FastPool.Net;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Checkers;

/// <summary>Whoever is gone, or has nothing to say, holds no buffer.</summary>
internal sealed class BufferChecker(World world) : Checker(world)
{
    internal override void AtEnd()
    {
        foreach (var endpoint in World.Endpoints)
        {
            Holds(endpoint.Unsent.IsEmpty, "a connection still holds bytes to send");
            var isHolding = endpoint is MessageEndpoint messages && !HeldOf(messages).IsEmpty;
            Holds(!isHolding, $"a {endpoint.GetType().Name} still holds bytes");
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_held")]
    private static extern ref HeldBytes HeldOf(MessageEndpoint endpoint);
}
