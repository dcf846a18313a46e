using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// A prepared statement as all clients and servers share it: the exact bytes of query text and parameter types, the settings
/// with which the text is read, and the name it has on every server. Lives as long as a client or a server holds it.
/// </summary>
public sealed class Statement
{
    private int _holders = 1;
    private int _generation;
    private LatencyHistogram?[]? _latencies;

    internal Statement(byte[] key, TextSettings settings, long number)
    {
        Key = key;
        Settings = settings;
        Use = SessionUse.OfText(key);
        DropsStatements = SessionUse.DropsStatements(key);
        Number = number;
        ServerName = Encoding.ASCII.GetBytes($"PGBOUNCER_{number}");
    }

    /// <summary>The n of PGBOUNCER_n.</summary>
    public long Number { get; }

    /// <summary>What follows the name in a Parse: query text, NUL, types.</summary>
    public byte[] Key { get; }

    internal TextSettings Settings { get; }

    /// <summary>PGBOUNCER_n, without its NUL.</summary>
    internal byte[] ServerName { get; }

    /// <summary>What running it leaves behind in the server's session.</summary>
    internal SafetyUse Use { get; }

    /// <summary>It is DEALLOCATE ALL or DISCARD ALL.</summary>
    internal bool DropsStatements { get; }

    /// <summary>The name it has on every server.</summary>
    public string Name => Encoding.ASCII.GetString(ServerName);

    /// <summary>The query's text, one char a byte.</summary>
    /// <param name="lengthMax">Longer ones are cut.</param>
    public string Text(int lengthMax)
    {
        var length = Key.AsSpan().IndexOf((byte)0);
        return Encoding.Latin1.GetString(Key, 0, Math.Min(length < 0 ? Key.Length : length, lengthMax));
    }

    /// <summary>Whether its times are taken.</summary>
    internal bool IsTimed => Volatile.Read(ref _latencies) is not null; // Pairs: OpenLatency.

    /// <summary>Where its times are counted on a loop; null: they are not.</summary>
    internal LatencyHistogram? LatencyOn(byte loop) => _latencies?[loop];

    /// <summary>A client of this loop has prepared it: its times will be counted there, if the table has room for that.</summary>
    internal void OpenLatency(SessionContext context)
    {
        var latencies = Volatile.Read(ref _latencies);
        if (latencies is null)
        {
            if (!context.Statements.TryBeginTiming()) return;
            latencies = new LatencyHistogram?[context.Registry.LoopCount];
            if (Interlocked.CompareExchange(ref _latencies, latencies, null) is { } first) // Pairs: AddLatencyTo.
            {
                context.Statements.EndTiming();
                latencies = first;
            }
        }
        if (latencies[context.Loop] is null) Volatile.Write(ref latencies[context.Loop], new LatencyHistogram(context.HistogramBlocks)); // Pairs: AddLatencyTo.
    }

    /// <summary>Adds the times of all loops to a reader's sum. Any thread.</summary>
    public void AddLatencyTo(HistogramSum sum)
    {
        if (Volatile.Read(ref _latencies) is not { } latencies) return; // Pairs: OpenLatency.
        for (var loop = 0; loop < latencies.Length; loop++) Volatile.Read(ref latencies[loop])?.AddTo(sum); // Pairs: OpenLatency.
    }

    /// <summary>Raised when a server has said that its plan no longer fits: what was prepared under an earlier one is stale on every server.</summary>
    internal int Generation => Volatile.Read(ref _generation); // Pairs: EndGeneration.

    internal void EndGeneration(int generation) => Interlocked.CompareExchange(ref _generation, generation + 1, generation); // Pairs: Generation.

    /// <returns>False when the last holder has just let go: then it is forgotten, and a new one must be made.</returns>
    internal bool TryHold()
    {
        int holders;
        do
        {
            holders = Volatile.Read(ref _holders);
            if (holders == 0) return false;
        }
        while (Interlocked.CompareExchange(ref _holders, holders + 1, holders) != holders); // Pairs: LetGo.
        return true;
    }

    /// <returns>True for the last holder.</returns>
    internal bool LetGo() => Interlocked.Decrement(ref _holders) == 0; // Pairs: TryHold.

    internal void WriteParse(MessageBuffer output)
    {
        var size = MessageHeader.Size + ServerName.Length + 1 + Key.Length;
        var span = output.GetSpan(size);
        span[0] = FrontendMessage.Parse;
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(span[1..], size - 1);
        ServerName.CopyTo(span[MessageHeader.Size..]);
        span[MessageHeader.Size + ServerName.Length] = 0;
        Key.CopyTo(span[(MessageHeader.Size + ServerName.Length + 1)..]);
        output.Advance(size);
    }

    internal void WriteClose(MessageBuffer output) => output.Write(new Close { Kind = (byte)'S', Name = ServerName });
}

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

    /// <returns>False: so many statements are timed already that one more would say nothing.</returns>
    internal bool TryBeginTiming()
    {
        if (Interlocked.Increment(ref _timed) <= Limits.StatementsTimedMax) return true; // Pairs: EndTiming.
        EndTiming();
        return false;
    }

    internal void EndTiming() => Interlocked.Decrement(ref _timed); // Pairs: TryBeginTiming.

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
    }

    public IEnumerable<Statement> All => _statements.Values;

    /// <summary>
    /// A statement that servers know from an earlier process, under its number. The caller's hold is to be let go of. How its text was read is not told:
    /// who uses it next has it prepared anew.
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

    private Statement Make(ReadOnlySpan<byte> text, TextSettings settings) => new(text.ToArray(), settings, Interlocked.Increment(ref _lastNumber)); // Pairs: itself; numbers are only unique.
}

/// <summary>What makes a statement what it is.</summary>
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
internal sealed class StatementKeyComparer : IEqualityComparer<StatementKey>, IAlternateEqualityComparer<StatementContent, StatementKey>
{
    internal static readonly StatementKeyComparer Instance = new();

    public bool Equals(StatementKey x, StatementKey y) => x.Text.AsSpan().SequenceEqual(y.Text) && x.Settings.Equals(y.Settings);

    public int GetHashCode(StatementKey key) => GetHashCode(new StatementContent(key.Text, key.Settings));

    public bool Equals(StatementContent alternate, StatementKey other) => alternate.Text.SequenceEqual(other.Text) && alternate.Settings.Equals(other.Settings);

    public int GetHashCode(StatementContent content)
    {
        var hash = default(HashCode); // Seeded a process: a client cannot aim for collisions.
        hash.AddBytes(content.Text);
        hash.Add(content.Settings);
        return hash.ToHashCode();
    }

    public StatementKey Create(StatementContent alternate) => new(alternate.Text.ToArray(), alternate.Settings);
}

/// <summary>Byte strings by content, looked up by span.</summary>
internal sealed class BytesComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    internal static readonly BytesComparer Instance = new();

    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    public int GetHashCode([DisallowNull] byte[] bytes) => GetHashCode(bytes.AsSpan());

    public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

    public int GetHashCode(ReadOnlySpan<byte> bytes)
    {
        var hash = default(HashCode); // Seeded a process: a client cannot aim for collisions.
        hash.AddBytes(bytes);
        return hash.ToHashCode();
    }

    public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
}
