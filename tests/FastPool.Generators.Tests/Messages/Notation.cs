using System.Text;

namespace FastPool.Generators.Tests;

/// <summary>Bytes as a person writes them down: 00 0000000d 'text'.</summary>
internal static class Notation
{
    public static byte[] Bytes(string notation)
    {
        var bytes = new List<byte>();
        var pieces = notation.Split('\'');
        for (var i = 0; i < pieces.Length; i++)
        {
            var isText = i % 2 == 1;
            bytes.AddRange(isText ? Encoding.ASCII.GetBytes(pieces[i]) : Convert.FromHexString(pieces[i].Replace(" ", "")));
        }
        return [.. bytes];
    }
}
