using System.Runtime.CompilerServices;
using FastPool.Base;
using FastPool.Io;
using FastPool.Net;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Checkers;

/// <summary>A connection that is gone, or has nothing to say, holds no buffer.</summary>
internal sealed class BufferChecker(World world) : Checker(world)
{
    internal override void AtEnd()
    {
        foreach (var endpoint in World.Endpoints)
        {
            Holds(endpoint.Unsent.IsEmpty,
                $"a {endpoint.GetType().Name} ({endpoint.Flags}) still holds {endpoint.Unsent.Count} bytes to send");
            Holds(!IsHolding(endpoint), $"a {endpoint.GetType().Name} still holds bytes");
        }
    }

    /// <summary>A message has come in part, or was not handled yet.</summary>
    internal static bool IsHolding(Endpoint endpoint) => endpoint is MessageEndpoint messages && !HeldOf(messages).IsEmpty;

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_held")]
    private static extern ref HeldBytes HeldOf(MessageEndpoint endpoint);
}
