namespace FastPool.Core.Sessions;

/// <summary>A client's names for statements. Few clients have many, so the first ones are searched in line.</summary>
internal sealed class ClientStatements(StatementTable table)
{
    private const int InLine = 6;

    private readonly (byte[] Name, Statement Statement)[] _first = new (byte[], Statement)[InLine];
    private int _firstCount;
    private Dictionary<byte[], Statement>? _more;

    internal int Count => _firstCount + (_more?.Count ?? 0);

    internal IEnumerable<(byte[] Name, Statement Statement)> All => _first.Take(_firstCount).Concat(_more?.Select(static pair => (pair.Key, pair.Value)) ?? []);

    internal Statement? Find(ReadOnlySpan<byte> name)
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
            table.LetGo(_first[i].Statement);
            _first[i] = _first[--_firstCount];
            _first[_firstCount] = default;
            return;
        }
        if (_more is not null && _more.GetAlternateLookup<ReadOnlySpan<byte>>().Remove(name, out _, out var statement)) table.LetGo(statement);
    }

    internal void Clear()
    {
        for (var i = 0; i < _firstCount; i++) table.LetGo(_first[i].Statement);
        Array.Clear(_first);
        _firstCount = 0;
        if (_more is null) return;
        foreach (var statement in _more.Values) table.LetGo(statement);
        _more = null;
    }
}
