using FastPool.Control.Answers;
using FastPool.Protocol;

namespace FastPool.Control.Listings;

/// <summary>Writes one value of a row.</summary>
internal delegate void Cell<in T>(ref RowWriter row, T item, ILocalTime time);

/// <summary>A column of a listing: what tools count on, and where its value comes from.</summary>
internal sealed record Column<T>(string Name, ColumnType Type, Cell<T> Write);

/// <summary>The kinds of columns there are. Import it statically for the row type of a listing.</summary>
internal static class Columns<T>
{
    /// <summary>Null is NULL.</summary>
    public static Column<T> Text(string name, Func<T, string?> value) =>
        new(name, ColumnType.Text, (ref RowWriter row, T item, ILocalTime _) => row.Text(value(item)));

    public static Column<T> Int4(string name, Func<T, long> value) => Number(name, ColumnType.Int4, value);

    public static Column<T> Flag(string name, Func<T, bool> value) => Number(name, ColumnType.Int4, item => value(item) ? 1 : 0);

    public static Column<T> Int8(string name, Func<T, ulong> value) =>
        new(name, ColumnType.Int8, (ref RowWriter row, T item, ILocalTime _) => row.Number(value(item)));

    /// <summary>A counter of 64 bits.</summary>
    public static Column<T> Numeric(string name, Func<T, long> value) => Number(name, ColumnType.Numeric, value);

    /// <summary>Microseconds since 1970, printed as local time in a text column.</summary>
    public static Column<T> Time(string name, Func<T, long> wallUs) =>
        new(name, ColumnType.Text, (ref RowWriter row, T item, ILocalTime time) => row.Text(time.Format(wallUs(item))));

    public static Column<T> Bytea(string name, Func<T, byte[]?> value) =>
        new(name, ColumnType.Bytea, (ref RowWriter row, T item, ILocalTime _) => row.Bytes(value(item)));

    /// <summary>Three places behind the point.</summary>
    public static Column<T> Thousandths(string name, Func<T, long> value) =>
        new(name, ColumnType.Numeric, (ref RowWriter row, T item, ILocalTime _) => row.Thousandths(value(item)));

    private static Column<T> Number(string name, ColumnType type, Func<T, long> value) =>
        new(name, type, (ref RowWriter row, T item, ILocalTime _) => row.Number(value(item)));
}
