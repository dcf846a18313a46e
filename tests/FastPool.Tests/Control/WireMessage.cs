using System.Buffers.Binary;
using System.Text;

namespace FastPool.Tests.Control;

/// <summary>A backend message, read for tests alone and without the code under test.</summary>
internal sealed class WireMessage(char type, byte[] body)
{
    public char Type { get; } = type;

    public byte[] Body { get; } = body;

    public static IReadOnlyList<WireMessage> ReadAll(ReadOnlySpan<byte> bytes)
    {
        var messages = new List<WireMessage>();
        while (!bytes.IsEmpty)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(bytes[1..]);
            messages.Add(new WireMessage((char)bytes[0], bytes[5..(1 + length)].ToArray()));
            bytes = bytes[(1 + length)..];
        }
        return messages;
    }

    /// <summary>The NUL-terminated strings of the body.</summary>
    public string[] Strings => Encoding.Latin1.GetString(Body).TrimEnd('\0').Split('\0');

    /// <summary>Errors and notices as <c>ERROR/08P01 "text"</c>, the rest as type and strings.</summary>
    public string Text => Type is 'E' or 'N'
        ? $"{Field('S')}/{Field('C')} \"{Field('M')}\""
        : $"{Type}:{string.Join('=', Strings)}";

    public string Fields => string.Concat(Strings.Select(static text => text[0]));

    public string? Field(char code) => Strings.FirstOrDefault(text => text[0] == code)?[1..];

    public string?[] Values
    {
        get
        {
            var values = new string?[BinaryPrimitives.ReadInt16BigEndian(Body)];
            var position = 2;
            for (var i = 0; i < values.Length; i++)
            {
                var length = BinaryPrimitives.ReadInt32BigEndian(Body.AsSpan(position));
                position += 4;
                if (length < 0) continue;
                values[i] = Encoding.Latin1.GetString(Body, position, length);
                position += length;
            }
            Assert.Equal(Body.Length, position);
            return values;
        }
    }

    /// <summary>With the fields that are the same for all columns asserted.</summary>
    public (string Name, int Oid, int Length)[] Columns
    {
        get
        {
            var columns = new (string, int, int)[BinaryPrimitives.ReadInt16BigEndian(Body)];
            var position = 2;
            for (var i = 0; i < columns.Length; i++)
            {
                var end = Array.IndexOf(Body, (byte)0, position);
                var name = Encoding.Latin1.GetString(Body, position, end - position);
                var rest = Body.AsSpan(end + 1, 18);
                Assert.Equal([0, 0, 0, 0, 0, 0], rest[..6].ToArray());                                // No table, no attribute.
                Assert.Equal([255, 255, 255, 255, 0, 0], rest[12..].ToArray());                       // No typmod, text.
                columns[i] =
                    (name, BinaryPrimitives.ReadInt32BigEndian(rest[6..]), BinaryPrimitives.ReadInt16BigEndian(rest[10..]));
                position = end + 19;
            }
            Assert.Equal(Body.Length, position);
            return columns;
        }
    }
}
