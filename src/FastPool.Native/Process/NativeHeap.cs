using System.Runtime.InteropServices;

namespace FastPool.Native.Process;

/// <summary>The C library's heap, which TLS and other libraries use.</summary>
public static unsafe class NativeHeap
{
    private static readonly delegate* unmanaged<nuint, int> _trim = Find();

    /// <summary>
    /// Gives whole pages that are free back to the system, wherever they lie; the C library itself does so at the end of a heap
    /// alone. One that cannot (musl) keeps its pages. A thread that asks for memory meanwhile may wait until its heap is done.
    /// </summary>
    public static void GiveBack()
    {
        if (_trim is not null) _ = _trim(0);
    }

    private static delegate* unmanaged<nuint, int> Find() =>
        NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "malloc_trim", out var address)
            ? (delegate* unmanaged<nuint, int>)address : null;
}
