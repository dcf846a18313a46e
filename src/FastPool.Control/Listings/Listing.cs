using FastPool.Control.Answers;
using FastPool.Control.Commands;
using FastPool.Protocol;

namespace FastPool.Control.Listings;

/// <summary>Something with columns.</summary>
internal interface IDescription
{
    /// <summary>RowDescription.</summary>
    /// <param name="formats">Of a Bind: none, one for all, or one a column.</param>
    void Describe(MessageBuffer buffer, ReadOnlySpan<short> formats);
}

/// <summary>The columns of a result set, in their order.</summary>
internal sealed class Listing<T>(params Column<T>[] columns) : IDescription
{
    private readonly ColumnType[] _types = [.. columns.Select(static column => column.Type)];

    public void Describe(MessageBuffer buffer, ReadOnlySpan<short> formats)
    {
        var writer = new RowWriter(buffer, ExtendedForm.Expand(formats, columns.Length));
        writer.BeginDescription();
        foreach (var column in columns) writer.Column(column.Name, column.Type);
        writer.End();
    }

    /// <summary>One row as a message of its own.</summary>
    public byte[] Row(T item, ILocalTime time)
    {
        var buffer = new MessageBuffer();
        var row = new RowWriter(buffer);
        row.BeginRow();
        foreach (var column in columns) column.Write(ref row, item, time);
        row.End();
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Description (not for an Execute), rows, and nothing after them.</summary>
    public void Write(Answer answer, IEnumerable<T> items, ILocalTime time)
    {
        var formats = answer.Form is { } form ? form.For(columns.Length) : default;
        if (answer.Form is null) Describe(answer.Buffer, default);
        foreach (var item in items)
        {
            answer.HandOnIfLong();
            var row = new RowWriter(answer.Buffer, formats, _types);
            row.BeginRow();
            foreach (var column in columns) column.Write(ref row, item, time);
            row.End();
        }
    }
}
