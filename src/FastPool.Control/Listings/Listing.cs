using FastPool.Control.Commands;
using FastPool.Protocol;

namespace FastPool.Control.Listings;

/// <summary>The columns of a result set, in their order.</summary>
internal sealed class Listing<T>(params Column<T>[] columns)
{
    public IReadOnlyList<Column<T>> Columns => columns;

    /// <summary>Description, rows, and nothing after them.</summary>
    public void Write(Answer answer, IEnumerable<T> items, ILocalTime time)
    {
        var writer = new RowWriter(answer.Buffer);
        writer.BeginDescription();
        foreach (var column in columns) writer.Column(column.Name, column.Type);
        writer.End();
        foreach (var item in items)
        {
            answer.HandOnIfLong();
            var row = new RowWriter(answer.Buffer);
            row.BeginRow();
            foreach (var column in columns) column.Write(ref row, item, time);
            row.End();
        }
    }
}
