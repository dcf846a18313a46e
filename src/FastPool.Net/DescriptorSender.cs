using FastPool.Core.Sessions;
using FastPool.Native;

namespace FastPool.Net;

/// <summary>Sends messages with open descriptors to a reader who may be slow, on a thread of its own: a takeover has one such reader.</summary>
internal static class DescriptorSender
{
    private const int Patience_ms = 5_000;
    private const int StackBytes = 256 * 1024;

    /// <param name="handle">May be closed at any time: the thread has a descriptor of its own.</param>
    /// <param name="done">Called on the thread, with 0 or an errno.</param>
    internal static void Begin(int handle, IReadOnlyList<DescriptorMessage> messages, Action<int> done)
    {
        var own = DescriptorPassing.TryDuplicate(handle);
        if (own < 0)
        {
            done(-own);
            return;
        }
        new Thread(() => done(SendAndClose(own, messages)), StackBytes) { Name = "descriptors", IsBackground = true }.Start();
    }

    private static int SendAndClose(int socket, IReadOnlyList<DescriptorMessage> messages)
    {
        try
        {
            return Send(socket, messages);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return Errno.EPROTO; // That reader gets no more; nobody else is concerned.
        }
        finally
        {
            Sockets.Close(socket);
        }
    }

    private static int Send(int socket, IReadOnlyList<DescriptorMessage> messages)
    {
        foreach (var message in messages)
        {
            ReadOnlySpan<byte> rest = message.Bytes;
            ReadOnlySpan<int> descriptors = message.Descriptors;
            while (rest.Length > 0)
            {
                var sent = DescriptorPassing.TrySend(socket, rest, descriptors);
                if (sent == -Errno.EAGAIN && DescriptorPassing.WaitWritable(socket, Patience_ms)) continue;
                if (sent <= 0) return -sent;
                descriptors = default;
                rest = rest[sent..];
            }
        }
        return 0;
    }
}
