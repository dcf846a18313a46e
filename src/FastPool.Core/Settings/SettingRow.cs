namespace FastPool.Core.Settings;

/// <summary>Parses a value into the draft.</summary>
/// <returns>The value as SHOW CONFIG prints it; null when it does not parse.</returns>
internal delegate string? ApplySetting(Settings draft, string text);

/// <summary>One setting of [pgbouncer]: everything that is known of it, in one row of <see cref="SettingsTable"/>.</summary>
public sealed class SettingRow
{
    private readonly ApplySetting _apply;
    private readonly Func<string, string?>? _refuse;

    internal SettingRow(string key, string? @default, bool changeable, ApplySetting apply, Func<string, string?>? refuse)
    {
        Key = key;
        Default = @default;
        Changeable = changeable;
        _apply = apply;
        _refuse = refuse;
    }

    public string Key { get; }

    /// <summary>Text of the built-in default, parsed like any other value. Null: there is none.</summary>
    public string? Default { get; }

    /// <summary>False: fixed until restart; RELOAD and SET pass over it in silence.</summary>
    public bool Changeable { get; }

    /// <summary>Of a whole number of 32 bits: whether it may be below 0; null: it is none.</summary>
    internal bool? IsSigned { get; init; }

    /// <summary>Place in the table.</summary>
    internal int Index { get; set; }

    /// <param name="draft">Gets the value.</param>
    /// <param name="text">As it stands in the file.</param>
    /// <param name="error">When it is refused for a reason that has a text of its own.</param>
    internal bool TryApply(Settings draft, string text, out string? error)
    {
        error = _refuse?.Invoke(text);
        if (error is not null || _apply(draft, text) is not { } shown) return false;
        draft.Showing(Index, shown);
        return true;
    }

    /// <summary>For values of our own: defaults, and what this row has printed itself.</summary>
    internal void MustApply(Settings draft, string text)
    {
        if (!TryApply(draft, text, out _)) throw new InvalidOperationException($"{Key} does not take its own value \"{text}\"");
    }
}
