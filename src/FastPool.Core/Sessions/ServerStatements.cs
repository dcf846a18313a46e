namespace FastPool.Core.Sessions;

/// <summary>The statements that a server has prepared, in the order of their last use.</summary>
internal sealed class ServerStatements(StatementTable table)
{
    private readonly Dictionary<Statement, Entry> _entries = [];
    private Entry? _newest;
    private Entry? _oldest;

    private sealed class Entry(Statement statement)
    {
        internal readonly Statement Statement = statement;
        internal Entry? Newer;
        internal Entry? Older;
        internal readonly int Generation = statement.Generation;
        internal bool IsMarked;

        internal bool IsStale => IsMarked || Generation != Statement.Generation;
    }

    internal int Count => _entries.Count;

    /// <summary>The least recently used first.</summary>
    internal IEnumerable<(Statement Statement, bool IsStale)> All
    {
        get
        {
            for (var entry = _oldest; entry is not null; entry = entry.Newer) yield return (entry.Statement, entry.IsStale);
        }
    }

    /// <summary>Whether the server has it ready; then it becomes the newest.</summary>
    /// <param name="isStale">The server has it, but its plan no longer fits: it must be closed and prepared anew.</param>
    internal bool TryUse(Statement statement, out bool isStale)
    {
        isStale = false;
        if (_newest is not null && ReferenceEquals(_newest.Statement, statement) && !_newest.IsStale) return true;
        if (!_entries.TryGetValue(statement, out var entry)) return false;
        if (entry.IsStale)
        {
            isStale = true;
            Forget(statement);
            return false;
        }
        Unlink(entry);
        LinkNewest(entry);
        return true;
    }

    /// <summary>Whether it is prepared, without using it.</summary>
    internal bool Has(Statement statement) => _entries.TryGetValue(statement, out var entry) && !entry.IsStale;

    /// <summary>Adds it as the newest, with a hold on it.</summary>
    internal void Add(Statement statement)
    {
        if (_entries.ContainsKey(statement) || !statement.TryHold()) return;
        var entry = new Entry(statement);
        _entries.Add(statement, entry);
        LinkNewest(entry);
    }

    /// <summary>Takes the oldest out; the hold on it goes to the caller.</summary>
    internal Statement TakeOldest()
    {
        var entry = _oldest!;
        Unlink(entry);
        _entries.Remove(entry.Statement);
        return entry.Statement;
    }

    /// <summary>The server does not have it (any longer).</summary>
    internal void Forget(Statement statement)
    {
        if (!_entries.Remove(statement, out var entry)) return;
        Unlink(entry);
        table.LetGo(statement);
    }

    internal void ForgetUnlessStale(Statement statement)
    {
        if (Has(statement)) Forget(statement);
    }

    /// <summary>The plan made for it here no longer fits, nor will any other server's.</summary>
    internal void EndGeneration(Statement statement)
    {
        if (_entries.TryGetValue(statement, out var entry)) statement.EndGeneration(entry.Generation);
    }

    internal void MarkStale(Statement statement)
    {
        if (_entries.TryGetValue(statement, out var entry)) entry.IsMarked = true;
    }

    /// <summary>A command is on its way that may drop them all: the next use closes and prepares each anew.</summary>
    internal void MarkAllStale()
    {
        foreach (var entry in _entries.Values) entry.IsMarked = true;
    }

    /// <summary>The server has dropped what it had; what is on its way to it, it will have.</summary>
    internal void ForgetAllBut(OutstandingQueue onTheWay)
    {
        for (var entry = _oldest; entry is not null;)
        {
            var (statement, newer) = (entry.Statement, entry.Newer);
            if (!onTheWay.Prepares(statement)) Forget(statement);
            entry = newer;
        }
    }

    internal void Clear()
    {
        foreach (var statement in _entries.Keys) table.LetGo(statement);
        _entries.Clear();
        _newest = _oldest = null;
    }

    private void LinkNewest(Entry entry)
    {
        entry.Older = _newest;
        entry.Newer = null;
        if (_newest is null) _oldest = entry;
        else _newest.Newer = entry;
        _newest = entry;
    }

    private void Unlink(Entry entry)
    {
        if (entry.Older is null) _oldest = entry.Newer;
        else entry.Older.Newer = entry.Newer;
        if (entry.Newer is null) _newest = entry.Older;
        else entry.Newer.Older = entry.Older;
        entry.Newer = entry.Older = null;
    }
}
