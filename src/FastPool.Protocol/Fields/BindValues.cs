namespace FastPool.Protocol;

/// <summary>
/// The values of a Bind, behind its format codes: an Int32 length each, -1 for NULL, then that many bytes. Source: PostgreSQL,
/// Message Formats.
/// </summary>
public static class BindValues
{
    private const int NullLength = -1;

    /// <param name="arguments">See <see cref="Bind.Arguments"/>.</param>
    /// <param name="number">Of the parameter, from 1.</param>
    /// <param name="value">In the format that the Bind names; empty for NULL.</param>
    /// <returns>False: there is no such value, or not all of it is here.</returns>
    public static bool TryGet(ReadOnlySpan<byte> arguments, int number, out ReadOnlySpan<byte> value, out bool isNull)
    {
        value = default;
        isNull = false;
        var reader = new BodyReader(arguments);
        if (!reader.TryReadInt16(out var formats) || !reader.TryReadBytes((ushort)formats * sizeof(short), out _)) return false;
        if (!reader.TryReadInt16(out var count) || number < 1 || number > (ushort)count) return false;
        for (var i = 1; ; i++)
        {
            if (!reader.TryReadInt32(out var length)) return false;
            isNull = length == NullLength;
            if (!isNull && !reader.TryReadBytes(length, out value)) return false;
            if (i == number) return true;
            value = default;
        }
    }
}
