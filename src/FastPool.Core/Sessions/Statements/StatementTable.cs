using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>All statements of the process, by content. Any loop may ask; nothing here is locked by us.</summary>
public sealed class StatementTable
{
    private readonly ConcurrentDictionary<StatementKey, Statement> _statements = new(StatementKeyComparer.Instance);
    private readonly ConcurrentDictionary<TextSettings, TextSettings> _settings = new();
    private long _lastNumber;
    private int _timed;

    public int Count => _statements.Count;

    /// <summary>Those whose times are taken.</summary>
    public IEnumerable<Statement> Timed => _statements.Values.Where(static statement => statement.IsTimed);

    /// <summary>A client of this loop has prepared it: its times will be counted there, if there is room for that.</summary>
    internal void OpenLatency(Statement statement, byte loop, int loopCount, HistogramBlocks blocks)
    {
        if (statement.TryOpenLatency(loop, blocks) || !TryBeginTiming()) return;
        if (!statement.BeginTiming(loopCount)) EndTiming();
        statement.TryOpenLatency(loop, blocks);
    }

    /// <returns>False: so many statements are timed already that one more would say nothing.</returns>
    private bool TryBeginTiming()
    {
        if (Interlocked.Increment(ref _timed) <= Limits.StatementsTimedMax) return true; // Pairs: EndTiming.
        EndTiming();
        return false;
    }

    private void EndTiming() => Interlocked.Decrement(ref _timed); // Pairs: TryBeginTiming.

    /// <summary>Of a server with these values; the same object for all that are alike.</summary>
    internal TextSettings SettingsOf(TrackedParameters tracked, ParameterValues values)
    {
        if (values.Text is { } known) return known;
        if (_settings.Count >= Limits.TextSettingsMax) _settings.Clear(); // Costs comparisons only.
        var made = TextSettings.Of(tracked, values);
        return values.Text = _settings.GetOrAdd(made, made);
    }

    /// <summary>The statement of that content, held once more.</summary>
    internal Statement Hold(ReadOnlySpan<byte> text, TextSettings settings)
    {
        var byContent = _statements.GetAlternateLookup<StatementContent>();
        Statement? made = null;
        while (true)
        {
            if (byContent.TryGetValue(new StatementContent(text, settings), out var known))
            {
                if (known.TryHold()) return known;
                made ??= Make(text, settings);
                if (_statements.TryUpdate(StatementKey.Of(known), made, known)) return made;
            }
            else
            {
                made ??= Make(text, settings);
                if (_statements.TryAdd(StatementKey.Of(made), made)) return made;
            }
        }
    }

    public void LetGo(Statement statement)
    {
        if (!statement.LetGo()) return;
        if (statement.IsTimed) EndTiming();
        _statements.TryRemove(new KeyValuePair<StatementKey, Statement>(StatementKey.Of(statement), statement));
        GivenUp.Add(statement.Key.Length); // Last: a collection before would find it in use.
    }

    public IEnumerable<Statement> All => _statements.Values;

    /// <summary>
    /// A statement that servers know from an earlier process, under its number. The caller's hold is to be let go of. How its
    /// text was read is not told, so its next use prepares it anew.
    /// </summary>
    public Statement Restore(long number, byte[] key)
    {
        BeginAfter(number);
        var statement = new Statement(key, TextSettings.NewUnknown(), number);
        _statements.TryAdd(StatementKey.Of(statement), statement);
        return statement;
    }

    /// <summary>Names up to this number may be taken on servers that another process has left.</summary>
    public void BeginAfter(long number)
    {
        if (number > _lastNumber) Interlocked.Exchange(ref _lastNumber, number); // Pairs: Make; before the loops run.
    }

    // Pairs: itself; numbers are only unique.
    private Statement Make(ReadOnlySpan<byte> text, TextSettings settings) =>
        new(text.ToArray(), settings, Interlocked.Increment(ref _lastNumber));
}

/// <summary>The identity of a statement.</summary>
internal readonly record struct StatementKey(byte[] Text, TextSettings Settings)
{
    internal static StatementKey Of(Statement statement) => new(statement.Key, statement.Settings);
}

/// <summary>As <see cref="StatementKey"/>, of a text that lies in a message.</summary>
internal readonly ref struct StatementContent(ReadOnlySpan<byte> text, TextSettings settings)
{
    internal ReadOnlySpan<byte> Text { get; } = text;
    internal TextSettings Settings { get; } = settings;
}

/// <summary>Statements by content, looked up by span.</summary>
internal sealed class StatementKeyComparer
    : IEqualityComparer<StatementKey>, IAlternateEqualityComparer<StatementContent, StatementKey>
{
    internal static readonly StatementKeyComparer Instance = new();

    public bool Equals(StatementKey x, StatementKey y) => x.Text.AsSpan().SequenceEqual(y.Text) && x.Settings.Equals(y.Settings);

    public int GetHashCode(StatementKey key) => GetHashCode(new StatementContent(key.Text, key.Settings));

    public bool Equals(StatementContent alternate, StatementKey other) =>
        alternate.Text.SequenceEqual(other.Text) && alternate.Settings.Equals(other.Settings);

    public int GetHashCode(StatementContent content)
    {
        var hash = default(HashCode); // Seeded a process: a client cannot aim for collisions.
        hash.AddBytes(content.Text);
        hash.Add(content.Settings);
        return hash.ToHashCode();
    }

    public StatementKey Create(StatementContent alternate) => new(alternate.Text.ToArray(), alternate.Settings);
}
