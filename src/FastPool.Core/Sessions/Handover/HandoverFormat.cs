using FastPool.Base;

namespace FastPool.Core.Sessions.Handover;

/// <summary>Lists, byte strings and addresses in the form of <see cref="HandedState"/>.</summary>
/// <remarks>Reading what is not in that form ends in an <see cref="IOException"/>.</remarks>
internal static class HandoverFormat
{
    internal static void WriteBytes(this BinaryWriter to, ReadOnlySpan<byte> bytes)
    {
        to.Write(bytes.Length);
        to.Write(bytes);
    }

    internal static byte[] ReadCountedBytes(this BinaryReader from)
    {
        var length = ReadCount(from);
        if (length == 0) return [];
        var bytes = from.ReadBytes(length);
        return bytes.Length == length ? bytes : throw new EndOfStreamException();
    }

    internal static void WriteList<T>(this BinaryWriter to, IReadOnlyList<T> items, Action<BinaryWriter, T> write)
    {
        to.Write(items.Count);
        foreach (var item in items) write(to, item);
    }

    internal static IReadOnlyList<T> ReadList<T>(this BinaryReader from, Func<BinaryReader, T> read)
    {
        var count = ReadCount(from);
        if (count == 0) return [];
        var items = new List<T>();
        for (var i = 0; i < count; i++) items.Add(read(from));
        return items;
    }

    private static int ReadCount(BinaryReader from)
    {
        var count = from.ReadInt32();
        return count >= 0 ? count : throw new EndOfStreamException();
    }

    /// <summary>A value, or the word that it is that of the record before.</summary>
    internal static void WriteShared<T>(this BinaryWriter to, T value, T? before, Action<BinaryWriter, T> write)
        where T : class
    {
        var isSame = EqualityComparer<T>.Default.Equals(value, before!);
        to.Write(isSame);
        if (!isSame) write(to, value);
    }

    internal static T ReadShared<T>(this BinaryReader from, T? before, Func<BinaryReader, T> read)
        where T : class =>
        from.ReadBoolean() ? before ?? throw new EndOfStreamException() : read(from);

    /// <summary>Reads what <see cref="WriteNamed"/> wrote.</summary>
    internal static IReadOnlyList<(string Name, string Value)> ReadNamed(this BinaryReader from) =>
        from.ReadList(static reader => (reader.ReadString(), reader.ReadString()));

    internal static void WriteNamed(this BinaryWriter to, IReadOnlyList<(string Name, string Value)> parameters) =>
        to.WriteList(parameters, static (writer, parameter) =>
    {
        writer.Write(parameter.Name);
        writer.Write(parameter.Value);
    });

    internal static void WriteAddress(this BinaryWriter to, EndAddress address)
    {
        Span<byte> bytes = stackalloc byte[EndAddress.Size];
        address.CopyTo(bytes);
        to.Write(bytes);
    }

    internal static EndAddress ReadAddress(this BinaryReader from)
    {
        Span<byte> bytes = stackalloc byte[EndAddress.Size];
        from.BaseStream.ReadExactly(bytes);
        return EndAddress.Of(bytes);
    }
}
