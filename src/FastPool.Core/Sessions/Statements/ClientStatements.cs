namespace FastPool.Core.Sessions;

/// <summary>
/// A client's names for statements. Few clients have many, so the first ones are searched in line. A command that drops them all
/// costs what they cost to prepare, and no more however often it comes.
/// </summary>
internal sealed class ClientStatements(StatementTable table)
{
    private const int InLine = 6;

    private readonly Named[] _first = new Named[InLine];
    private int _firstCount;
    private Dictionary<byte[], Named>? _more;
    private Queue<Named?>? _underWay; // Those whose Parse is not answered yet, in order; null: of another process.
    private Named? _settled; // The others.
    private long _parseCount;
    private long _parsesAtDrop;

    private sealed class Named(byte[] name, Statement statement, long parse)
    {
        internal readonly byte[] Name = name;
        internal readonly long Parse = parse; // Its number among all of this client.
        internal Statement Statement = statement;
        internal bool HasFailed; // Its Parse did not go well.
        internal bool IsGone;
        internal bool IsSettled;
        internal Named? Next;
        internal Named? Previous;
    }

    internal int Count => _firstCount + (_more?.Count ?? 0);

    /// <summary>Of all names and texts.</summary>
    internal long Bytes { get; private set; }

    internal IEnumerable<(byte[] Name, Statement Statement)> All =>
        _first.Take(_firstCount).Concat(_more?.Values.AsEnumerable() ?? []).Select(static named => (named.Name, named.Statement));

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
        if (Find(name) is not { } named) return null;
        if (ReferenceEquals(named.Statement.Settings, settings) || named.Statement.Settings.Equals(settings))
            return named.Statement;
        var read = table.Hold(named.Statement.Key, settings); // A server that does not have it yet reads the text now.
        table.LetGo(named.Statement);
        return named.Statement = read;
    }

    /// <summary>Makes room for a Parse with that name.</summary>
    /// <param name="isDropUnderWay">A command has been sent that may drop all statements.</param>
    /// <returns>False: the name is taken, for PostgreSQL too.</returns>
    internal bool TryFree(ReadOnlySpan<byte> name, bool isDropUnderWay)
    {
        if (Find(name) is not { } named) return true;
        var isFree = named.HasFailed || (isDropUnderWay && named.Parse <= _parsesAtDrop);
        if (isFree) Remove(named);
        return isFree;
    }

    /// <summary>A Parse is on its way. The name must be free.</summary>
    internal Statement Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> text, TextSettings settings)
    {
        var named = new Named(name.ToArray(), table.Hold(text, settings), ++_parseCount);
        Put(named);
        (_underWay ??= new Queue<Named?>()).Enqueue(named);
        return named.Statement;
    }

    /// <summary>From another process: a statement that is there.</summary>
    internal void Add(ReadOnlySpan<byte> name, Statement statement)
    {
        if (!statement.TryHold()) return;
        var named = new Named(name.ToArray(), statement, 0);
        Put(named);
        Settle(named);
    }

    /// <summary>From another process: a Parse whose name it has not told.</summary>
    internal void AddUnderWay() => (_underWay ??= new Queue<Named?>()).Enqueue(null);

    private void Put(Named named)
    {
        Bytes += BytesOf(named);
        if (_firstCount < InLine) _first[_firstCount++] = named;
        else (_more ??= new Dictionary<byte[], Named>(BytesComparer.Instance)).Add(named.Name, named);
    }

    private static long BytesOf(Named named) => named.Name.Length + named.Statement.Key.Length;

    /// <summary>
    /// The oldest Parse under way is answered. PostgreSQL does not know the name of one that failed: the client may use it again.
    /// </summary>
    internal void EndParse(bool hasFailed)
    {
        if (_underWay is null) return;
        var named = _underWay.Dequeue();
        if (_underWay.Count == 0) _underWay = null;
        if (named is null or { IsGone: true }) return;
        named.HasFailed = hasFailed;
        Settle(named);
    }

    /// <summary>A command is sent that may drop all statements.</summary>
    internal void NoteDrop() => _parsesAtDrop = _parseCount;

    internal void Remove(ReadOnlySpan<byte> name)
    {
        if (Find(name) is { } named) Remove(named);
    }

    private void Remove(Named named)
    {
        Bytes -= BytesOf(named);
        table.LetGo(named.Statement);
        named.IsGone = true;
        Unsettle(named);
        for (var i = 0; i < _firstCount; i++)
        {
            if (!ReferenceEquals(_first[i], named)) continue;
            _first[i] = _first[--_firstCount];
            _first[_firstCount] = null!;
            return;
        }
        _more!.Remove(named.Name);
    }

    /// <summary>The server has dropped all statements; those whose Parse is under way come behind that.</summary>
    internal void Drop()
    {
        while (_settled is { } named) Remove(named);
    }

    internal void Clear()
    {
        for (var i = 0; i < _firstCount; i++) LetGo(_first[i]);
        Array.Clear(_first);
        _firstCount = 0;
        foreach (var named in _more?.Values.AsEnumerable() ?? []) LetGo(named);
        _more = null;
        _settled = null;
        Bytes = 0;
    }

    private void LetGo(Named named)
    {
        table.LetGo(named.Statement);
        named.IsGone = true;
    }

    private void Settle(Named named)
    {
        named.IsSettled = true;
        named.Next = _settled;
        if (_settled is not null) _settled.Previous = named;
        _settled = named;
    }

    private void Unsettle(Named named)
    {
        if (!named.IsSettled) return;
        named.IsSettled = false;
        if (named.Next is not null) named.Next.Previous = named.Previous;
        if (named.Previous is null) _settled = named.Next;
        else named.Previous.Next = named.Next;
        named.Next = named.Previous = null;
    }
}
