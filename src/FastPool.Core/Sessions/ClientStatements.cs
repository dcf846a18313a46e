namespace FastPool.Core.Sessions;

/// <summary>A client's names for statements. Few clients have many, so the first ones are searched in line.</summary>
internal sealed class ClientStatements(StatementTable table)
{
    private const int InLine = 6;

    private readonly (byte[] Name, Statement Statement)[] _first = new (byte[], Statement)[InLine];
    private int _firstCount;
    private Dictionary<byte[], Statement>? _more;
    private Queue<byte[]>? _underWay; // Names whose Parse is not answered yet, in order.
    private int _aheadOfDrop;
    private HashSet<byte[]>? _failed; // Names, the very same arrays, whose Parse did not go well.

    internal int Count => _firstCount + (_more?.Count ?? 0);

    internal IEnumerable<(byte[] Name, Statement Statement)> All => _first.Take(_firstCount).Concat(_more?.Select(static pair => (pair.Key, pair.Value)) ?? []);

    internal Statement? Find(ReadOnlySpan<byte> name) => TryFind(name, out _, out var statement) ? statement : null;

    private bool TryFind(ReadOnlySpan<byte> name, out byte[] ownName, out Statement statement)
    {
        for (var i = 0; i < _firstCount; i++)
        {
            (ownName, statement) = _first[i];
            if (name.SequenceEqual(ownName)) return true;
        }
        if (_more is not null && _more.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out ownName!, out statement!)) return true;
        (ownName, statement) = ([], null!);
        return false;
    }

    /// <summary>Makes room for a Parse with that name.</summary>
    /// <param name="isDropUnderWay">A command has been sent that may drop all statements.</param>
    /// <returns>False: the name is taken, for PostgreSQL too.</returns>
    internal bool TryFree(ReadOnlySpan<byte> name, bool isDropUnderWay)
    {
        if (!TryFind(name, out var ownName, out _)) return true;
        var isFree = (_failed is not null && _failed.Contains(ownName)) || (isDropUnderWay && !IsBehindDrop(ownName));
        if (isFree) Remove(name);
        return isFree;
    }

    /// <summary>A Parse is on its way. The name must be free.</summary>
    internal Statement Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> key)
    {
        var statement = table.Hold(key);
        var ownName = name.ToArray();
        Put(ownName, statement);
        (_underWay ??= new Queue<byte[]>()).Enqueue(ownName);
        return statement;
    }

    /// <summary>From another process: a statement that is there.</summary>
    internal void Add(ReadOnlySpan<byte> name, Statement statement)
    {
        if (statement.TryHold()) Put(name.ToArray(), statement);
    }

    /// <summary>From another process: a Parse whose name it has not told.</summary>
    internal void AddUnderWay() => (_underWay ??= new Queue<byte[]>()).Enqueue([]);

    private void Put(byte[] name, Statement statement)
    {
        if (_firstCount < InLine) _first[_firstCount++] = (name, statement);
        else (_more ??= new Dictionary<byte[], Statement>(BytesComparer.Instance)).Add(name, statement);
    }

    /// <summary>The oldest Parse under way is answered. PostgreSQL does not know the name of one that failed: the client may use it again.</summary>
    internal void EndParse(bool hasFailed)
    {
        if (_underWay is null) return;
        var name = _underWay.Dequeue();
        if (_aheadOfDrop > 0) _aheadOfDrop--;
        if (_underWay.Count == 0) _underWay = null;
        if (hasFailed && TryFind(name, out var ownName, out _) && ReferenceEquals(name, ownName)) (_failed ??= []).Add(name);
    }

    /// <summary>A command is sent that may drop all statements.</summary>
    internal void NoteDrop() => _aheadOfDrop = _underWay?.Count ?? 0;

    private bool IsBehindDrop(byte[] ownName)
    {
        if (_underWay is null) return false;
        var place = 0;
        foreach (var name in _underWay)
        {
            if (place++ >= _aheadOfDrop && ReferenceEquals(name, ownName)) return true;
        }
        return false;
    }

    internal void Remove(ReadOnlySpan<byte> name)
    {
        if (!TryFind(name, out var ownName, out var statement)) return;
        table.LetGo(statement);
        _failed?.Remove(ownName);
        for (var i = 0; i < _firstCount; i++)
        {
            if (!ReferenceEquals(_first[i].Name, ownName)) continue;
            _first[i] = _first[--_firstCount];
            _first[_firstCount] = default;
            return;
        }
        _more!.Remove(ownName);
    }

    /// <summary>The server has dropped all statements; those whose Parse is under way come behind that.</summary>
    internal void Drop()
    {
        if (_underWay is null)
        {
            Clear();
            return;
        }
        var kept = new HashSet<byte[]>(_underWay);
        foreach (var (name, _) in All.ToList())
        {
            if (!kept.Contains(name)) Remove(name);
        }
    }

    internal void Clear()
    {
        _failed = null;
        for (var i = 0; i < _firstCount; i++) table.LetGo(_first[i].Statement);
        Array.Clear(_first);
        _firstCount = 0;
        if (_more is null) return;
        foreach (var statement in _more.Values) table.LetGo(statement);
        _more = null;
    }
}
