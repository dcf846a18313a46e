using FastPool.Core.Sessions;
using FastPool.Native;

namespace FastPool.Net;

/// <summary>The process's own descriptors.</summary>
internal sealed class KernelDescriptors : IDescriptorSource
{
    public int TryDuplicate(int descriptor) => DescriptorPassing.TryDuplicate(descriptor);

    public void Close(int descriptor) => Sockets.Close(descriptor);

    public string ErrorText(int errno) => Errno.Text(errno);
}
