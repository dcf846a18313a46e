using System.Text;

namespace FastPool.Native;

/// <summary>Strings of the process hold one char a byte (Latin-1); C wants the bytes and a NUL.</summary>
public static class CText
{
    /// <summary>The bytes of a text with a NUL behind them. A NUL inside ends what C sees.</summary>
    public static byte[] Of(string text)
    {
        var bytes = new byte[text.Length + 1];
        Encoding.Latin1.GetBytes(text, bytes);
        return bytes;
    }
}
