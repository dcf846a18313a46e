using System.Text;

namespace FastPool.Native.Process;

/// <summary>The name in the process table, which pidof and pkill go by: at first the file name it was executed under.</summary>
public static unsafe class ProcessName
{
    private const int BytesMax = 16; // With the NUL.
    private const int Set = 15; // PR_SET_NAME
    private const int Get = 16; // PR_GET_NAME

    /// <summary>Reads it; to be called on the first thread, whose name is the process'.</summary>
    public static string Read()
    {
        var name = stackalloc byte[BytesMax];
        name[0] = 0;
        _ = Libc.Prctl(Get, name, 0, 0, 0);
        return Encoding.Latin1.GetString(System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name));
    }

    /// <summary>Changes it; the kernel cuts at 15 bytes.</summary>
    public static void Write(string name)
    {
        fixed (byte* text = CText.Of(name)) _ = Libc.Prctl(Set, text, 0, 0, 0);
    }
}
