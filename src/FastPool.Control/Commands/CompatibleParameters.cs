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
    };

    public static bool Contains(string name) => Values.ContainsKey(name);

    public static string? Find(string name) => Values.GetValueOrDefault(name);
}
