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
internal sealed class Listing<T> : IDescription
{
    private readonly Column<T>[] _columns;
    private readonly ColumnType[] _types;
    private readonly Dictionary<string, Func<T, long>> _numbers;

    public Listing(params Column<T>[] columns)
    {
        _columns = [.. columns.Where(static column => column.IsListed)];
        _types = [.. _columns.Select(static column => column.Type)];
        _numbers = columns.Where(static column => column.Value is not null)
            .ToDictionary(static column => column.Name, static column => column.Value!);
        Measured = [.. columns.Where(static column => column.Metric is not null)];
    }

    /// <summary>The same without the columns of such names.</summary>
    public Listing<T> Without(Func<string, bool> isMeant) => new([.. _columns.Where(column => !isMeant(column.Name))]);

    /// <summary>The columns that are metrics too.</summary>
    public IReadOnlyList<Column<T>> Measured { get; }

    /// <summary>A figure of a row, by its column.</summary>
    public long Number(string column, T item) => _numbers[column](item);

    public void Describe(MessageBuffer buffer, ReadOnlySpan<short> formats)
    {
        var writer = new RowWriter(buffer, ExtendedForm.Expand(formats, _columns.Length));
        writer.BeginDescription();
        foreach (var column in _columns) writer.Column(column.Name, column.Type);
        writer.End();
    }

    /// <summary>One row as a message of its own.</summary>
    public byte[] Row(T item, ILocalTime time)
    {
        var buffer = new MessageBuffer();
        var row = new RowWriter(buffer);
        row.BeginRow();
        foreach (var column in _columns) column.Write(ref row, item, time);
        row.End();
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Description (not for an Execute), rows, and nothing after them.</summary>
    public void Write(Answer answer, IEnumerable<T> items, ILocalTime time)
    {
        var formats = answer.Form is { } form ? form.For(_columns.Length) : default;
        if (answer.Form is null) Describe(answer.Buffer, default);
        foreach (var item in items)
        {
            answer.HandOnIfLong();
            var row = new RowWriter(answer.Buffer, formats, _types);
            row.BeginRow();
            foreach (var column in _columns) column.Write(ref row, item, time);
            row.End();
        }
    }
}
