using System.Buffers.Binary;
using FastPool.Simulation.Network;

namespace FastPool.Simulation.Hostile;

/// <summary>
/// Makes wrong messages out of right ones: lengths that lie, fields that are cut, doubled or swapped, types that do not belong,
/// and floods. A conversation stays right for long enough to get somewhere.
/// </summary>
internal sealed class Mutator(Dice dice)
{
    private const int HeaderBytes = 5;

    private static readonly int[] Lengths =
        [0, 1, 3, 4, 5, 6, 7, 8, 255, 65_535, 65_536, 1_000_000, int.MaxValue - 1, int.MaxValue, int.MinValue, -1, -2];

    /// <summary>Messages that were changed, or made up, by all mutators of the process.</summary>
    internal static long MutatedCount => Interlocked.Read(ref _mutated);

    private static long _mutated;

    /// <summary>One message in so many is touched.</summary>
    internal int Rate { get; init; } = 6;

    /// <summary>Appends the messages in <paramref name="right"/>, some of them changed.</summary>
    internal void Mutate(ReadOnlySpan<byte> right, ByteQueue output)
    {
        while (right.Length >= HeaderBytes)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(right[1..]) + 1;
            if (length < HeaderBytes || length > right.Length) break;
            if (dice.OneIn(Rate)) Change(right[..length], output);
            else output.Add(right[..length]);
            right = right[length..];
        }
        output.Add(right);
    }

    private void Change(ReadOnlySpan<byte> message, ByteQueue output)
    {
        Interlocked.Increment(ref _mutated);
        var copy = message.ToArray();
        switch (dice.Below(14))
        {
            case 0: // A byte, anywhere.
                copy[dice.Below(copy.Length)] = (byte)dice.Next();
                break;
            case 1: // A bit of the body.
                if (copy.Length > HeaderBytes) copy[dice.Between(HeaderBytes, copy.Length - 1)] ^= (byte)(1 << dice.Below(8));
                break;
            case 2: // A length that lies.
                BinaryPrimitives.WriteInt32BigEndian(copy.AsSpan(1), dice.OneIn(2) ? dice.Of(Lengths)
                    : copy.Length - 1 + dice.Between(-3, 3));
                break;
            case 3: // Cut, and its length says so.
                copy = WithLength(copy.AsSpan(0, dice.Between(HeaderBytes, copy.Length)));
                break;
            case 4: // Longer than it has any right to be.
                copy = WithLength([.. copy, .. Garbage(dice.OneIn(10) ? 70_000 : dice.Between(1, 300))]);
                break;
            case 5: // Twice, or many times.
                for (var i = dice.OneIn(10) ? 500 : 1; i > 0; i--) output.Add(copy);
                break;
            case 6: return; // Left out.
            case 7: // Another type.
                copy[0] = (byte)"QPBDECSHXFdcfpRKSZTDCE123nstINAGHWVv?"[dice.Below(37)];
                break;
            case 8: // Something made up before it.
                output.Add(MadeUp());
                break;
            case 9: // No string ends any more.
                for (var i = HeaderBytes; i < copy.Length; i++)
                {
                    if (copy[i] == 0) copy[i] = (byte)'x';
                }
                break;
            case 10: // Strings end early.
                if (copy.Length > HeaderBytes) copy[dice.Between(HeaderBytes, copy.Length - 1)] = 0;
                break;
            case 11: // A count or a length inside.
                if (copy.Length >= HeaderBytes + 4)
                    BinaryPrimitives.WriteInt32BigEndian(copy.AsSpan(dice.Between(HeaderBytes, copy.Length - 4)),
                    dice.Of(Lengths));
                break;
            case 12: // A header that promises much, and a little of it.
                output.Add([copy[0], 0x7F, 0xFF, (byte)dice.Next(), (byte)dice.Next()]);
                output.Add(Garbage(dice.Between(0, 2_000)));
                return;
            default: // Noise.
                output.Add(Garbage(dice.Between(1, 40)));
                break;
        }
        output.Add(copy);
    }

    private byte[] MadeUp() => WithLength([(byte)dice.Between(0, 255), 0, 0, 0, 0, .. Garbage(dice.Below(60))]);

    private byte[] Garbage(int count)
    {
        var bytes = new byte[count];
        foreach (ref var b in bytes.AsSpan()) b = (byte)dice.Next();
        return bytes;
    }

    private static byte[] WithLength(ReadOnlySpan<byte> message)
    {
        var copy = message.ToArray();
        BinaryPrimitives.WriteInt32BigEndian(copy.AsSpan(1), copy.Length - 1);
        return copy;
    }
}
