namespace FastPool.Core.Sessions;

/// <summary>
/// The values of the variables that decide how PostgreSQL reads the text of a statement: literals of dates, times and
/// intervals, backslashes, characters. They are a part of a shared statement's identity, because a plan keeps what was read.
/// Immutable; equal ones are one object, as a rule.
/// </summary>
public sealed class TextSettings : IEquatable<TextSettings>
{
    /// <summary>
    /// The server reports a change of each (GUC_REPORT), but for search_path, which only new versions report: on others it is
    /// the value that a client gave at its login. Another one needs no more than its name here.
    /// </summary>
    private static readonly string[] Names =
        ["DateStyle", "client_encoding", "TimeZone", "standard_conforming_strings", "IntervalStyle", "search_path"];

    private readonly string?[] _values;
    private readonly int _hash;
    private readonly bool _isUnknown;

    private TextSettings(string?[] values, bool isUnknown = false)
    {
        _values = values;
        _isUnknown = isUnknown;
        var hash = default(HashCode);
        foreach (var value in values) hash.Add(value);
        _hash = hash.ToHashCode();
    }

    internal static TextSettings Of(TrackedParameters tracked, ParameterValues values) =>
        new([.. tracked.InText.Select(index => values[index])]);

    /// <summary>Those of a statement that comes from another process: they equal no others, not even each other.</summary>
    internal static TextSettings NewUnknown() => new([], isUnknown: true);

    /// <summary>Whether the variable is one of them.</summary>
    internal static bool Has(string name) => Names.Contains(name, StringComparer.OrdinalIgnoreCase);

    public bool Equals(TextSettings? other) =>
        ReferenceEquals(this, other)
            || (other is not null && _hash == other._hash && !_isUnknown && !other._isUnknown
            && _values.AsSpan().SequenceEqual(other._values));

    public override bool Equals(object? obj) => Equals(obj as TextSettings);

    public override int GetHashCode() => _hash;
}
