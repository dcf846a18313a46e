namespace FastPool.Protocol;

/// <summary>
/// The binary form of a numeric: digits of base 10,000, the most significant first, each place of four decimals. Source:
/// PostgreSQL, numeric_send.
/// </summary>
internal static class NumericForm
{
    /// <summary>Places behind the point, at most.</summary>
    internal const int PlacesMax = 3;

    private const int Base = 10_000;
    private const short Negative = 0x4000;
    private const int DigitsMax = 6;

    /// <summary>Length and value.</summary>
    /// <param name="value">With the point left out.</param>
    /// <param name="places">Behind the point: 0 or 3.</param>
    internal static void Write(MessageBuffer buffer, long value, int places)
    {
        Span<short> digits = stackalloc short[DigitsMax];
        var count = 0;
        var rest = value == long.MinValue ? long.MaxValue : Math.Abs(value);
        if (places == PlacesMax)
        {
            var fraction = (short)(rest % 1000 * 10); // Three decimals of four.
            rest /= 1000;
            digits[count++] = fraction;
        }
        for (; rest > 0; rest /= Base) digits[count++] = (short)(rest % Base);

        var weight = count - 1 - (places == PlacesMax ? 1 : 0);
        buffer.WriteInt32(sizeof(short) * (4 + count));
        buffer.WriteInt16((short)count);
        buffer.WriteInt16((short)weight);
        buffer.WriteInt16(value < 0 ? Negative : (short)0);
        buffer.WriteInt16((short)places);
        for (var i = count - 1; i >= 0; i--) buffer.WriteInt16(digits[i]);
    }
}
