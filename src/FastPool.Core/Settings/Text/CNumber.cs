using System.Globalization;

namespace FastPool.Core.Settings;

/// <summary>
/// Numbers as the C library reads and prints them, since that is what existing files were written for: strtol with base 0 (so 010
/// is 8), strtod, atoi, and %g.
/// </summary>
public static class CNumber
{
    private const double MicrosecondsPerSecond = 1e6;

    /// <summary>strtol with base 0 over the whole text, cut to 32 bits; beyond 64 bits the nearest long is cut.</summary>
    public static bool TryInt(ReadOnlySpan<char> text, out int value) => TryInt(text, 0, out value);

    /// <summary>The same with base 10: leading zeros mean nothing.</summary>
    public static bool TryDecimal(ReadOnlySpan<char> text, out int value) => TryInt(text, 10, out value);

    /// <summary>The same with base 0 where a number that does not fit is none: for what no older file has.</summary>
    public static bool TryFitting(ReadOnlySpan<char> text, out int value) => TryInt(text, out value) && Fits(text);

    /// <summary>
    /// False: the text is a whole number that has no place in 32 bits, so that another one is read out of it.
    /// </summary>
    public static bool Fits(ReadOnlySpan<char> text, int radix = 0, bool isSigned = true)
    {
        var end = Scan(text, radix, out var magnitude, out var negative, out var overflow);
        if (end == 0 || end != text.Length) return true;
        return !overflow && magnitude <= (negative ? 1UL << 31 : isSigned ? int.MaxValue : uint.MaxValue);
    }

    /// <summary>strtoul with base 0 over the whole text, cut to 32 bits: -1 is the largest.</summary>
    public static bool TryUInt(ReadOnlySpan<char> text, out uint value)
    {
        var end = Scan(text, 0, out var magnitude, out var negative, out var overflow);
        var whole = overflow ? ulong.MaxValue : negative ? unchecked(0 - magnitude) : magnitude;
        value = unchecked((uint)whole);
        return end > 0 && end == text.Length;
    }

    /// <summary>atoi: the leading decimal integer, 0 when there is none; what follows it is ignored.</summary>
    public static int Atoi(ReadOnlySpan<char> text)
    {
        Scan(text, 10, out var magnitude, out var negative, out var overflow);
        return Cut(magnitude, negative, overflow);
    }

    /// <summary>
    /// strtod over the whole text: seconds, made into microseconds and truncated. Refused are negative values, those that
    /// strtod answers with ERANGE, and, because they make no sense, infinities, NaN and values that do not fit.
    /// </summary>
    public static bool TrySeconds(ReadOnlySpan<char> text, out long valueUs)
    {
        valueUs = 0;
        if (!TryDouble(text, out var seconds) || seconds < 0) return false;
        var microseconds = seconds * MicrosecondsPerSecond;
        if (!(microseconds < long.MaxValue)) return false;
        valueUs = (long)microseconds;
        return true;
    }

    /// <summary>%d, and %u of an unsigned one.</summary>
    public static string FormatInt(long value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Microseconds as seconds, printed by %g: 0.5, 3600, 1e+06.</summary>
    public static string FormatSeconds(long valueUs) => FormatG(valueUs / MicrosecondsPerSecond);

    /// <summary>%g with its six significant digits.</summary>
    public static string FormatG(double value)
    {
        if (value == 0) return "0";
        var (digits, exponent) = SixDigits(Math.Abs(value));
        var sign = value < 0 ? "-" : "";
        var used = digits.AsSpan().TrimEnd('0').Length;
        if (exponent is < -4 or >= 6)
        {
            var fraction = used > 1 ? "." + digits[1..used] : "";
            return $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }

        if (exponent < 0) return $"{sign}0.{new string('0', -exponent - 1)}{digits[..used]}";
        var whole = exponent + 1;
        return used <= whole ? sign + digits[..whole] : $"{sign}{digits[..whole]}.{digits[whole..used]}";
    }

    /// <summary>Rounds half to even, as C does; .NET's own formats round half away from zero.</summary>
    private static (string Digits, int Exponent) SixDigits(double value)
    {
        // d.ddddd…E+ddd with so many digits that two doubles never share them: a tie shows as 5 and zeros only.
        var exact = value.ToString("E30", CultureInfo.InvariantCulture);
        var exponent = int.Parse(exact.AsSpan(exact.IndexOf('E') + 1), CultureInfo.InvariantCulture);
        var kept = int.Parse(string.Concat(exact.AsSpan(0, 1), exact.AsSpan(2, 5)), CultureInfo.InvariantCulture);
        var rest = exact.AsSpan(7, 25);
        var tie = rest[0] == '5' && rest[1..].TrimEnd('0').IsEmpty;
        if (tie ? (kept & 1) != 0 : rest[0] >= '5') kept++;
        if (kept < 1_000_000) return (kept.ToString(CultureInfo.InvariantCulture), exponent);
        return ("100000", exponent + 1);
    }

    private static bool TryInt(ReadOnlySpan<char> text, int radix, out int value)
    {
        var end = Scan(text, radix, out var magnitude, out var negative, out var overflow);
        value = Cut(magnitude, negative, overflow);
        return end > 0 && end == text.Length;
    }

    private static int Cut(ulong magnitude, bool negative, bool overflow)
    {
        var limit = negative ? 1UL << 63 : long.MaxValue;
        if (overflow || magnitude > limit) magnitude = limit;
        return unchecked((int)(negative ? 0 - magnitude : magnitude));
    }

    /// <returns>Where the number ended; 0 when there was none.</returns>
    private static int Scan(ReadOnlySpan<char> text, int radix, out ulong magnitude, out bool negative, out bool overflow)
    {
        magnitude = 0;
        overflow = false;
        var at = SkipSpaceAndSign(text, out negative);
        if (radix == 0)
        {
            radix = at < text.Length && text[at] == '0' ? 8 : 10;
            if (IsHexPrefix(text[at..])) (radix, at) = (16, at + 2);
        }

        var start = at;
        for (; at < text.Length && DigitOf(text[at]) < radix; at++)
        {
            var next = ((UInt128)magnitude * (uint)radix) + (uint)DigitOf(text[at]);
            overflow |= next > ulong.MaxValue;
            if (!overflow) magnitude = (ulong)next;
        }

        return at == start ? 0 : at;
    }

    private static bool TryDouble(ReadOnlySpan<char> text, out double value)
    {
        value = 0;
        var at = SkipSpaceAndSign(text, out var negative);
        var digits = text[at..];
        var isHex = IsHexPrefix(digits);
        bool isZero;
        var parsed = isHex
            ? TryHexDouble(digits[2..], out value, out isZero)
            : TryDecimalDouble(digits, out value, out isZero);
        if (!parsed) return false;

        // ERANGE: too large for a double, or so small that digits are lost.
        if (double.IsInfinity(value) || (!isZero && value < 2.2250738585072014e-308)) return false;
        if (negative) value = -value;
        return true;
    }

    private static bool TryDecimalDouble(ReadOnlySpan<char> text, out double value, out bool isZero)
    {
        value = 0;
        int at = 0, digitCount = 0;
        isZero = true;
        for (var point = false; at < text.Length; at++)
        {
            if (text[at] == '.' && !point) point = true;
            else if (char.IsAsciiDigit(text[at]))
            {
                digitCount++;
                isZero &= text[at] == '0';
            }
            else break;
        }

        if (digitCount == 0) return false;
        if (at < text.Length && text[at] is 'e' or 'E' && !IsExponent(text[(at + 1)..])) return false;
        if (at < text.Length && text[at] is not ('e' or 'E')) return false;
        const NumberStyles Style = NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        return double.TryParse(text, Style, CultureInfo.InvariantCulture, out value);
    }

    private static bool TryHexDouble(ReadOnlySpan<char> text, out double value, out bool isZero)
    {
        value = 0;
        int at = 0, digitCount = 0, exponent = 0;
        for (var point = false; at < text.Length; at++)
        {
            if (text[at] == '.' && !point)
            {
                point = true;
                continue;
            }

            var digit = DigitOf(text[at]);
            if (digit >= 16) break;
            digitCount++;
            value = (value * 16) + digit;
            if (point) exponent -= 4;
        }

        isZero = value == 0;
        if (digitCount == 0) return false;
        if (at < text.Length)
        {
            if (text[at] is not ('p' or 'P') || !IsExponent(text[(at + 1)..])) return false;
            exponent += Atoi(text[(at + 1)..]);
        }

        value = Math.ScaleB(value, exponent);
        return true;
    }

    private static bool IsExponent(ReadOnlySpan<char> text)
    {
        if (!text.IsEmpty && text[0] is '+' or '-') text = text[1..];
        return !text.IsEmpty && !text.ContainsAnyExceptInRange('0', '9');
    }

    private static int SkipSpaceAndSign(ReadOnlySpan<char> text, out bool negative)
    {
        var at = 0;
        while (at < text.Length && ByteText.IsSpace(text[at])) at++;
        negative = at < text.Length && text[at] == '-';
        return at < text.Length && text[at] is '+' or '-' ? at + 1 : at;
    }

    /// <summary>0x counts as a prefix only when a digit follows; else the number is the 0 before it.</summary>
    private static bool IsHexPrefix(ReadOnlySpan<char> text) =>
        text.Length > 2 && text[0] == '0' && text[1] is 'x' or 'X' && (DigitOf(text[2]) < 16 || text[2] == '.');

    private static int DigitOf(char c) => c switch
    {
        >= '0' and <= '9' => c - '0',
        >= 'a' and <= 'f' => c - 'a' + 10,
        >= 'A' and <= 'F' => c - 'A' + 10,
        _ => int.MaxValue,
    };
}
