namespace FastPool.Core.Settings;

/// <summary>The PgBouncer that clients, tools and logs see: its columns, texts and numbers.</summary>
public enum ShownVersion
{
    V125,
    V126,
}

/// <summary>The words of show_as, and the numbers behind them.</summary>
public static class ShownVersions
{
    public static WordTable<ShownVersion> Words { get; } = new(("1.25", ShownVersion.V125), ("1.26", ShownVersion.V126));

    /// <summary>All three parts: 1.26.1.</summary>
    public static string Number(this ShownVersion version) => version == ShownVersion.V125 ? "1.25.2" : "1.26.1";

    /// <summary>As SHOW VERSION has it.</summary>
    public static string Product(this ShownVersion version) => "PgBouncer " + version.Number();
}
