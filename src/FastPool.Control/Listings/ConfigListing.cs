using FastPool.Core.Settings;

namespace FastPool.Control.Listings;

using SettingColumns = Columns<SettingLine>;

internal sealed record SettingLine(string Key, string? Value, string? Default, bool IsChangeable);

/// <summary>CONFIG.</summary>
internal static class ConfigListing
{
    public static Listing<SettingLine> Listing { get; } = new(
        SettingColumns.Text("key", static row => row.Key),
        SettingColumns.Text("value", static row => row.Value),
        SettingColumns.Text("default", static row => row.Default),
        SettingColumns.Text("changeable", static row => PairListings.YesNo(row.IsChangeable)));

    public static IEnumerable<SettingLine> Rows(Settings settings) =>
        SettingsTable.Show(settings)
            .Select(static row =>
            new SettingLine(row.Key, row.Value is { } value ? SecretMask.Shown(row.Key, value)
            : null, row.Default, row.Changeable));
}
