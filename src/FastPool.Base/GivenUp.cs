namespace FastPool.Base;

/// <summary>
/// Bytes of buffers and statements that are garbage from now on. The runtime counts what is allocated. It sees only by a
/// collection that something large has since become garbage, and nothing gives it cause for one.
/// </summary>
public static class GivenUp
{
    private static long _bytes;
    private static long _spareBytes;
    private static long _nativeBytes;

    /// <summary>Since the process began.</summary>
    public static long Bytes => Interlocked.Read(ref _bytes); // Pairs: Add.

    /// <summary>Any thread.</summary>
    public static void Add(int bytes) => Interlocked.Add(ref _bytes, bytes); // Pairs: Bytes.

    /// <summary>Those of them that were given up at rest, when spare memory was asked for.</summary>
    public static long SpareBytes => Interlocked.Read(ref _spareBytes); // Pairs: AddSpare.

    /// <summary>Any thread.</summary>
    public static void AddSpare(long bytes)
    {
        Interlocked.Add(ref _spareBytes, bytes); // Pairs: SpareBytes.
        Interlocked.Add(ref _bytes, bytes); // Pairs: Bytes.
    }

    /// <summary>About so many bytes the C library has had back since the process began. It may keep them.</summary>
    public static long NativeBytes => Interlocked.Read(ref _nativeBytes); // Pairs: AddNative.

    /// <summary>Any thread.</summary>
    public static void AddNative(int bytes) => Interlocked.Add(ref _nativeBytes, bytes); // Pairs: NativeBytes.
}
