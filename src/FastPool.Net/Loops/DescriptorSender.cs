using FastPool.Core.Sessions;
using FastPool.Native;

namespace FastPool.Net;

/// <summary>
/// Sends messages with open descriptors to a reader that may be slow, on a thread of its own: a takeover has one such reader.
/// </summary>
internal static class DescriptorSender
{
    private const int PatienceMs = 5_000;
    private const int StackBytes = 256 * 1024;

    /// <param name="handle">May be closed at any time: the thread has a descriptor of its own.</param>
    /// <param name="messages">With descriptors out of the copies.</param>
    /// <param name="copies">Closed when they are sent, or will not be. When this throws, they are still the caller's.</param>
    /// <param name="done">Called then, on the thread, with 0 or an errno.</param>
    internal static void Begin(int handle, IReadOnlyList<DescriptorMessage> messages, DescriptorCopies copies, Action<int> done)
    {
        var own = DescriptorPassing.TryDuplicate(handle);
        if (own < 0)
        {
            copies.Dispose();
            done(-own);
            return;
        }
        try
        {
            new Thread(() =>
                done(SendAndClose(own, messages, copies)), StackBytes)
            { Name = "descriptors", IsBackground = true }.Start();
        }
        catch
        {
            Sockets.Close(own); // The system has no thread for it.
            throw;
        }
    }

    private static int SendAndClose(int socket, IReadOnlyList<DescriptorMessage> messages, DescriptorCopies copies)
    {
        try
        {
            return Send(socket, messages);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return Errno.EPROTO; // That reader gets no more; no other connection is concerned.
        }
        finally
        {
            copies.Dispose();
            Sockets.Close(socket);
            foreach (var message in messages) Array.Clear(message.Bytes); // There may be secrets in it.
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
                if (sent == -Errno.EAGAIN && DescriptorPassing.WaitWritable(socket, PatienceMs)) continue;
                if (sent <= 0) return -sent;
                descriptors = default;
                rest = rest[sent..];
            }
        }
        return 0;
    }
}
