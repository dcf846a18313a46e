using FastPool.Core.Pools;

namespace FastPool.Net.Names;

/// <summary>Names to addresses. The answer may come at once or later, on any thread.</summary>
public interface IHostResolver
{
    /// <param name="host">Anything but an address.</param>
    /// <param name="done">Gets the addresses in the order to try them in, or none. Must not wait.</param>
    void Resolve(string host, Action<IReadOnlyList<HostAddress>> done);
}
