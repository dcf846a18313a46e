namespace FastPool.Native;

/// <summary>Random bytes that cannot be guessed, from getrandom(2).</summary>
public static class KernelEntropy
{
    public static unsafe void Fill(Span<byte> bytes)
    {
        fixed (byte* at = bytes)
        {
            var filled = 0;
            while (filled < bytes.Length)
            {
                var more = Libc.GetRandom(at + filled, (nuint)(bytes.Length - filled), 0);
                if (more > 0) filled += more;
            }
        }
    }
}
