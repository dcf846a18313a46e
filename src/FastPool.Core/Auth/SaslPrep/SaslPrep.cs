using System.Buffers;
using System.Text;

namespace FastPool.Core.Auth;

/// <summary>
/// Passwords as SCRAM hashes them (SASLprep, RFC 4013), in PostgreSQL's way. A password of ASCII alone stays as it is, control
/// characters included. One that the profile refuses, or that is no UTF-8, is hashed byte by byte as it came. Prohibited and
/// right-to-left characters are looked for ahead of the normalization, where PostgreSQL looks for them.
/// </summary>
public static class SaslPrep
{
    /// <returns>The prepared password in UTF-8, or the very one that was given.</returns>
    public static ReadOnlySpan<byte> Prepare(ReadOnlySpan<byte> password)
    {
        if (Ascii.IsValid(password) || Map(password) is not { Count: > 0 } points) return password;
        if (IsRefused(points) || IsMixedInDirection(points)) return password;
        return Encode(CompatibilityComposition.Of(points));
    }

    /// <summary>
    /// Any space becomes that of ASCII; characters without a meaning of their own (such as a soft hyphen) are dropped.
    /// </summary>
    /// <returns>Null: no UTF-8.</returns>
    private static List<int>? Map(ReadOnlySpan<byte> password)
    {
        var points = new List<int>(password.Length);
        while (!password.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(password, out var rune, out var length) != OperationStatus.Done) return null;
            password = password[length..];
            if (IsIn(SaslPrepTables.Spaces, rune.Value)) points.Add(' ');
            else if (!IsIn(SaslPrepTables.Nothings, rune.Value)) points.Add(rune.Value);
        }
        return points;
    }

    private static bool IsRefused(List<int> points)
    {
        foreach (var point in points)
        {
            if (IsIn(SaslPrepTables.Refused, point)) return true;
        }
        return false;
    }

    /// <summary>
    /// If any character runs from right to left, the first and the last must too, and none may run from left to right. Source:
    /// RFC 3454, 6.
    /// </summary>
    private static bool IsMixedInDirection(List<int> points)
    {
        var hasRightToLeft = false;
        var hasLeftToRight = false;
        foreach (var point in points)
        {
            hasRightToLeft |= IsIn(SaslPrepTables.RightToLeft, point);
            hasLeftToRight |= IsIn(SaslPrepTables.LeftToRight, point);
        }
        if (!hasRightToLeft) return false;
        return hasLeftToRight || !IsIn(SaslPrepTables.RightToLeft, points[0]) || !IsIn(SaslPrepTables.RightToLeft, points[^1]);
    }

    /// <param name="ranges">First and last of each, in order.</param>
    private static bool IsIn(ReadOnlySpan<uint> ranges, int point)
    {
        var at = ranges.BinarySearch((uint)point);
        return at >= 0 || (~at & 1) == 1; // Behind a first and before its last.
    }

    private static byte[] Encode(List<int> points)
    {
        const int utf8BytesMax = 4;
        var bytes = new byte[points.Count * utf8BytesMax];
        var count = 0;
        foreach (var point in points) count += new Rune(point).EncodeToUtf8(bytes.AsSpan(count));
        Array.Resize(ref bytes, count);
        return bytes;
    }
}
