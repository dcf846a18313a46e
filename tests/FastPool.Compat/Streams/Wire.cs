using System.Buffers.Binary;
using System.Text;

namespace FastPool.Compat.Streams;

/// <summary>A client's messages as bytes, and a server's as lines of text.</summary>
internal static class Wire
{
    public static byte[] Parse(string name, string text, params int[] types) =>
        RawClient.Typed('P', [.. Text(name), .. Text(text), .. Int16(types.Length), .. types.SelectMany(Int32)]);

    public static byte[] Bind(string portal, string statement, params string[] arguments) => RawClient.Typed('B',
        [.. Text(portal), .. Text(statement), 0, 0, .. Int16(arguments.Length),
            .. arguments.SelectMany(argument => Int32(argument.Length).Concat(Encoding.UTF8.GetBytes(argument))), 0, 0]);

    public static byte[] Describe(char kind, string name) => RawClient.Typed('D', [(byte)kind, .. Text(name)]);

    public static byte[] Execute(string portal = "", int rowsMax = 0) =>
        RawClient.Typed('E', [.. Text(portal), .. Int32(rowsMax)]);

    public static byte[] Close(char kind, string name) => RawClient.Typed('C', [(byte)kind, .. Text(name)]);

    public static byte[] CopyData(string text) => RawClient.Typed('d', Encoding.UTF8.GetBytes(text));

    public static byte[] CopyFail(string reason) => RawClient.Typed('f', Text(reason));

    /// <summary>int4pl, by its object id.</summary>
    public static byte[] CallSum(int one, int two) =>
        RawClient.Typed('F',
        [.. Int32(177), .. Int16(1), .. Int16(1), .. Int16(2), .. Int32(4), .. Int32(one), .. Int32(4), .. Int32(two),
        .. Int16(1)]);

    public static readonly byte[] Sync = RawClient.Typed('S', []);
    public static readonly byte[] Flush = RawClient.Typed('H', []);
    public static readonly byte[] CopyDone = RawClient.Typed('c', []);
    public static readonly byte[] Terminate = RawClient.Typed('X', []);

    public static byte[] Query(string text) => RawClient.Query(text);

    public static byte[] Text(string text) => [.. Encoding.UTF8.GetBytes(text), 0];

    public static byte[] Int16(int value) => [(byte)(value >> 8), (byte)value];

    public static byte[] Int32(int value) => [(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];

    /// <summary>A server's message: errors and parameters readable, everything else by its bytes.</summary>
    public static string Show(Message message) => message.Type switch
    {
        'E' or 'N' => $"{message.Type} {message.Field('S')}/{message.Field('C')} {message.Field('M')}"
            + (message.Field('V') is null ? "" : $" ({Convert.ToHexString(message.Body)})"),
        'S' => "S " + string.Join('=', Encoding.UTF8.GetString(message.Body).Split('\0')[..2]),
        'K' => $"K of {message.Body.Length} bytes",
        'Z' => "Z " + (char)message.Body[0],
        'R' => $"R {BinaryPrimitives.ReadInt32BigEndian(message.Body)}",
        'C' => "C " + Encoding.UTF8.GetString(message.Body).TrimEnd('\0'),
        _ => $"{message.Type} {Convert.ToHexString(message.Body)}",
    };
}
