using FastPool.Base;

namespace FastPool.Native;

/// <summary>
/// Open descriptors through a Unix socket (SCM_RIGHTS), and the few waits that go with it. For a takeover, in which only two
/// processes talk: these calls may wait.
/// </summary>
public static unsafe class DescriptorPassing
{
    /// <summary>Descriptors of one message: the kernel's SCM_MAX_FD is 253.</summary>
    public const int CountMax = 200;

    private const int DuplicateFrom = 1030; // F_DUPFD_CLOEXEC
    private const int NoSignal = 0x4000;
    private const int CloseOnExecReceived = 0x40000000; // MSG_CMSG_CLOEXEC
    private const int ControlTruncated = 8;
    private const int SolSocket = 1;
    private const int Rights = 1;
    private const int HeaderBytes = 16; // struct cmsghdr on 64 bit.
    private const int ControlBytes = HeaderBytes + CountMax * sizeof(int);
    private const short PollOut = 4;
    private const short PollIn = 1;
    private const short PollPeerClosed = 0x2000;

    /// <summary>Sends what the kernel takes; the descriptors go with the first byte.</summary>
    /// <returns>Bytes taken, or the negated errno.</returns>
    public static int TrySend(int socket, ReadOnlySpan<byte> bytes, ReadOnlySpan<int> descriptors)
    {
        Check.That(descriptors.Length <= CountMax && bytes.Length > 0);
        var control = stackalloc byte[ControlBytes];
        var length = HeaderBytes + descriptors.Length * sizeof(int);
        fixed (byte* start = bytes)
        {
            var vector = new IoVec { Base = start, Length = (nuint)bytes.Length };
            MsgHdr message = default;
            message.Vectors = &vector;
            message.VectorCount = 1;
            if (descriptors.Length > 0)
            {
                *(nuint*)control = (nuint)length;
                ((int*)control)[2] = SolSocket;
                ((int*)control)[3] = Rights;
                descriptors.CopyTo(new Span<int>(control + HeaderBytes, CountMax));
                message.Control = control;
                message.ControlLength = (nuint)((length + 7) & ~7);
            }
            return Libc.SendMsg(socket, &message, NoSignal);
        }
    }

    /// <summary>Receives bytes and the descriptors that came with them, which are not inherited by children.</summary>
    /// <returns>Bytes, 0 at the end, or the negated errno.</returns>
    public static int TryReceive(int socket, Span<byte> bytes, List<int> descriptors)
    {
        var control = stackalloc byte[ControlBytes + HeaderBytes];
        fixed (byte* start = bytes)
        {
            var vector = new IoVec { Base = start, Length = (nuint)bytes.Length };
            MsgHdr message = default;
            message.Vectors = &vector;
            message.VectorCount = 1;
            message.Control = control;
            message.ControlLength = ControlBytes + HeaderBytes;
            var received = Libc.RecvMsg(socket, &message, CloseOnExecReceived);
            if (received <= 0) return received;
            var length = message.ControlLength >= HeaderBytes ? (int)*(nuint*)control : 0;
            if (length >= HeaderBytes && ((int*)control)[2] == SolSocket && ((int*)control)[3] == Rights)
            {
                foreach (var descriptor in new ReadOnlySpan<int>(control + HeaderBytes, (length - HeaderBytes) / sizeof(int)))
                    descriptors.Add(descriptor);
            }
            return (message.Flags & ControlTruncated) != 0 ? -Errno.EPROTO : received;
        }
    }

    /// <summary>A second descriptor for the same socket, not inherited by children.</summary>
    /// <returns>It, or the negated errno.</returns>
    public static int TryDuplicate(int socket) => Libc.Fcntl(socket, DuplicateFrom, 0);

    /// <summary>A connection to a Unix socket whose calls wait.</summary>
    /// <returns>The descriptor, or the negated errno.</returns>
    public static int TryConnect(string path)
    {
        if (NativeAddress.Unix(path) is not { } address) return -Errno.ENOENT;
        var socket = Sockets.TryOpen(SocketFamily.Unix);
        if (socket < 0) return socket;
        Sockets.MakeBlocking(socket);
        var result = Sockets.TryConnect(socket, address);
        if (result >= 0) return socket;
        Sockets.Close(socket);
        return result;
    }

    /// <summary>
    /// Makes the table of descriptors large enough at once. The kernel doubles it as it fills, and each time all threads of
    /// a process wait for a grace period of RCU: some ten milliseconds.
    /// </summary>
    public static void MakeRoom(int socket, int count)
    {
        var last = -1;
        for (; count > 0 && last < 0; count /= 2) last = Libc.Fcntl(socket, DuplicateFrom, count); // The limit may be lower.
        if (last >= 0) Sockets.Close(last);
    }

    /// <summary>Waits until the socket takes more.</summary>
    /// <returns>False when it has not within the time.</returns>
    public static bool WaitWritable(int socket, int timeoutMs) => Poll(socket, PollOut, timeoutMs) != 0;

    /// <summary>Waits until the socket has something to read, or has ended.</summary>
    /// <returns>False when it has not within the time.</returns>
    public static bool WaitReadable(int socket, int timeoutMs) => Poll(socket, PollIn, timeoutMs) != 0;

    /// <summary>The other side has closed, so nothing that is sent is read.</summary>
    public static bool IsPeerGone(int socket) => (Poll(socket, PollPeerClosed, 0) & ~PollIn) != 0;

    private static short Poll(int socket, short events, int timeoutMs)
    {
        var poll = new PollFd { Fd = socket, Events = events };
        return Libc.Poll(&poll, 1, timeoutMs) > 0 ? poll.Returned : (short)0;
    }
}
