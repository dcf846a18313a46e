using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastPool.Base;

namespace FastPool.Native;

/// <summary>
/// A piece of a gathered send. The buffer must be pinned for its life, as those of BufferPool and of the loops are.
/// </summary>
public readonly record struct Segment(byte[] Buffer, int Start, int Length);

/// <summary>
/// The calls on sockets, all non-blocking, none throwing. Every int result is a count or the negated errno.
/// </summary>
public static unsafe class Sockets
{
    private const int Stream = 1;
    private const int NonBlock = 0x800;
    private const int CloseOnExec = 0x80000;
    private const int NoSignal = 0x4000;
    private const int SolSocket = 1;
    private const int IpProtoIp = 0;
    private const int IpProtoTcp = 6;
    private const int IpProtoV6 = 41;
    private const int AddressBytes = 128;
    private const int GetFlags = 3;
    private const int SetFlags = 4;

    /// <summary>The longest gathered send.</summary>
    public const int SegmentsMax = 64;

    public static int TryOpen(int family) => Libc.Socket(family, Stream | NonBlock | CloseOnExec, 0);

    public static int TryBind(int fd, NativeAddress address)
    {
        fixed (byte* bytes = address.Bytes) return Libc.Bind(fd, bytes, (uint)address.Bytes.Length);
    }

    public static int TryListen(int fd, int backlog) => Libc.Listen(fd, backlog);

    /// <returns>0: connected; -EINPROGRESS: under way (Unix sockets: -EAGAIN means a full backlog).</returns>
    public static int TryConnect(int fd, NativeAddress address)
    {
        fixed (byte* bytes = address.Bytes) return Libc.Connect(fd, bytes, (uint)address.Bytes.Length);
    }

    public static int TryAccept(int fd, out EndAddress peer)
    {
        var bytes = stackalloc byte[AddressBytes];
        uint length = AddressBytes;
        var accepted = Libc.Accept4(fd, bytes, &length, NonBlock | CloseOnExec);
        peer = accepted < 0 ? default
            : EndAddress.Read(new ReadOnlySpan<byte>(bytes, (int)Math.Max(2, Math.Min(length, AddressBytes))));
        return accepted;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int TryReceive(int fd, byte[] buffer, int start, int count)
    {
        fixed (byte* bytes = buffer) return Libc.Recv(fd, bytes + start, (nuint)count, 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int TrySend(int fd, ReadOnlySpan<byte> data)
    {
        fixed (byte* bytes = data) return Libc.Send(fd, bytes, (nuint)data.Length, NoSignal);
    }

    /// <summary>Several pieces in one call, at most <see cref="SegmentsMax"/>.</summary>
    public static int TrySend(int fd, ReadOnlySpan<Segment> segments)
    {
        var vectors = stackalloc IoVec[SegmentsMax];
        for (var i = 0; i < segments.Length; i++)
        {
            vectors[i].Base = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(segments[i].Buffer))
                + segments[i].Start;
            vectors[i].Length = (nuint)segments[i].Length;
        }
        MsgHdr message = default;
        message.Vectors = vectors;
        message.VectorCount = (nuint)segments.Length;
        return Libc.SendMsg(fd, &message, NoSignal);
    }

    public static void MakeNonBlocking(int fd) => _ = Libc.Fcntl(fd, SetFlags, Libc.Fcntl(fd, GetFlags, 0) | NonBlock);

    public static void MakeBlocking(int fd) => _ = Libc.Fcntl(fd, SetFlags, Libc.Fcntl(fd, GetFlags, 0) & ~NonBlock);

    public static void Close(int fd) => _ = Libc.Close(fd);

    /// <summary>Ends the connection for every process that has a descriptor of it. Bytes already sent still arrive.</summary>
    public static void Shutdown(int fd)
    {
        const int BothWays = 2; // SHUT_RDWR
        _ = Libc.Shutdown(fd, BothWays);
    }

    /// <summary>The pending error of a socket whose connect was under way: 0 or an errno.</summary>
    public static int TakeError(int fd)
    {
        int error;
        uint length = sizeof(int);
        var result = Libc.GetSockOpt(fd, SolSocket, 4, &error, &length);
        return result < 0 ? -result : error;
    }

    public static EndAddress LocalAddress(int fd)
    {
        var bytes = stackalloc byte[AddressBytes];
        uint length = AddressBytes;
        return Libc.GetSockName(fd, bytes, &length) < 0 ? default
            : EndAddress.Read(new ReadOnlySpan<byte>(bytes, (int)Math.Min(length, AddressBytes)));
    }

    /// <summary>The process at the other end of a Unix socket (SO_PEERCRED); pid 0 when unknown.</summary>
    public static (int Pid, int Uid) PeerCredentials(int fd)
    {
        var credentials = stackalloc int[3];
        uint length = 12;
        return Libc.GetSockOpt(fd, SolSocket, 17, credentials, &length) < 0 ? (0, -1) : (credentials[0], credentials[1]);
    }

    public static int TrySet(int fd, SocketOption option, int value)
    {
        var (level, name) = Number(option);
        return Libc.SetSockOpt(fd, level, name, &value, sizeof(int));
    }

    public static int TryGet(int fd, SocketOption option, out int value)
    {
        var (level, name) = Number(option);
        int got;
        uint length = sizeof(int);
        var result = Libc.GetSockOpt(fd, level, name, &got, &length);
        value = result < 0 ? 0 : got;
        return result;
    }

    /// <summary>See the struct tcp_info of the kernel, whose begin never changes.</summary>
    public static TcpHealth Health(int fd)
    {
        const int TcpInfo = 11;
        const int UpToNotSent = 148;
        var bytes = stackalloc byte[UpToNotSent];
        uint length = UpToNotSent;
        if (Libc.GetSockOpt(fd, IpProtoTcp, TcpInfo, (int*)bytes, &length) < 0 || length < UpToNotSent) return default;
        var (unacked, notSent) = (*(uint*)(bytes + 24), *(uint*)(bytes + 144));
        return new TcpHealth(true, (long)unacked + notSent, *(uint*)(bytes + 56), bytes[2], bytes[3]);
    }

    /// <summary>
    /// A listening TCP socket hears of no more newcomers: the kernel drops the first packet (SYN) of a connection, which its
    /// client sends again after a second. Handshakes under way come to their end. A time to live that no packet has does it;
    /// what is accepted from now on inherits it, until <see cref="TakeBack"/>.
    /// </summary>
    public static int TryTurnAway(int fd) =>
        Math.Max(TrySet(fd, SocketOption.MinTtl, byte.MaxValue), TrySet(fd, SocketOption.MinHops, byte.MaxValue));

    /// <summary>A connection that a socket had accepted in spite of <see cref="TryTurnAway"/> is one like any other.</summary>
    public static void TakeBack(int fd)
    {
        TrySet(fd, SocketOption.MinTtl, 0);
        TrySet(fd, SocketOption.MinHops, 0);
    }

    private static (int Level, int Name) Number(SocketOption option) =>
        option switch
        {
            SocketOption.ReuseAddress => (SolSocket, 2),
            SocketOption.ReusePort => (SolSocket, 15),
            SocketOption.KeepAlive => (SolSocket, 9),
            SocketOption.SendBuffer => (SolSocket, 7),
            SocketOption.ReceiveBuffer => (SolSocket, 8),
            SocketOption.ReceiveLowWater => (SolSocket, 18),
            SocketOption.NoDelay => (IpProtoTcp, 1),
            SocketOption.KeepIdle => (IpProtoTcp, 4),
            SocketOption.KeepInterval => (IpProtoTcp, 5),
            SocketOption.KeepCount => (IpProtoTcp, 6),
            SocketOption.DeferAccept => (IpProtoTcp, 9),
            SocketOption.UserTimeout => (IpProtoTcp, 18),
            SocketOption.V6Only => (IpProtoV6, 26),
            SocketOption.MinTtl => (IpProtoIp, 21),
            SocketOption.MinHops => (IpProtoV6, 73),
            _ => throw new ArgumentOutOfRangeException(nameof(option)),
        };

    public static int TryUnlink(string path)
    {
        fixed (byte* bytes = CText.Of(path)) return Libc.Unlink(bytes);
    }

    public static int TryChmod(string path, int mode)
    {
        fixed (byte* bytes = CText.Of(path)) return Libc.Chmod(bytes, (uint)mode);
    }

    /// <summary>Gives the socket at a path to a group; its owner stays.</summary>
    public static int TryChangeGroup(string path, int group)
    {
        fixed (byte* bytes = CText.Of(path)) return Libc.Chown(bytes, uint.MaxValue, (uint)group);
    }
}

public enum SocketOption
{
    ReuseAddress,
    ReusePort,
    KeepAlive,
    SendBuffer,
    ReceiveBuffer,
    ReceiveLowWater,
    NoDelay,
    KeepIdle,
    KeepInterval,
    KeepCount,
    DeferAccept,
    UserTimeout,
    V6Only,
    /// <summary>Packets of IPv4 with a smaller time to live are dropped.</summary>
    MinTtl,
    /// <summary>The same for IPv6.</summary>
    MinHops,
}
