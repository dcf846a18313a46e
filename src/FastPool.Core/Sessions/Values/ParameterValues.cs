using System.Text;
using CommunityToolkit.HighPerformance.Buffers;

namespace FastPool.Core.Sessions;

/// <summary>
/// One value or none for each tracked parameter. Immutable and shared: nearly all clients and servers of a pool hold
/// the same instance, so that comparing them at a link is comparing two references.
/// </summary>
public sealed class ParameterValues : IEquatable<ParameterValues>
{
    /// <summary>
    /// Of a variable that the server does not report: it is as it was at the login. A client has this when it gave no value.
    /// </summary>
    internal const string OwnDefault = "\0";

    /// <summary>Of a server's variable that is not reported: a client has set it after the pooler did.</summary>
    internal const string InDoubt = "\0?";

    private readonly string?[] _values;
    private readonly int _hash;

    internal ParameterValues(string?[] values)
    {
        _values = values;
        var hash = default(HashCode);
        foreach (var value in values)
        {
            hash.Add(value);
            IsLong |= value is { Length: > ParameterInterner.SharedTextMax };
        }
        _hash = hash.ToHashCode();
    }

    /// <summary>One of them is longer than is worth sharing.</summary>
    internal bool IsLong { get; }

    /// <summary>A value that PostgreSQL has told, or a client given; else it only stands for one.</summary>
    internal bool IsTold(int index) => _values[index] is { } value && value is not (OwnDefault or InDoubt);

    public string? this[int index] => _values[index];

    public int Count => _values.Length;

    /// <summary>
    /// Those of them that decide how a text is read; null: not asked for yet. Any loop may set it: all find equal ones, and
    /// each is whole.
    /// </summary>
    internal TextSettings? Text { get; set; }

    /// <summary>
    /// Whether a server with <paramref name="server"/> serves a client with these as it is: what both know is the same but for
    /// case.
    /// </summary>
    public bool Fits(ParameterValues server)
    {
        if (ReferenceEquals(this, server)) return true;
        for (var i = 0; i < _values.Length; i++)
        {
            if (Differs(server, i)) return false;
        }
        return true;
    }

    public bool Differs(ParameterValues server, int index) =>
        _values[index] is { } own && server._values[index] is { } other && !string.Equals(own, other, ComparisonOf(index));

    /// <summary>Names of schemas and roles are exact.</summary>
    private static StringComparison ComparisonOf(int index) =>
        index is TrackedParameters.SearchPath or TrackedParameters.SessionAuthorization ? StringComparison.Ordinal
            : StringComparison.OrdinalIgnoreCase;

    public bool Equals(ParameterValues? other) => other is not null
        && (ReferenceEquals(this, other) || (_hash == other._hash && _values.AsSpan().SequenceEqual(other._values)));

    public override bool Equals(object? obj) => Equals(obj as ParameterValues);

    public override int GetHashCode() => _hash;

    internal string?[] CopyValues() => (string?[])_values.Clone();
}

/// <summary>
/// One loop's memory of value sets, so that equal ones are one object. Bounded: when full it forgets all, which costs sharing
/// only, and long values are not kept at all, because a client that has not logged in yet may name values of any length.
/// </summary>
public sealed class ParameterInterner
{
    /// <summary>A longer text is hardly shared.</summary>
    internal const int SharedTextMax = 256;

    private const int SetsMax = 4096;
    private const int SetsAtRest = 256;

    private readonly Dictionary<ParameterValues, ParameterValues> _sets = [];
    private readonly StringPool _strings = new(SetsMax);

    // One login does mostly what the login before did: the last step of each kind, and what came of it.
    private Step[] _changes = [];
    private Step _filled;
    private Step _filledOwn;

    private struct Step
    {
        internal ParameterValues From;
        internal object? By;
        internal ParameterValues To;

        internal readonly bool Is(ParameterValues from, object? by) => ReferenceEquals(From, from) && ReferenceEquals(By, by);
    }

    /// <summary>How many sets are kept.</summary>
    public int Count => _sets.Count;

    public string Intern(ReadOnlySpan<byte> latin1) =>
        latin1.Length > SharedTextMax ? Encoding.Latin1.GetString(latin1) : _strings.GetOrAdd(latin1, Encoding.Latin1);

    public ParameterValues Intern(ParameterValues values)
    {
        if (values.IsLong) return values;
        if (_sets.TryGetValue(values, out var known)) return known;
        if (_sets.Count >= SetsMax) Forget();
        _sets.Add(values, values);
        return values;
    }

    /// <summary>Forgets all when there are many: those that have left may have had values of their own.</summary>
    public void GiveBack()
    {
        if (_sets.Count <= SetsAtRest) return;
        Forget();
        _sets.TrimExcess();
        _strings.Reset();
    }

    private void Forget()
    {
        _sets.Clear();
        _changes.AsSpan().Clear();
        _filled = _filledOwn = default;
    }

    public ParameterValues With(ParameterValues values, int index, string? value)
    {
        if (values[index] == value) return values;
        if (index >= _changes.Length) Array.Resize(ref _changes, values.Count);
        ref var last = ref _changes[index];
        if (last.Is(values, value)) return last.To;
        var changed = values.CopyValues();
        changed[index] = value;
        return Keep(ref last, values, value, changed);
    }

    /// <summary>Interns the outcome of a step and keeps the step, unless it would hold long texts.</summary>
    private ParameterValues Keep(ref Step last, ParameterValues from, object? by, string?[] outcome)
    {
        var to = Intern(new ParameterValues(outcome));
        var isLong = from.IsLong || to.IsLong || by is ParameterValues { IsLong: true };
        last = isLong ? default : new Step { From = from, By = by, To = to };
        return to;
    }

    /// <summary>The values, with those of <paramref name="defaults"/> where none is known.</summary>
    public ParameterValues Fill(ParameterValues values, ParameterValues defaults)
    {
        if (_filled.Is(values, defaults)) return _filled.To;
        string?[]? filled = null;
        for (var i = 0; i < values.Count; i++)
        {
            if (values[i] is null && defaults[i] is not null) (filled ??= values.CopyValues())[i] = defaults[i];
        }
        return filled is null ? values : Keep(ref _filled, values, defaults, filled);
    }

    /// <summary>
    /// The values, with <see cref="ParameterValues.OwnDefault"/> where none is known of a variable that not every version
    /// reports, or that an earlier version of the pooler did not track.
    /// </summary>
    public ParameterValues FillOwn(ParameterValues values)
    {
        if (_filledOwn.Is(values, null)) return _filledOwn.To;
        string?[]? filled = null;
        for (var i = TrackedParameters.SearchPath; i < values.Count; i++)
        {
            if (values[i] is null) (filled ??= values.CopyValues())[i] = ParameterValues.OwnDefault;
        }
        return filled is null ? values : Keep(ref _filledOwn, values, null, filled);
    }

    /// <summary>The client's values after a SET batch: where both know one, the server's canonical form.</summary>
    public ParameterValues Canonical(ParameterValues client, ParameterValues server)
    {
        string?[]? changed = null;
        for (var i = 0; i < client.Count; i++)
        {
            if (client[i] is not null && server[i] is { } canonical && client[i] != canonical)
                (changed ??= client.CopyValues())[i] = canonical;
        }
        return changed is null ? client : Intern(new ParameterValues(changed));
    }
}
