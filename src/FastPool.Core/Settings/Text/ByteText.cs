using System.Text;

namespace FastPool.Core.Settings;

/// <summary>
/// Text from outside has no encoding of its own: a string here holds one char a byte (Latin-1), so that what was read is what
/// is compared, sent and logged, byte for byte. Only where .NET itself takes a name is it turned into real UTF-16.
/// </summary>
public static class ByteText
{
    public static string Of(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    /// <summary>A string of .NET's own (an argument, a variable of the environment) as UTF-8, one char a byte.</summary>
    public static string FromNative(string text) =>
        Ascii.IsValid(text) ? text : Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    /// <summary>The way back, for the names of files and for JSON. Bytes that are no UTF-8 are replaced.</summary>
    public static string ToNative(string text) =>
        Ascii.IsValid(text) ? text : Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(text));

    /// <summary>isspace of the C locale: what the grammars of all configuration files call white space.</summary>
    public static bool IsSpace(char c) => c is ' ' or (>= '\t' and <= '\r');

    /// <summary>Without white space at either end.</summary>
    public static ReadOnlySpan<char> Trim(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty && IsSpace(text[0])) text = text[1..];
        return TrimEnd(text);
    }

    /// <summary>Without white space at the end.</summary>
    public static ReadOnlySpan<char> TrimEnd(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty && IsSpace(text[^1])) text = text[..^1];
        return text;
    }
}
