namespace FastPool.Core.Sessions;

/// <summary>
/// A client's names for statements. The effect of a Parse or a Close on a name counts when it is answered: one that fails, or
/// stands behind a failure, has done nothing. Few clients have many names, so the first ones are searched in line. A command that
/// drops them all costs what they cost to prepare, and no more however often it comes.
/// </summary>
internal sealed class ClientStatements(StatementTable table)
{
    private const int InLine = 6;

    private readonly Named[] _first = new Named[InLine];
    private int _firstCount;
    private Dictionary<byte[], Named>? _more;
    private Queue<Change>? _underWay; // Not answered yet, in order.
    private Named? _settled; // Those that stand for a statement, as far as answers have come.
    private long _lastNumber;
    private long _numberAtDrop;

    /// <summary>The statement that a name stands for, once the request that says so has gone well.</summary>
    /// <param name="Named">Null: a name that another process has not told.</param>
    /// <param name="Statement">Null: nothing any more. Held.</param>
    private readonly record struct Change(Named? Named, Statement? Statement);

    private sealed class Named(byte[] name)
    {
        internal readonly byte[] Name = name;
        internal Statement? Settled; // Held.
        internal Statement? Last; // Behind all changes that are under way.
        internal int UnderWayCount;
        internal int Segment; // That of the last change under way.
        internal long Number; // Of the last Parse, among all of this client.
        internal Named? Next;
        internal Named? Previous;

        internal Statement? Current => UnderWayCount > 0 ? Last : Settled;
    }

    /// <summary>Names that stand for something when all that is under way has gone well.</summary>
    internal int Count { get; private set; }

    /// <summary>Of all names and texts.</summary>
    internal long Bytes { get; private set; }

    internal IEnumerable<(byte[] Name, Statement Statement)> All =>
        _first.Take(_firstCount).Concat(_more?.Values.AsEnumerable() ?? [])
            .Where(static named => named.Current is not null).Select(static named => (named.Name, named.Current!));

    /// <summary>The first name that stands for it, as far as is known; null: none does.</summary>
    internal byte[]? NameOf(Statement statement) =>
        All.FirstOrDefault(pair => ReferenceEquals(pair.Statement, statement)).Name;

    private Named? Find(ReadOnlySpan<byte> name)
    {
        for (var i = 0; i < _firstCount; i++)
        {
            if (name.SequenceEqual(_first[i].Name)) return _first[i];
        }
        return _more is not null
            && _more.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out var named) ? named : null;
    }

    /// <summary>The statement under that name, as it is read with the settings; null: there is none.</summary>
    internal Statement? Find(ReadOnlySpan<byte> name, TextSettings settings)
    {
        if (Find(name) is not { Current: { } current } named) return null;
        if (named.UnderWayCount > 0 || ReferenceEquals(current.Settings, settings) || current.Settings.Equals(settings))
            return current;
        var read = table.Hold(current.Key, settings); // A server that does not have it yet reads the text now.
        table.LetGo(current);
        return named.Settled = read;
    }

    /// <summary>
    /// The meaning of the name depends on replies that are not here: a change of an earlier segment may be skipped, while what
    /// comes now is not.
    /// </summary>
    /// <param name="segment">Number of the present stretch between two Syncs.</param>
    internal bool IsInDoubt(ReadOnlySpan<byte> name, int segment) =>
        _underWay is not null && Find(name) is { UnderWayCount: > 0 } named && named.Segment != segment;

    /// <summary>Some change of a name is not answered.</summary>
    internal bool HasUnderWay => _underWay is not null;

    /// <summary>The statement that the name stands for, all going well; null: none.</summary>
    internal Statement? Peek(ReadOnlySpan<byte> name) => Find(name)?.Current;

    /// <summary>Whether the name stands for something, all going well.</summary>
    internal bool IsTaken(ReadOnlySpan<byte> name) => Find(name) is { Current: not null };

    /// <summary>Whether it will be free once the command that drops all statements has gone well.</summary>
    internal bool IsDropped(ReadOnlySpan<byte> name) => Find(name) is { } named && named.Number <= _numberAtDrop;

    /// <summary>A Parse is on its way. The name must be free.</summary>
    internal Statement Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> text, TextSettings settings, int segment)
    {
        var named = Find(name) ?? Put(name);
        var statement = table.Hold(text, settings);
        Bytes += statement.Key.Length;
        named.Number = ++_lastNumber;
        Send(named, statement, segment);
        return statement;
    }

    /// <summary>From another process: a statement that is there.</summary>
    internal void Add(ReadOnlySpan<byte> name, Statement statement)
    {
        if (!statement.TryHold()) return;
        Bytes += statement.Key.Length;
        Settle(Put(name), statement);
    }

    /// <summary>From another process: a Parse or Close whose name it has not told.</summary>
    internal void AddUnderWay() => (_underWay ??= new Queue<Change>()).Enqueue(default);

    private Named Put(ReadOnlySpan<byte> name)
    {
        var named = new Named(name.ToArray());
        Bytes += named.Name.Length;
        if (_firstCount < InLine) _first[_firstCount++] = named;
        else (_more ??= new Dictionary<byte[], Named>(BytesComparer.Instance)).Add(named.Name, named);
        return named;
    }

    private void Send(Named? named, Statement? statement, int segment)
    {
        (_underWay ??= new Queue<Change>()).Enqueue(new Change(named, statement));
        if (named is null) return;
        var before = named.Current;
        named.Last = statement;
        named.UnderWayCount++;
        named.Segment = segment;
        Recount(before, named);
    }

    private void Recount(Statement? before, Named named)
    {
        if (before is null && named.Current is not null) Count++;
        else if (before is not null && named.Current is null) Count--;
    }

    /// <summary>A Close is to be answered in its turn.</summary>
    internal void SendClose(ReadOnlySpan<byte> name, int segment) => Send(Find(name), null, segment);

    /// <summary>A Close is answered at once: nothing stands before it.</summary>
    internal void Close(ReadOnlySpan<byte> name)
    {
        if (Find(name) is not { } named) return;
        Settle(named, null);
        RemoveIfFree(named);
    }

    /// <summary>The oldest Parse or Close under way is through.</summary>
    internal void EndChange(RequestEnd end)
    {
        if (_underWay is null) return;
        var (named, statement) = _underWay.Dequeue();
        if (_underWay.Count == 0) _underWay = null;
        if (named is null) return;
        var before = named.Current;
        named.UnderWayCount--;
        if (end == RequestEnd.Done) Replace(named, statement);
        else LetGo(statement);
        Recount(before, named);
        RemoveIfFree(named);
    }

    /// <summary>A command is sent that may drop all statements.</summary>
    internal void NoteDrop() => _numberAtDrop = _lastNumber;

    /// <summary>The server has dropped all statements; those whose Parse is under way come behind that.</summary>
    internal void Drop()
    {
        while (_settled is { } named)
        {
            Settle(named, null);
            RemoveIfFree(named);
        }
    }

    internal void Clear()
    {
        while (_underWay is { Count: > 0 }) LetGo(_underWay.Dequeue().Statement);
        _underWay = null;
        for (var i = 0; i < _firstCount; i++) LetGo(_first[i].Settled);
        Array.Clear(_first);
        _firstCount = 0;
        foreach (var named in _more?.Values.AsEnumerable() ?? []) LetGo(named.Settled);
        _more = null;
        _settled = null;
        (Bytes, Count) = (0, 0);
    }

    private void LetGo(Statement? statement)
    {
        if (statement is null) return;
        Bytes -= statement.Key.Length;
        table.LetGo(statement);
    }

    /// <summary>It stands for that, and no more for what it stood for.</summary>
    private void Settle(Named named, Statement? statement)
    {
        var before = named.Current;
        Replace(named, statement);
        Recount(before, named);
    }

    private void Replace(Named named, Statement? statement)
    {
        var before = named.Settled;
        named.Settled = statement;
        if (before is null && statement is not null) LinkSettled(named);
        else if (before is not null && statement is null) UnlinkSettled(named);
        LetGo(before);
    }

    private void LinkSettled(Named named)
    {
        named.Next = _settled;
        if (_settled is not null) _settled.Previous = named;
        _settled = named;
    }

    private void UnlinkSettled(Named named)
    {
        if (named.Next is not null) named.Next.Previous = named.Previous;
        if (named.Previous is null) _settled = named.Next;
        else named.Previous.Next = named.Next;
        named.Next = named.Previous = null;
    }

    private void RemoveIfFree(Named named)
    {
        if (named.UnderWayCount > 0 || named.Settled is not null) return;
        Bytes -= named.Name.Length;
        for (var i = 0; i < _firstCount; i++)
        {
            if (!ReferenceEquals(_first[i], named)) continue;
            _first[i] = _first[--_firstCount];
            _first[_firstCount] = null!;
            return;
        }
        _more!.Remove(named.Name);
    }
}
