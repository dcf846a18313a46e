namespace FastPool.Control.Answers;

/// <summary>How one Execute wants its rows, and whether it went well.</summary>
/// <param name="formats">As the Bind gave them: none, one for all columns, or one a column.</param>
internal sealed class ExtendedForm(short[] formats)
{
    public bool HasFailed { get; set; }

    /// <summary>A format a column.</summary>
    public short[] For(int columnCount) => Expand(formats, columnCount);

    /// <summary>None means text; one holds for all.</summary>
    public static short[] Expand(ReadOnlySpan<short> formats, int columnCount)
    {
        var all = new short[columnCount];
        if (formats.Length == 1) Array.Fill(all, formats[0]);
        else formats[..Math.Min(formats.Length, columnCount)].CopyTo(all);
        return all;
    }
}
