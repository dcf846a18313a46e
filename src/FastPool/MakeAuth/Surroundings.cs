using FastPool.Core.Settings;
using FastPool.Native.Process;

namespace FastPool.MakeAuth;

/// <summary>The values that a connection string may leave out: the environment's variables, the user, the home folder.</summary>
/// <param name="Variable">Its value; null when it is not set or empty.</param>
/// <param name="User">The system user's name.</param>
internal sealed record Surroundings(Func<string, string?> Variable, string User, string Home)
{
    internal static Surroundings OfProcess() => new(
        static name => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? ByteText.FromNative(value) : null,
        Identity.NameOf((int)Identity.EffectiveUid) ?? "",
        ByteText.FromNative(Environment.GetEnvironmentVariable("HOME") ?? ""));
}
