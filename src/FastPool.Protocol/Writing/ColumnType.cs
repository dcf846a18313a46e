namespace FastPool.Protocol;

/// <summary>A column's type as RowDescription tells it. Source: PostgreSQL's pg_type, columns oid and typlen.</summary>
/// <param name="Oid">pg_type.oid.</param>
/// <param name="Length">pg_type.typlen in bytes; -1: varying.</param>
public readonly record struct ColumnType(int Oid, short Length)
{
    public static ColumnType Text => new(25, -1);
    public static ColumnType Int4 => new(23, 4);
    public static ColumnType Int8 => new(20, 8);
    public static ColumnType Numeric => new(1700, -1);
    public static ColumnType Bytea => new(17, -1);
}
