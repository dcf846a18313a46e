using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace FastPool.Compat.Harness;

/// <summary>Sends a message together with an open descriptor (SCM_RIGHTS), which .NET's sockets cannot.</summary>
internal static class DescriptorSender
{
    private const int SolSocket = 1;
    private const int Rights = 1;
    private const int HeaderBytes = 16; // struct cmsghdr on 64 bit.

    public static void Send(Socket to, byte[] message, Socket descriptor)
    {
        var bytes = GCHandle.Alloc(message, GCHandleType.Pinned);
        var control = Marshal.AllocHGlobal(HeaderBytes + 8);
        var vector = Marshal.AllocHGlobal(Marshal.SizeOf<IoVec>());
        try
        {
            Marshal.WriteInt64(control, HeaderBytes + sizeof(int));
            Marshal.WriteInt32(control, 8, SolSocket);
            Marshal.WriteInt32(control, 12, Rights);
            Marshal.WriteInt32(control, HeaderBytes, (int)descriptor.Handle);
            Marshal.StructureToPtr(new IoVec { Start = bytes.AddrOfPinnedObject(), Length = message.Length }, vector, false);
            var header = new MsgHdr { Vectors = vector, VectorCount = 1, Control = control, ControlLength = HeaderBytes + 8 };
            var sent = sendmsg((int)to.Handle, ref header, 0);
            if (sent < 0) throw new SocketException(Marshal.GetLastPInvokeError());
            if (sent != message.Length) throw new InvalidOperationException($"sendmsg gave {sent}");
        }
        finally
        {
            Marshal.FreeHGlobal(vector);
            Marshal.FreeHGlobal(control);
            bytes.Free();
        }
    }

    [DllImport("libc", SetLastError = true)]
    private static extern nint sendmsg(int socket, ref MsgHdr message, int flags);

    [StructLayout(LayoutKind.Sequential)]
    private struct IoVec
    {
        public nint Start;
        public nint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct MsgHdr
    {
        public nint Name;
        public int NameLength;
        public nint Vectors;
        public nint VectorCount;
        public nint Control;
        public nint ControlLength;
        public int Flags;
    }
}
