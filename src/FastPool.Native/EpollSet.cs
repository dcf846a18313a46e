using System.Runtime.InteropServices;

namespace FastPool.Native;

/// <summary>The events that epoll reports for a descriptor.</summary>
[Flags]
public enum Readiness : uint
{
    None = 0,
    In = 0x001,
    Out = 0x004,
    Error = 0x008,
    HangUp = 0x010,
    PeerClosed = 0x2000,
    Exclusive = 1u << 28,
    EdgeTriggered = 1u << 31,
}

/// <summary>One epoll descriptor with its room for events. Belongs to one thread.</summary>
public sealed unsafe class EpollSet : IDisposable
{
    private const int Add = 1;
    private const int Delete = 2;
    private const int CloseOnExec = 0x80000;

    private static readonly int EventSize = EpollEvent.Size;
    private readonly int _fd;
    private readonly byte* _events;
    private readonly int _capacity;

    public EpollSet(int capacity)
    {
        _capacity = capacity;
        _fd = Libc.EpollCreate(CloseOnExec);
        if (_fd < 0) throw new IOException("epoll_create1: " + Errno.Text(-_fd));
        _events = (byte*)NativeMemory.AllocZeroed((nuint)(capacity * EventSize));
    }

    /// <returns>0 or the negated errno.</returns>
    public int TryAdd(int fd, Readiness interest, ulong data)
    {
        EpollEvent e;
        EpollEvent.Write((byte*)&e, (uint)interest, data);
        return Libc.EpollCtl(_fd, Add, fd, &e);
    }

    public void Remove(int fd)
    {
        EpollEvent e;
        _ = Libc.EpollCtl(_fd, Delete, fd, &e);
    }

    /// <param name="timeoutMs">-1: for ever.</param>
    /// <returns>Events at hand for <see cref="Event"/>; 0 also when a signal cut the wait short.</returns>
    public int Wait(int timeoutMs)
    {
        var count = Libc.EpollWait(_fd, (EpollEvent*)_events, _capacity, timeoutMs);
        return count < 0 ? 0 : count;
    }

    public (Readiness Readiness, ulong Data) Event(int index)
    {
        var at = _events + index * EventSize;
        return ((Readiness)EpollEvent.Events(at), EpollEvent.Data(at));
    }

    public void Dispose()
    {
        _ = Libc.Close(_fd);
        NativeMemory.Free(_events);
    }
}

/// <summary>A descriptor that wakes a waiting epoll set from another thread.</summary>
public sealed unsafe class WakeUp : IDisposable
{
    private const int NonBlockCloseOnExec = 0x80800;

    public WakeUp()
    {
        Fd = Libc.EventFd(0, NonBlockCloseOnExec);
        if (Fd < 0) throw new IOException("eventfd: " + Errno.Text(-Fd));
    }

    public int Fd { get; }

    public void Signal()
    {
        ulong one = 1;
        _ = Libc.Write(Fd, &one, 8);
    }

    public void Dispose() => _ = Libc.Close(Fd);
}
