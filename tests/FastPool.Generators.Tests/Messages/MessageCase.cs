using FastPool.Protocol;

namespace FastPool.Generators.Tests;

/// <summary>A message type with the type itself hidden, so that a loop can go over all of them.</summary>
internal abstract class MessageCase(Type type, string wire)
{
    public string Name => Type.Name;

    public Type Type { get; } = type;

    /// <summary>A packet written by hand from the manual.</summary>
    public byte[] Packet { get; } = Notation.Bytes(wire);

    /// <summary>The same packet as its struct writes it.</summary>
    public abstract byte[] WriteSample();

    public abstract byte[] WriteRandom(Random random);

    /// <summary>Writes the sample into a destination of this many bytes.</summary>
    public abstract void WriteSampleInto(int length);

    /// <summary>
    /// Reads the body and writes what was read. Write never gives the same bytes for two values (the samples show each field
    /// at its
    /// place), so equal bytes mean that reading lost nothing.
    /// </summary>
    /// <returns>Bytes written; -1 when the body was refused.</returns>
    public abstract int Rewrite(ReadOnlySpan<byte> body, Span<byte> destination);

    public override string ToString() => Name;
}

internal sealed class MessageCase<T>(string wire, Func<T> sample, Func<Random, T> random) : MessageCase(typeof(T), wire)
    where T : IMessage<T>, allows ref struct
{
    public override byte[] WriteSample() => Write(sample());

    public override byte[] WriteRandom(Random source) => Write(random(source));

    public override void WriteSampleInto(int length) => sample().Write(new byte[length]);

    public override int Rewrite(ReadOnlySpan<byte> body, Span<byte> destination)
    {
        if (!T.TryRead(body, out var message)) return -1;
        var written = message.Write(destination);
        return written == message.Size ? written : throw new InvalidOperationException($"{Name}: Write and Size disagree");
    }

    private static byte[] Write(scoped T message)
    {
        var packet = new byte[message.Size];
        Assert.Equal(packet.Length, message.Write(packet));
        return packet;
    }
}
