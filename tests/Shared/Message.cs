using System.Buffers.Binary;
using System.Text;

namespace FastPool.Testing;

/// <summary>A column as RowDescription describes it.</summary>
internal sealed record ColumnDescription(string Name, uint Table, int Attribute, uint Oid, int Length, int Modifier, int Format);

/// <summary>One message as it came: its type byte and its body. It is read without the product's code. Texts are UTF-8.</summary>
internal sealed record Message(char Type, byte[] Body)
{
    /// <summary>The messages that the bytes are; a cut one at the end is an error.</summary>
    public static IReadOnlyList<Message> ReadAll(ReadOnlySpan<byte> bytes)
    {
        var messages = new List<Message>();
        while (!bytes.IsEmpty)
        {
            var length = Wire.Frame(bytes, out var type);
            if (length == 0) throw new InvalidDataException($"a message {type} is cut");
            messages.Add(new Message(type, bytes[5..length].ToArray()));
            bytes = bytes[length..];
        }
        return messages;
    }

    /// <summary>The NUL-terminated strings of the body.</summary>
    public string[] Strings => Encoding.UTF8.GetString(Body).TrimEnd('\0').Split('\0');

    /// <summary>The codes of the fields of an ErrorResponse or NoticeResponse, in order.</summary>
    public string FieldCodes => string.Concat(Strings.Select(static text => text[0]));

    /// <summary>Errors and notices as <c>ERROR/08P01 "text"</c>, the rest as type and strings.</summary>
    public string Text => Type is 'E' or 'N'
        ? $"{Field('S')}/{Field('C')} \"{Field('M')}\""
        : $"{Type}:{string.Join('=', Strings)}";

    /// <summary>The values of a DataRow, as bytes.</summary>
    public byte[]?[] Cells
    {
        get
        {
            var cells = new byte[]?[BinaryPrimitives.ReadInt16BigEndian(Body)];
            var position = 2;
            for (var i = 0; i < cells.Length; i++)
            {
                var length = BinaryPrimitives.ReadInt32BigEndian(Body.AsSpan(position));
                position += 4;
                if (length < 0) continue;
                cells[i] = Body.AsSpan(position, length).ToArray();
                position += length;
            }
            AssertRead(position);
            return cells;
        }
    }

    /// <summary>The values of a DataRow, as texts.</summary>
    public string?[] Values => [.. Cells.Select(static cell => cell is null ? null : Encoding.UTF8.GetString(cell))];

    /// <summary>The columns of a RowDescription.</summary>
    public ColumnDescription[] Columns
    {
        get
        {
            var columns = new ColumnDescription[BinaryPrimitives.ReadInt16BigEndian(Body)];
            var position = 2;
            for (var i = 0; i < columns.Length; i++)
            {
                var end = Array.IndexOf(Body, (byte)0, position);
                var rest = Body.AsSpan(end + 1, 18);
                columns[i] = new ColumnDescription(Encoding.UTF8.GetString(Body, position, end - position),
                    BinaryPrimitives.ReadUInt32BigEndian(rest), BinaryPrimitives.ReadInt16BigEndian(rest[4..]),
                    BinaryPrimitives.ReadUInt32BigEndian(rest[6..]), BinaryPrimitives.ReadInt16BigEndian(rest[10..]),
                    BinaryPrimitives.ReadInt32BigEndian(rest[12..]), BinaryPrimitives.ReadInt16BigEndian(rest[16..]));
                position = end + 19;
            }
            AssertRead(position);
            return columns;
        }
    }

    /// <summary>A field of an ErrorResponse or NoticeResponse: S severity, C SQLSTATE, M message, D detail.</summary>
    public string? Field(char code) => Array.Find(Strings, text => text.Length > 0 && text[0] == code)?[1..];

    public override string ToString() =>
        Type is 'E' or 'N' ? $"{Type}: {Field('S')}/{Field('C')} {Field('M')}" : $"{Type} ({Body.Length} bytes)";

    private void AssertRead(int position)
    {
        if (position != Body.Length) throw new InvalidDataException($"{Body.Length - position} bytes follow the end of {Type}");
    }
}
