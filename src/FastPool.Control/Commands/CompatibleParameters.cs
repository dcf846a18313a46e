using FastPool.Core.Settings;

namespace FastPool.Control.Commands;

/// <summary>
/// Parameters that drivers ask for or set whatever they are connected to. They have fixed values, and setting them does nothing.
/// </summary>
internal static class CompatibleParameters
{
    private static readonly Dictionary<string, string> Values = new(StringComparer.OrdinalIgnoreCase)
    {
        ["client_encoding"] = "UTF-8",
        ["default_transaction_isolation"] = "read committed",
        ["standard_conforming_strings"] = "on",
        ["datestyle"] = "ISO",
        ["timezone"] = "GMT",
        [ExtraFloatDigits] = "2",
    };

    /// <summary>Since PgBouncer 1.26.</summary>
    private const string ExtraFloatDigits = "extra_float_digits";

    public static bool Contains(string name, ShownVersion version) => Find(name, version) is not null;

    public static string? Find(string name, ShownVersion version) =>
        version < ShownVersion.V126 && name.Equals(ExtraFloatDigits, StringComparison.OrdinalIgnoreCase) ? null
            : Values.GetValueOrDefault(name);
}
