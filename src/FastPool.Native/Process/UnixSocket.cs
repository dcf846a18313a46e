using System.Text;

namespace FastPool.Native.Process;

/// <summary>
/// The little that the process itself says over Unix sockets: to the service manager, the journal, and to an older self.
/// </summary>
public static unsafe class UnixSocket
{
    private const ushort Family = 1; // AF_UNIX
    private const int Stream = 1; // SOCK_STREAM
    private const int Datagram = 2; // SOCK_DGRAM
    private const int CloseOnExec = 0x80000; // SOCK_CLOEXEC
    private const int NoSignal = 0x4000; // MSG_NOSIGNAL
    private const int FamilyBytes = 2;
    private const int PathBytesMax = 108;

    /// <summary>Sends one datagram.</summary>
    /// <param name="path">A leading @ means the abstract namespace.</param>
    /// <param name="message">Whole.</param>
    public static int Send(string path, ReadOnlySpan<byte> message)
    {
        var address = stackalloc byte[FamilyBytes + PathBytesMax];
        var length = Address(path, address);
        var descriptor = Libc.Socket(Family, Datagram | CloseOnExec, 0);
        if (descriptor < 0) return descriptor;
        fixed (byte* start = message)
        {
            var result = Libc.SendTo(descriptor, start, (nuint)message.Length, NoSignal, address, length);
            _ = Libc.Close(descriptor);
            return result;
        }
    }

    /// <summary>True when a process accepts connections at a path. The connection is closed without a byte.</summary>
    public static bool IsAccepting(string path)
    {
        var address = stackalloc byte[FamilyBytes + PathBytesMax];
        var length = Address(path, address);
        var descriptor = Libc.Socket(Family, Stream | CloseOnExec, 0);
        if (descriptor < 0) return false;
        var result = Libc.Connect(descriptor, address, length);
        _ = Libc.Close(descriptor);
        return result >= 0;
    }

    /// <summary>A path that is too long is cut: nothing listens there, and the errno says so.</summary>
    private static uint Address(string path, byte* address)
    {
        new Span<byte>(address, FamilyBytes + PathBytesMax).Clear();
        *(ushort*)address = Family;
        var length = Math.Min(path.Length, PathBytesMax - 1);
        Encoding.Latin1.GetBytes(path.AsSpan(0, length), new Span<byte>(address + FamilyBytes, PathBytesMax));
        var isAbstract = length > 0 && path[0] == '@';
        if (isAbstract) address[FamilyBytes] = 0;
        return (uint)(FamilyBytes + length + (isAbstract ? 0 : 1));
    }
}
