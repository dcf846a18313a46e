using System.Buffers.Binary;
using System.Text;
using FastPool.Simulation.Network;

namespace FastPool.Simulation.Postgres;

/// <summary>
/// Messages of both sides, written here a second time: what the peers say must not depend on the code they test.
/// </summary>
internal static class Wire
{
    internal static void Message(this ByteQueue queue, char type, ReadOnlySpan<byte> body)
    {
        Span<byte> header = stackalloc byte[5];
        header[0] = (byte)type;
        BinaryPrimitives.WriteInt32BigEndian(header[1..], body.Length + 4);
        queue.Add(header);
        queue.Add(body);
    }

    internal static void Message(this ByteQueue queue, char type, params string[] strings) =>
        queue.Message(type, Strings(strings));

    internal static byte[] Strings(params string[] strings) =>
        Encoding.Latin1.GetBytes(string.Concat(strings.Select(text => text + "\0")));

    internal static byte[] Latin1(string text) => Encoding.Latin1.GetBytes(text);

    internal static byte[] Int16(int value) => [(byte)(value >> 8), (byte)value];

    internal static byte[] Int32(int value) => [(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];

    internal static byte[] Startup(int code, byte[] rest) => [.. Int32(8 + rest.Length), .. Int32(code), .. rest];

    internal static void Query(this ByteQueue queue, string text) => queue.Message('Q', text);

    internal static void Parse(this ByteQueue queue, string name, string text) =>
        queue.Message('P', [.. Strings(name, text), 0, 0]);

    internal static void Bind(this ByteQueue queue, string portal, string statement, string argument) =>
        queue.Message('B', [.. Strings(portal, statement), 0, 0, 0, 1, .. Int32(argument.Length), .. Latin1(argument), 0, 0]);

    internal static void Describe(this ByteQueue queue, char kind, string name) =>
        queue.Message('D', [(byte)kind, .. Strings(name)]);

    internal static void Close(this ByteQueue queue, char kind, string name) =>
        queue.Message('C', [(byte)kind, .. Strings(name)]);

    internal static void Execute(this ByteQueue queue, string portal, int rows) =>
        queue.Message('E', [.. Strings(portal), .. Int32(rows)]);

    internal static void Error(this ByteQueue queue, string severity, string code, string text) =>
        queue.Message('E', [.. Strings("S" + severity, "V" + severity, "C" + code, "M" + text), 0]);

    internal static void Notice(this ByteQueue queue, string text) =>
        queue.Message('N', [.. Strings("SNOTICE", "VNOTICE", "C00000", "M" + text), 0]);

    /// <summary>The whole message at the front of the bytes.</summary>
    /// <returns>Its length; 0 when it is not all there.</returns>
    internal static int Frame(ReadOnlySpan<byte> bytes, out char type)
    {
        type = bytes.IsEmpty ? '\0' : (char)bytes[0];
        if (bytes.Length < 5) return 0;
        var length = BinaryPrimitives.ReadInt32BigEndian(bytes[1..]) + 1;
        return length <= bytes.Length ? length : 0;
    }

    /// <summary>The messages of a client, in short.</summary>
    internal static string Describe(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        for (int length; (length = Frame(bytes, out var type)) > 0; bytes = bytes[length..])
        {
            var strings = type is 'd' or 'F' ? "" : string.Join(' ', CStrings(bytes[5..length]).Take(type is 'P' or 'B' ? 2 : 1));
            text.Append(type).Append('(').Append(strings).Append(") ");
        }
        return text.ToString();
    }

    internal static string[] CStrings(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes).Split('\0');
}
