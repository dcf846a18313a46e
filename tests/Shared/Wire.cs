using System.Buffers.Binary;
using System.Text;

namespace FastPool.Testing;

/// <summary>
/// Messages of both sides as bytes: the one place where tests write them and cut them. It is written without the product's
/// code, which must not be tested by itself. Texts are UTF-8.
/// </summary>
internal static class Wire
{
    public const int Version3 = 0x30000;
    public const int CancelRequest = 80877102;
    public const int SslRequest = 80877103;
    public const int GssEncRequest = 80877104;

    private const int HeaderSize = 5;

    public static readonly byte[] Sync = Typed('S');
    public static readonly byte[] Flush = Typed('H');
    public static readonly byte[] CopyDone = Typed('c');
    public static readonly byte[] Terminate = Typed('X');

    /// <summary>A message with a type.</summary>
    public static byte[] Typed(char type, params byte[] body) => [(byte)type, .. Int32(4 + body.Length), .. body];

    /// <summary>A message that only begins a connection: length, code, body.</summary>
    public static byte[] Untyped(int code, params byte[] body) => [.. Int32(8 + body.Length), .. Int32(code), .. body];

    /// <summary>Version 2 of the PROXY protocol.</summary>
    public static byte[] ProxyHeader(byte command, byte family, byte[] body) =>
        [0x0D, 0x0A, 0x0D, 0x0A, 0, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A, command, family, .. Int16(body.Length), .. body];

    public static byte[] Startup(params (string Name, string Value)[] parameters) =>
        Untyped(Version3, [.. parameters.SelectMany(static pair => Strings(pair.Name, pair.Value)), 0]);

    public static byte[] Query(string text) => Typed('Q', Strings(text));

    public static byte[] Parse(string name, string text, params int[] types) =>
        Typed('P', [.. Strings(name, text), .. Int16(types.Length), .. types.SelectMany(Int32)]);

    public static byte[] Bind(string portal, string statement, params string[] arguments) =>
        Typed('B', [.. Strings(portal, statement), 0, 0, .. Int16(arguments.Length), .. arguments.SelectMany(Value), 0, 0]);

    public static byte[] Describe(char kind, string name) => Typed('D', [(byte)kind, .. Strings(name)]);

    public static byte[] Execute(string portal = "", int rowsMax = 0) => Typed('E', [.. Strings(portal), .. Int32(rowsMax)]);

    public static byte[] Close(char kind, string name) => Typed('C', [(byte)kind, .. Strings(name)]);

    public static byte[] CopyData(string text) => Typed('d', Encoding.UTF8.GetBytes(text));

    public static byte[] CopyFail(string reason) => Typed('f', Strings(reason));

    /// <summary>int4pl, by its object id.</summary>
    public static byte[] CallSum(int one, int two) =>
        Typed('F', [.. Int32(177), .. Int16(1), .. Int16(1), .. Int16(2), .. Int32(4), .. Int32(one), .. Int32(4), .. Int32(two),
            .. Int16(1)]);

    public static byte[] Error(string severity, string code, string text) =>
        Typed('E', [.. Strings("S" + severity, "V" + severity, "C" + code, "M" + text), 0]);

    public static byte[] Notice(string text) => Typed('N', [.. Strings("SNOTICE", "VNOTICE", "C00000", "M" + text), 0]);

    /// <summary>Texts, each with its NUL.</summary>
    public static byte[] Strings(params string[] texts) =>
        Encoding.UTF8.GetBytes(string.Concat(texts.Select(static text => text + "\0")));

    /// <summary>A value with its length in front.</summary>
    public static byte[] Value(string text) => [.. Int32(Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)];

    public static byte[] Int16(int value) => [(byte)(value >> 8), (byte)value];

    public static byte[] Int32(int value) => [(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];

    /// <summary>The bytes that <see cref="RawStrings(ReadOnlySpan{byte})"/> has made a text of, unchanged.</summary>
    public static byte[] Raw(string text) => Encoding.Latin1.GetBytes(text);

    /// <summary>The same of several texts, each with its NUL.</summary>
    public static byte[] RawStrings(params string[] texts) => Raw(string.Concat(texts.Select(static text => text + "\0")));

    /// <summary>The texts of a body, a character a byte: no byte is lost, whatever the encoding.</summary>
    public static string[] RawStrings(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes).Split('\0');

    /// <summary>The whole message at the front of the bytes.</summary>
    /// <returns>Its length; 0 when it is not all there.</returns>
    public static int Frame(ReadOnlySpan<byte> bytes, out char type)
    {
        type = bytes.IsEmpty ? '\0' : (char)bytes[0];
        if (bytes.Length < HeaderSize) return 0;
        var length = LengthOf(bytes);
        return length <= bytes.Length ? length : 0;
    }

    /// <summary>The length of the message whose first five bytes these are, its type included.</summary>
    public static int LengthOf(ReadOnlySpan<byte> header) => BinaryPrimitives.ReadInt32BigEndian(header[1..]) + 1;

    /// <summary>A client's messages in short, for people.</summary>
    public static string InShort(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        for (int length; (length = Frame(bytes, out var type)) > 0; bytes = bytes[length..])
        {
            var strings = type is 'd' or 'F' ? ""
                : string.Join(' ', RawStrings(bytes[HeaderSize..length]).Take(type is 'P' or 'B' ? 2 : 1));
            text.Append(type).Append('(').Append(strings).Append(") ");
        }
        return text.ToString();
    }
}
