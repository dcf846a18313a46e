using FastPool.Core.Sessions;
using FastPool.Native;

namespace FastPool.Net;

/// <summary>getrandom(2): no library to load, no state of ours.</summary>
public sealed class KernelRandom : RandomSource
{
    public override void Fill(Span<byte> bytes) => Identity.FillRandom(bytes);
}
