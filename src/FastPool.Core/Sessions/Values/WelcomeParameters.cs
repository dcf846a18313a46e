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
    private Block? _last;

    private sealed record Block(ParameterValues Client, byte[] Bytes);

    /// <summary>As messages.</summary>
    public byte[] Untracked { get; } = untracked;

    public ParameterValues Tracked { get; } = tracked;

    /// <summary>AuthenticationOk, the parameters, key data, ReadyForQuery: one block.</summary>
    public void Write(TrackedParameters names, ParameterValues client, ulong cancelKey, MessageBuffer output)
    {
        // Pairs: the write below. Most clients of a pool are alike, so the last block mostly fits.
        var last = Volatile.Read(ref _last);
        if (last is null || !ReferenceEquals(last.Client, client))
        {
            last = new Block(client, Build(names, client));
            Volatile.Write(ref _last, last); // Pairs: the read above.
        }
        output.Write(last.Bytes);
        Span<byte> secret = stackalloc byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(secret, (uint)cancelKey);
        output.Write(new BackendKeyData { ProcessId = (int)(cancelKey >> 32), SecretKey = secret });
        output.Write(PreparedMessages.ReadyForQueryIdle);
    }

    private byte[] Build(TrackedParameters names, ParameterValues client)
    {
        var block = new MessageBuffer();
        block.Write(PreparedMessages.AuthenticationOk);
        block.Write(Untracked);
        for (var i = 0; i < names.Count; i++)
        {
            // A server that does not report it to the pooler would not report it to the client.
            if (client.IsTold(i) && (i < TrackedParameters.SearchPath || Tracked.IsTold(i)))
                block.Write(Status(names[i], client[i]!));
        }
        return block.WrittenSpan.ToArray();
    }

    public static byte[] Status(string name, string value)
    {
        var status = new ParameterStatus { Name = Encoding.Latin1.GetBytes(name), Value = Encoding.Latin1.GetBytes(value) };
        var bytes = new byte[status.Size];
        status.Write(bytes);
        return bytes;
    }
}
