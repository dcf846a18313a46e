using System.Runtime.InteropServices;

namespace FastPool.Native.Process;

/// <summary>The errno values that this process tells apart, and the text of any.</summary>
public static class SystemError
{
    public const int NotPermitted = 1; // EPERM
    public const int NoEntry = 2; // ENOENT
    public const int NoProcess = 3; // ESRCH
    public const int Interrupted = 4; // EINTR

    /// <summary>strerror of an errno, which may be given negative as the wrappers return it.</summary>
    public static string Text(int errno) => Marshal.GetPInvokeErrorMessage(Math.Abs(errno));

    /// <summary>What a call that gives -1 on failure came to.</summary>
    internal static int Result(int returned) => returned >= 0 ? returned : -Marshal.GetLastPInvokeError();

    /// <inheritdoc cref="Result(int)"/>
    internal static int Result(nint returned) => returned >= 0 ? (int)returned : -Marshal.GetLastPInvokeError();
}
