using System.Buffers.Binary;
using System.Text;

namespace FastPool.Compat.Harness;

/// <summary>A server's messages as lines of text.</summary>
internal static class MessageText
{
    /// <summary>Errors and parameters readable, everything else by its bytes.</summary>
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
