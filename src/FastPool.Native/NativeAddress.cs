using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using FastPool.Base;

namespace FastPool.Native;

/// <summary>A struct sockaddr of any of the three families that a pooler meets, as bytes with their length.</summary>
public readonly struct NativeAddress
{
    private const int UnixPathMax = 107;

    private readonly byte[] _bytes;

    private NativeAddress(byte[] bytes) => _bytes = bytes;

    internal ReadOnlySpan<byte> Bytes => _bytes;

    public EndAddress ToEndAddress() => EndAddress.Read(_bytes);

    public int Family => MemoryMarshal.Read<ushort>(_bytes);

    /// <summary>The path that <see cref="Unix"/> was given; empty for an IP address.</summary>
    public string UnixPath
    {
        get
        {
            if (_bytes is null || Family != SocketFamily.Unix) return "";
            var path = _bytes.AsSpan(2);
            if (path.Length > 0 && path[0] == 0) return "@" + Encoding.Latin1.GetString(path[1..]);
            return Encoding.Latin1.GetString(path.TrimEnd((byte)0));
        }
    }

    /// <summary>A mapped IPv4 address is one of IPv4, whose socket it needs.</summary>
    public static NativeAddress Ip(IPAddress address, int port)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork)
        {
            var v4 = new byte[16];
            MemoryMarshal.Write(v4, (ushort)SocketFamily.V4);
            BinaryPrimitives.WriteUInt16BigEndian(v4.AsSpan(2), (ushort)port);
            address.TryWriteBytes(v4.AsSpan(4), out _);
            return new NativeAddress(v4);
        }
        var v6 = new byte[28];
        MemoryMarshal.Write(v6, (ushort)SocketFamily.V6);
        BinaryPrimitives.WriteUInt16BigEndian(v6.AsSpan(2), (ushort)port);
        address.TryWriteBytes(v6.AsSpan(8), out _);
        MemoryMarshal.Write(v6.AsSpan(24), (uint)address.ScopeId);
        return new NativeAddress(v6);
    }

    /// <summary>A Unix socket; a leading <c>@</c> means the abstract namespace (no trailing NUL, as PostgreSQL does).</summary>
    /// <returns>Null when the path does not fit a sockaddr_un.</returns>
    public static NativeAddress? Unix(string path)
    {
        var isAbstract = path.StartsWith('@');
        if (path.Length > UnixPathMax) return null;
        var bytes = new byte[2 + path.Length + (isAbstract ? 0 : 1)];
        MemoryMarshal.Write(bytes, (ushort)SocketFamily.Unix);
        Encoding.Latin1.GetBytes(path, bytes.AsSpan(2));
        if (isAbstract) bytes[2] = 0;
        return new NativeAddress(bytes);
    }
}
