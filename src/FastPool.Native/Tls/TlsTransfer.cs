using System.Runtime.InteropServices;
using FastPool.Base;

namespace FastPool.Native;

/// <summary>
/// Where one thread's TLS streams read ciphertext from and write it to: the bytes at hand in, a buffer out. One stream of the
/// library's (BIO) serves all connections of the thread, because during a call only one of them is at work; so an idle
/// connection has no buffer on either side.
/// </summary>
public sealed unsafe class TlsTransfer
{
    /// <summary>Plaintext of one <see cref="TlsStream.Write"/>.</summary>
    public const int PlainBytesMax = 128 * 1024;

    /// <summary>Room for that with the headers and tags of its records, and for any flight of a handshake.</summary>
    private const int OutputBytes = PlainBytesMax + 64 * 1024;

    private const int SourceSink = 0x0400 | 0x7F;
    private const int ShouldRetryRead = 0x01 | 0x08;
    private const int ControlFlush = 11;

    private static readonly nint Method = NewMethod();

    private readonly Span* _span;
    private readonly byte[] _output = BufferPool.NewPinned(OutputBytes);

    /// <param name="buffers">The thread's, for records that have come in part; null: it has none.</param>
    public TlsTransfer(BufferPool? buffers = null)
    {
        Buffers = buffers ?? new BufferPool();
        Check.That(TlsLibrary.TryLoad());
        _span = (Span*)NativeMemory.AllocZeroed((nuint)sizeof(Span));
        _span->Output = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_output, 0);
        Bio = OpenSsl.BIO_new(Method);
        OpenSsl.BIO_set_data(Bio, _span);
        OpenSsl.BIO_set_init(Bio, 1);
    }

    internal nint Bio { get; }

    internal BufferPool Buffers { get; }

    internal RecordCiphers Ciphers { get; } = new();

    /// <summary>Ciphertext that must be sent; empty after <see cref="ClearOutput"/>.</summary>
    public ReadOnlySpan<byte> Output => _output.AsSpan(0, _span->OutputCount);

    /// <summary>Room for a record of ours behind the output; null: there is none.</summary>
    internal byte* Reserve(int count) => count <= OutputBytes - _span->OutputCount ? _span->Output + _span->OutputCount : null;

    /// <summary>So much of that is output now.</summary>
    internal void Commit(int count) => _span->OutputCount += count;

    /// <summary>Takes back what was put behind the first <paramref name="count"/> bytes.</summary>
    internal void Withdraw(int count) => _span->OutputCount = count;

    public void ClearOutput() => _span->OutputCount = 0;

    /// <summary>Ciphertext for the calls to come; must stay where it is until <see cref="EndInput"/>.</summary>
    internal void BeginInput(byte* bytes, int count)
    {
        _span->Input = bytes;
        _span->InputCount = count;
    }

    /// <summary>Bytes that no call has taken.</summary>
    internal int InputCount => _span->InputCount;

    /// <returns>How many they are; they are the caller's now.</returns>
    internal int TakeInput()
    {
        var count = _span->InputCount;
        _span->InputCount = 0;
        return count;
    }

    internal void EndInput() => _span->InputCount = 0;

    private static nint NewMethod()
    {
        fixed (byte* name = "loop\0"u8)
        {
            var method = OpenSsl.BIO_meth_new(SourceSink, name);
            Check.That(method != 0);
            _ = OpenSsl.BIO_meth_set_read(method, &Read);
            _ = OpenSsl.BIO_meth_set_write(method, &Write);
            _ = OpenSsl.BIO_meth_set_ctrl(method, &Control);
            return method;
        }
    }

    [UnmanagedCallersOnly]
    private static int Read(nint bio, byte* buffer, int wanted)
    {
        var span = (Span*)OpenSsl.BIO_get_data(bio);
        var count = Math.Min(wanted, span->InputCount);
        if (count == 0)
        {
            OpenSsl.BIO_set_flags(bio, ShouldRetryRead);
            return -1;
        }
        OpenSsl.BIO_clear_flags(bio, ShouldRetryRead);
        Buffer.MemoryCopy(span->Input, buffer, wanted, count);
        span->Input += count;
        span->InputCount -= count;
        return count;
    }

    [UnmanagedCallersOnly]
    private static int Write(nint bio, byte* bytes, int count)
    {
        var span = (Span*)OpenSsl.BIO_get_data(bio);
        if (count > OutputBytes - span->OutputCount) return -1; // More than any call of ours makes.
        Buffer.MemoryCopy(bytes, span->Output + span->OutputCount, OutputBytes - span->OutputCount, count);
        span->OutputCount += count;
        return count;
    }

    [UnmanagedCallersOnly]
    private static nint Control(nint bio, int command, nint number, void* argument) => command == ControlFlush ? 1 : 0;

    private struct Span
    {
        internal byte* Input;
        internal int InputCount;
        internal byte* Output;
        internal int OutputCount;
    }
}
