using System.Text;
using FastPool.Core.Pools;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// The parameters that a pool's first server reported: the untracked ones as the messages they came in, the tracked
/// ones as defaults for clients that named no value.
/// </summary>
public sealed class WelcomeParameters(byte[] untracked, ParameterValues tracked) : Welcome
{
    public ParameterValues Tracked { get; } = tracked;

    /// <summary>AuthenticationOk, the parameters, key data, ReadyForQuery: one block.</summary>
    public byte[] Write(TrackedParameters names, ParameterValues client, ulong cancelKey)
    {
        var block = new List<byte>(512);
        block.AddRange(PreparedMessages.AuthenticationOk);
        block.AddRange(untracked);
        for (var i = 0; i < names.Count; i++)
        {
            if (client[i] is { } value) block.AddRange(Status(names[i], value));
        }
        Span<byte> secret = stackalloc byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(secret, (uint)cancelKey);
        var key = new BackendKeyData { ProcessId = (int)(cancelKey >> 32), SecretKey = secret };
        Span<byte> keyBytes = stackalloc byte[key.Size];
        key.Write(keyBytes);
        block.AddRange(keyBytes);
        block.AddRange(PreparedMessages.ReadyForQueryIdle);
        return [.. block];
    }

    public static byte[] Status(string name, string value)
    {
        var status = new ParameterStatus { Name = Encoding.Latin1.GetBytes(name), Value = Encoding.Latin1.GetBytes(value) };
        var bytes = new byte[status.Size];
        status.Write(bytes);
        return bytes;
    }
}
