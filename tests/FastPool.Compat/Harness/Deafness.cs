using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace FastPool.Compat.Harness;

/// <summary>
/// Makes one end of a TCP connection deaf and dumb, as if its machine were off. The kernel drops all that comes for it before
/// TCP sees it: nothing is acknowledged, and no probe is answered.
/// </summary>
internal static class Deafness
{
    private const int SolSocket = 1;
    private const int AttachFilter = 26;

    /// <summary>For good. The socket must be kept: closing it sends a FIN.</summary>
    public static void Begin(Socket socket)
    {
        // It would send its own bytes again and again, and so be heard.
        if (!SpinWait.SpinUntil(() => !IsOwedAnything(socket), 5_000)) throw new TimeoutException("bytes are not acknowledged");
        byte[] dropAll = [0x06, 0, 0, 0, 0, 0, 0, 0]; // BPF_RET: 0 bytes of the packet are kept.
        var pinned = GCHandle.Alloc(dropAll, GCHandleType.Pinned);
        try
        {
            Span<byte> program = stackalloc byte[16];
            program.Clear();
            BitConverter.TryWriteBytes(program, (ushort)1);
            BitConverter.TryWriteBytes(program[8..], pinned.AddrOfPinnedObject().ToInt64());
            socket.SetRawSocketOption(SolSocket, AttachFilter, program);
        }
        finally
        {
            pinned.Free();
        }
    }

    private static bool IsOwedAnything(Socket socket)
    {
        const int TcpInfo = 11;
        const int Unacked = 24;
        Span<byte> info = stackalloc byte[104];
        socket.GetRawSocketOption((int)SocketOptionLevel.Tcp, TcpInfo, info);
        return BitConverter.ToUInt32(info[Unacked..]) > 0;
    }
}
