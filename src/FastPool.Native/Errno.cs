using System.Runtime.InteropServices;
using System.Text;

namespace FastPool.Native;

/// <summary>Linux error numbers that decide something. Every wrapper of this room returns them negated.</summary>
public static class Errno
{
    public const int EPERM = 1;
    public const int ENOENT = 2;
    public const int ESRCH = 3;
    public const int EINTR = 4;
    public const int EBADF = 9;
    public const int EAGAIN = 11;
    public const int EACCES = 13;
    public const int EINVAL = 22;
    public const int ENFILE = 23;
    public const int EMFILE = 24;
    public const int EPIPE = 32;
    public const int EPROTO = 71;
    public const int EADDRINUSE = 98;
    public const int ECONNABORTED = 103;
    public const int ECONNRESET = 104;
    public const int ETIMEDOUT = 110;
    public const int ECONNREFUSED = 111;
    public const int EINPROGRESS = 115;
    public const int ECANCELED = 125;

    /// <summary>
    /// The system's text, as strerror(3) has it, of an errno that may be given negative as the calls return it.
    /// </summary>
    public static unsafe string Text(int errno)
    {
        var text = Libc.StrError(Math.Abs(errno));
        if (text is null) return $"Unknown error {Math.Abs(errno)}";
        return Encoding.Latin1.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text));
    }
}
