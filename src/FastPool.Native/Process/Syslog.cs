using System.Runtime.InteropServices;

namespace FastPool.Native.Process;

/// <summary>syslog(3): one log a process, which the C library opens and keeps.</summary>
public static unsafe class Syslog
{
    private static byte* _ident; // The C library keeps the pointer, not the text.

    /// <param name="ident">Stands before each line.</param>
    /// <param name="facility">As in syslog.h, already shifted.</param>
    public static void Open(string ident, int facility)
    {
        const int WithPid = 1; // LOG_PID
        var text = CText.Of(ident);
        var kept = (byte*)NativeMemory.Alloc((nuint)text.Length);
        text.CopyTo(new Span<byte>(kept, text.Length));
        Libc.OpenLog(kept, WithPid, facility);
        NativeMemory.Free(_ident);
        _ident = kept;
    }

    public static void Write(int priority, ReadOnlySpan<byte> text)
    {
        fixed (byte* format = "%.*s\0"u8, start = text) Libc.Syslog(priority, format, text.Length, start);
    }

    public static void Close() => Libc.CloseLog();
}
