using FastPool.Control.Answers;
using FastPool.Protocol;

namespace FastPool.Control.Listings;

/// <summary>Writes one value of a row.</summary>
internal delegate void Cell<in T>(ref RowWriter row, T item, ILocalTime time);

/// <summary>A figure's name in /metrics.</summary>
/// <param name="Divisor">Of its column's value: microseconds become seconds.</param>
internal sealed record Metric(string Name, string Type, string Help, double Divisor = 1)
{
    private const double UsPerSecond = 1_000_000;

    public static Metric Gauge(string name, string help) => new(name, "gauge", help);

    public static Metric Counter(string name, string help) => new(name, "counter", help);

    /// <summary>Seconds, of a column that has microseconds.</summary>
    public static Metric GaugeOfUs(string name, string help) => new(name, "gauge", help, UsPerSecond);

    /// <inheritdoc cref="GaugeOfUs"/>
    public static Metric CounterOfUs(string name, string help) => new(name, "counter", help, UsPerSecond);
}

/// <summary>
/// A column of a listing: what tools count on, and where its value comes from. One that is a figure has its metric here too, so
/// that SHOW, /metrics and the page have it from one place.
/// </summary>
internal sealed record Column<T>(string Name, ColumnType Type, Cell<T> Write)
{
    /// <summary>Of a column of numbers; null: it is no such column.</summary>
    public Func<T, long>? Value { get; init; }

    /// <summary>Null: it is told by SHOW alone.</summary>
    public Metric? Metric { get; init; }

    /// <summary>False: a figure for metrics and page that SHOW does not have, or has in parts.</summary>
    public bool IsListed { get; init; } = true;

    public Column<T> Is(Metric metric) => this with { Metric = metric };
}

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

    /// <summary>A figure that the listing does not show.</summary>
    public static Column<T> Unlisted(string name, Func<T, long> value) => Numeric(name, value) with { IsListed = false };

    private static Column<T> Number(string name, ColumnType type, Func<T, long> value) =>
        new(name, type, (ref RowWriter row, T item, ILocalTime _) => row.Number(value(item))) { Value = value };
}
