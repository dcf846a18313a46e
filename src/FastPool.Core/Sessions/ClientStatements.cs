namespace FastPool.Core.Sessions;

/// <summary>A client's names for statements. Few clients have many, so the first ones are searched in line.</summary>
internal sealed class ClientStatements(StatementTable table)
{
    private const int InLine = 6;

    private (byte[] Name, Statement Statement)[] _first = new (byte[], Statement)[InLine];
    private int _firstCount;
    private Dictionary<byte[], Statement>? _more;
    private ClientStatements? _doubted;
    private HashSet<Statement>? _failed;

    internal int Count => _firstCount + (_more?.Count ?? 0) + (_doubted?.Count ?? 0);

    internal IEnumerable<(byte[] Name, Statement Statement)> All =>
        _first.Take(_firstCount).Concat(_more?.Select(static pair => (pair.Key, pair.Value)) ?? []).Concat(_doubted?.All ?? []);

    internal Statement? Find(ReadOnlySpan<byte> name) => FindCertain(name) ?? _doubted?.Find(name);

    /// <summary>A Parse of the statement did not go well: PostgreSQL does not know its name, so the client may use it again.</summary>
    internal void NoteFailed(Statement statement) => (_failed ??= []).Add(statement);

    /// <summary>Makes room for a Parse with that name.</summary>
    /// <returns>False: the name is taken, whatever becomes of a command that is under way.</returns>
    internal bool TryFree(ReadOnlySpan<byte> name)
    {
        if (FindCertain(name) is not { } taken) return true;
        if (_failed is null || !_failed.Contains(taken)) return false;
        Remove(name);
        return true;
    }

    private Statement? FindCertain(ReadOnlySpan<byte> name)
    {
        for (var i = 0; i < _firstCount; i++)
        {
            if (name.SequenceEqual(_first[i].Name)) return _first[i].Statement;
        }
        return _more is not null && _more.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out var statement) ? statement : null;
    }

    /// <summary>The name must be free.</summary>
    internal Statement Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> key)
    {
        var statement = table.Hold(key);
        Put(name, statement);
        return statement;
    }

    /// <summary>As above, of a statement that is there.</summary>
    internal void Add(ReadOnlySpan<byte> name, Statement statement)
    {
        if (statement.TryHold()) Put(name, statement);
    }

    private void Put(ReadOnlySpan<byte> name, Statement statement)
    {
        if (_firstCount < InLine) _first[_firstCount++] = (name.ToArray(), statement);
        else (_more ??= new Dictionary<byte[], Statement>(BytesComparer.Instance)).Add(name.ToArray(), statement);
    }

    internal void Remove(ReadOnlySpan<byte> name)
    {
        for (var i = 0; i < _firstCount; i++)
        {
            if (!name.SequenceEqual(_first[i].Name)) continue;
            LetGo(_first[i].Statement);
            _first[i] = _first[--_firstCount];
            _first[_firstCount] = default;
            return;
        }
        if (_more is not null && _more.GetAlternateLookup<ReadOnlySpan<byte>>().Remove(name, out _, out var statement)) LetGo(statement);
        else _doubted?.Remove(name);
    }

    private void LetGo(Statement statement)
    {
        _failed?.Remove(statement);
        table.LetGo(statement);
    }

    /// <summary>A command is on its way that may drop all that is here.</summary>
    internal void Doubt()
    {
        if (_firstCount == 0 && _more is not { Count: > 0 }) return;
        var before = _doubted;
        _doubted = new ClientStatements(table) { _first = _first, _firstCount = _firstCount, _more = _more };
        (_first, _firstCount, _more) = (new (byte[], Statement)[InLine], 0, null);
        if (before is not null) _doubted.Take(before);
        _failed = null; // Any of these names may be used again by now.
    }

    /// <summary>Such a command went well.</summary>
    internal void DropDoubted()
    {
        _doubted?.Clear();
        _doubted = null;
    }

    /// <summary>No such command is under way any more: what was not dropped stays.</summary>
    internal void EndDoubt()
    {
        if (_doubted is not { } doubted) return;
        _doubted = null;
        Take(doubted);
    }

    /// <summary>Takes over the holds of another; a name that is here already has come later, and stays.</summary>
    private void Take(ClientStatements other)
    {
        foreach (var (name, statement) in other.All)
        {
            if (FindCertain(name) is not null) table.LetGo(statement);
            else Put(name, statement);
        }
    }

    internal void Clear()
    {
        DropDoubted();
        _failed = null;
        for (var i = 0; i < _firstCount; i++) table.LetGo(_first[i].Statement);
        Array.Clear(_first);
        _firstCount = 0;
        if (_more is null) return;
        foreach (var statement in _more.Values) table.LetGo(statement);
        _more = null;
    }
}
