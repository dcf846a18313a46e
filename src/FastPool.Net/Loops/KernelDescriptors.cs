using FastPool.Core.Sessions;
using FastPool.Native;

namespace FastPool.Net;

/// <summary>The process's own descriptors.</summary>
internal sealed class KernelDescriptors : IDescriptorSource
{
    /// <summary>
    /// For a moment there are twice as many, which the limit of a pooler of that size may not have room for: then as much of it
    /// is used as the system grants.
    /// </summary>
    public int TryDuplicate(int descriptor)
    {
        var copy = DescriptorPassing.TryDuplicate(descriptor);
        return copy == -Errno.EMFILE
            && Native.Process.Identity.TryRaiseDescriptorLimit() ? DescriptorPassing.TryDuplicate(descriptor) : copy;
    }

    public void Close(int descriptor) => Sockets.Close(descriptor);

    public string ErrorText(int errno) => Errno.Text(errno);
}
