using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace FastPool.Protocol;

/// <summary>Whole rows of a result or of COPY data, one after the other: nothing to judge, and most of all traffic.</summary>
public static class RowRun
{
    /// <summary>Whether a row stands at the start. Most messages are none, and do not pay for a search.</summary>
    /// <param name="rowType">As for <see cref="Find"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool MayBegin(ReadOnlySpan<byte> data, byte rowType) =>
        data.Length > 0 && (data[0] == rowType || data[0] == BackendMessage.CopyData);

    /// <summary>Finds how far the rows at the start of <paramref name="data"/> reach.</summary>
    /// <param name="lengthMax">A row as long as this, or longer, ends the run: it goes the general way, as one that is cut or
    /// wrong does.</param>
    /// <param name="rowType">The type that counts as a row beside CopyData; a client's D is a Describe.</param>
    /// <param name="count">How many rows there were.</param>
    /// <returns>Bytes of these rows.</returns>
    public static int Find(ReadOnlySpan<byte> data, uint lengthMax, byte rowType, out int count)
    {
        var position = 0;
        count = 0;
        while (data.Length - position > MessageHeader.Size)
        {
            var type = data[position];
            if (type != rowType && type != BackendMessage.CopyData) break;
            var length = BinaryPrimitives.ReadUInt32BigEndian(data[(position + 1)..]);
            if (length < 4 || length >= lengthMax || length >= (uint)(data.Length - position)) break;
            position += (int)length + 1;
            count++;
        }
        return position;
    }
}
