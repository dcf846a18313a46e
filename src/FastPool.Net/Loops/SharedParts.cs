using FastPool.Base;
using FastPool.Core.Auth;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Net;

/// <summary>The parts that the loops of a process share. Each part may be used from every loop.</summary>
internal sealed class SharedParts(PoolRegistry registry, Action<KeyDerivation, Action>? deriveKeys)
{
    private long _lastId;

    /// <summary>Given after the construction, because the console needs the loops; before they start.</summary>
    internal IConsole Console { get; set; } = null!;

    internal TlsContexts Tls { get; } = new();

    internal ServerPasswords Passwords { get; } = new();

    internal PasswordChecker PamChecker { get; } = PasswordChecker.ForPam();

    internal PasswordChecker LdapChecker { get; } = PasswordChecker.ForLdap();

    internal DescriptorReserve Descriptors { get; } = new();

    /// <summary>Has keys derived off the loops, then calls the answer, on whatever thread.</summary>
    internal Action<KeyDerivation, Action> DeriveKeys { get; } = deriveKeys ?? new KeyDeriver().Begin;

    internal BoundClients Bound { get; } = new(registry.LoopCount);

    internal LoopsInUse LoopsInUse { get; } = new(registry);

    internal ClientMoves ClientMoves { get; } = new(registry);

    internal LoopLoads Loads { get; } = new(registry.LoopCount);

    /// <summary>Of result_buffer_total.</summary>
    internal ResultBudget Results { get; } = new();

    /// <summary>Serial number over clients and servers.</summary>
    internal long NextId() => Interlocked.Increment(ref _lastId);
}
