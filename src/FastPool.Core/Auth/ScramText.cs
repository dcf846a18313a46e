using System.Buffers.Text;
using System.Text;

namespace FastPool.Core.Auth;

/// <summary>The attribute=value texts of SCRAM messages, as bytes. Source: RFC 5802, section 7.</summary>
internal static class ScramText
{
    /// <summary>Takes <c>name=value</c> and the comma behind it.</summary>
    internal static bool TryTake(ref ReadOnlySpan<byte> rest, char name, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (rest.Length < 2 || rest[0] != name || rest[1] != '=') return false;
        var end = rest.IndexOf((byte)',');
        value = end < 0 ? rest[2..] : rest[2..end];
        rest = end < 0 ? default : rest[(end + 1)..];
        return true;
    }

    internal static bool IsPrintable(ReadOnlySpan<byte> text)
    {
        foreach (var c in text)
        {
            if (c is < 0x21 or > 0x7e or (byte)',') return false;
        }
        return !text.IsEmpty;
    }

    internal static bool TryDecode(ReadOnlySpan<byte> base64, out byte[] bytes)
    {
        bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(base64.Length)];
        if (base64.IsEmpty || Base64.DecodeFromUtf8(base64, bytes, out _, out var written) != System.Buffers.OperationStatus.Done)
            return false;
        Array.Resize(ref bytes, written);
        return true;
    }

    internal static string Encode(ReadOnlySpan<byte> bytes) => Convert.ToBase64String(bytes);

    internal static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);
}
