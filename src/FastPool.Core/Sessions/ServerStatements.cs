namespace FastPool.Core.Sessions;

/// <summary>The statements that a server has prepared, in the order of their last use.</summary>
internal sealed class ServerStatements(StatementTable table)
{
    private readonly Dictionary<Statement, Entry> _entries = [];
    private readonly Dictionary<Statement, (int Parses, int Closes)> _underWay = []; // Requests that the server has not answered yet.
    private Entry? _newest;
    private Entry? _oldest;

    private sealed class Entry(Statement statement)
    {
        internal readonly Statement Statement = statement;
        internal Entry? Newer;
        internal Entry? Older;
        internal readonly int Generation = statement.Generation;
        internal bool IsMarked;
        internal int Segment;

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
    /// <param name="segment">Number of the present stretch between two Syncs.</param>
    internal bool TryUse(Statement statement, int segment)
    {
        var entry = _newest;
        if (entry is null || !ReferenceEquals(entry.Statement, statement))
        {
            if (!_entries.TryGetValue(statement, out entry)) return false;
        }
        if (!IsReady(entry, segment)) return false;
        if (ReferenceEquals(entry, _newest)) return true;
        Unlink(entry);
        LinkNewest(entry);
        return true;
    }

    /// <summary>Whether it is prepared, without using it.</summary>
    internal bool Has(Statement statement, int segment) => _entries.TryGetValue(statement, out var entry) && IsReady(entry, segment);

    /// <summary>A Parse that is under way from before a Sync may be skipped while what comes now is not.</summary>
    private bool IsReady(Entry entry, int segment) => !entry.IsStale && (entry.Segment == segment || _underWay.Count == 0 || !_underWay.ContainsKey(entry.Statement));

    /// <summary>
    /// Takes out one that the server has, or may have, without being ready: it must be closed before it is prepared anew. A Close under way
    /// proves nothing: it may be skipped.
    /// </summary>
    internal bool TakeStale(Statement statement)
    {
        if (!_entries.ContainsKey(statement)) return _underWay.Count > 0 && _underWay.ContainsKey(statement);
        Forget(statement);
        return true;
    }

    /// <summary>A Close is sent.</summary>
    internal void AddClosing(Statement statement)
    {
        var (parses, closes) = _underWay.GetValueOrDefault(statement);
        _underWay[statement] = (parses, closes + 1);
    }

    /// <summary>A Close is answered, or was skipped.</summary>
    internal void EndClose(Statement statement)
    {
        if (_underWay.TryGetValue(statement, out var count)) Note(statement, count.Parses, count.Closes - 1);
    }

    private void Note(Statement statement, int parses, int closes)
    {
        if (parses > 0 || closes > 0) _underWay[statement] = (parses, closes);
        else _underWay.Remove(statement);
    }

    /// <summary>A Parse is sent: it is the newest, with a hold on it.</summary>
    internal void AddParsing(Statement statement, int segment)
    {
        var (parses, closes) = _underWay.GetValueOrDefault(statement);
        _underWay[statement] = (parses + 1, closes);
        Add(statement);
        if (_newest is not null && ReferenceEquals(_newest.Statement, statement)) _newest.Segment = segment;
    }

    /// <summary>A Parse is answered. Where another is under way, that one decides.</summary>
    /// <param name="hasFailed">By an error, or it was skipped after one.</param>
    internal void EndParse(Statement statement, bool hasFailed)
    {
        if (!_underWay.TryGetValue(statement, out var count)) return;
        Note(statement, count.Parses - 1, count.Closes);
        if (count.Parses > 1) return;
        if (hasFailed && _entries.TryGetValue(statement, out var entry) && !entry.IsMarked) Forget(statement);
    }

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
