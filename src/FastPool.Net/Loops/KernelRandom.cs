using System.Security.Cryptography;
using FastPool.Core.Sessions;
using FastPool.Native;

namespace FastPool.Net;

/// <summary>getrandom(2): no library to load. Drawn a few hundred bytes at a time, each given out once.</summary>
public sealed class KernelRandom : RandomSource
{
    private const int StockBytes = 512;

    [ThreadStatic]
    private static byte[]? s_stock;

    [ThreadStatic]
    private static int s_used;

    public override void Fill(Span<byte> bytes)
    {
        if (bytes.Length > StockBytes)
        {
            KernelEntropy.Fill(bytes);
            return;
        }
        if (s_stock is null || StockBytes - s_used < bytes.Length)
        {
            s_stock ??= new byte[StockBytes];
            KernelEntropy.Fill(s_stock);
            s_used = 0;
        }
        var taken = s_stock.AsSpan(s_used, bytes.Length);
        taken.CopyTo(bytes);
        CryptographicOperations.ZeroMemory(taken);
        s_used += bytes.Length;
    }
}
