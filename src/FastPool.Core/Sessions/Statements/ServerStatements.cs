namespace FastPool.Core.Sessions;

/// <summary>
/// The statements that a server has prepared, in the order of their last use. Work on all of them costs no more than work
/// on one: all are made stale by a number, and each statement that is dropped was prepared once.
/// </summary>
internal sealed class ServerStatements(StatementTable table)
{
    private readonly Dictionary<Statement, Entry> _entries = [];
    // Requests that the server has not answered yet.
    private readonly Dictionary<Statement, (int Parses, int Closes)> _underWay = [];
    private Entry? _newest;
    private Entry? _oldest;
    private Entry? _lastSettled; // Those with no Parse under way, in the order of its answer.
    private long _lastNumber;
    private long _staleUpTo; // Entries up to this number are stale.
    private long _rereadUpTo; // Those up to this number whose Parse is under way may be read with other settings than their own.
    private long _settledCount;
    private long _settledAtReady;
    private bool _hasSet;

    private sealed class Entry(Statement statement, long number)
    {
        internal readonly Statement Statement = statement;
        internal readonly long Number = number;
        internal readonly int Generation = statement.Generation;
        internal Entry? Newer;
        internal Entry? Older;
        internal Entry? SettledLater;
        internal Entry? SettledEarlier;
        internal long SettledAt; // 0: a Parse is under way.
        internal bool IsMarked;
        internal int Segment;
    }

    internal int Count => _entries.Count;

    /// <summary>The least recently used first.</summary>
    internal IEnumerable<(Statement Statement, bool IsStale)> All
    {
        get
        {
            for (var entry = _oldest; entry is not null; entry = entry.Newer) yield return (entry.Statement, IsStale(entry));
        }
    }

    private bool IsDoubtful(Entry entry) => entry.IsMarked || entry.Number <= _staleUpTo;

    private bool IsStale(Entry entry) => IsDoubtful(entry) || entry.Generation != entry.Statement.Generation;

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
    internal bool Has(Statement statement, int segment) =>
        _entries.TryGetValue(statement, out var entry) && IsReady(entry, segment);

    /// <summary>A Parse that is under way from before a Sync may be skipped while what comes now is not.</summary>
    private bool IsReady(Entry entry, int segment) =>
        !IsStale(entry) && (entry.Segment == segment || _underWay.Count == 0 || !_underWay.ContainsKey(entry.Statement));

    /// <summary>
    /// Takes out one that the server has, or may have, without being ready: it must be closed before it is prepared anew. A Close
    /// under way proves nothing: it may be skipped.
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
        if (_entries.TryGetValue(statement, out var known)) Unsettle(known);
        else known = AddNewest(statement);
        if (known is not null) known.Segment = segment;
    }

    /// <summary>A Parse is answered. Where another is under way, that one decides.</summary>
    /// <param name="hasFailed">By an error, or it was skipped after one.</param>
    internal void EndParse(Statement statement, bool hasFailed)
    {
        if (!_underWay.TryGetValue(statement, out var count)) return;
        Note(statement, count.Parses - 1, count.Closes);
        if (count.Parses > 1 || !_entries.TryGetValue(statement, out var entry)) return;
        if (entry.Number <= _rereadUpTo) entry.IsMarked = true;
        if (hasFailed && !IsDoubtful(entry)) Forget(statement);
        else Settle(entry);
    }

    /// <summary>Adds one that the server has or may have, with a hold on it.</summary>
    internal void Add(Statement statement)
    {
        if (_entries.ContainsKey(statement) || AddNewest(statement) is not { } entry) return;
        if (_underWay.GetValueOrDefault(statement).Parses == 0) Settle(entry);
    }

    private Entry? AddNewest(Statement statement)
    {
        if (!statement.TryHold()) return null;
        var entry = new Entry(statement, ++_lastNumber);
        if (_hasSet) _rereadUpTo = _lastNumber;
        _entries.Add(statement, entry);
        LinkNewest(entry);
        return entry;
    }

    /// <summary>Takes the oldest out; the hold on it goes to the caller.</summary>
    internal Statement TakeOldest()
    {
        var entry = _oldest!;
        Remove(entry);
        return entry.Statement;
    }

    /// <summary>The server does not have it (any longer).</summary>
    internal void Forget(Statement statement)
    {
        if (!_entries.TryGetValue(statement, out var entry)) return;
        Remove(entry);
        table.LetGo(statement);
    }

    private void Remove(Entry entry)
    {
        _entries.Remove(entry.Statement);
        Unlink(entry);
        Unsettle(entry);
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

    /// <summary>They may all have been dropped, or are about to be: the next use closes and prepares each anew.</summary>
    internal void MarkAllStale() => _staleUpTo = _lastNumber;

    /// <summary>The server has dropped what it had; what is on its way to it, it will have.</summary>
    internal void ForgetSettled()
    {
        while (_lastSettled is { } entry) Forget(entry.Statement);
    }

    /// <summary>
    /// ReadyForQuery: what changes from now on changes nothing for those that are prepared, and what has changed has been told.
    /// </summary>
    internal void EndStretch()
    {
        _settledAtReady = _settledCount;
        _hasSet = false;
    }

    /// <summary>
    /// A SET is through. A statement prepared behind it, before the next ReadyForQuery, may be read with values that are never
    /// told, since it was for one transaction only.
    /// </summary>
    internal void NoteSet()
    {
        _hasSet = true;
        _rereadUpTo = _lastNumber;
    }

    /// <summary>
    /// A variable that decides how a text is read has another value, told no later than by the next ReadyForQuery. Statements
    /// prepared since the last one, or under way, may have been read with either.
    /// </summary>
    internal void DoubtRecent()
    {
        _rereadUpTo = _lastNumber;
        for (var entry = _lastSettled; entry is not null && entry.SettledAt > _settledAtReady; entry = entry.SettledEarlier)
            entry.IsMarked = true;
        _settledAtReady = _settledCount; // These are marked.
    }

    internal void Clear()
    {
        foreach (var statement in _entries.Keys) table.LetGo(statement);
        _entries.Clear();
        _newest = _oldest = _lastSettled = null;
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

    private void Settle(Entry entry)
    {
        if (entry.SettledAt > 0) return;
        entry.SettledAt = ++_settledCount;
        entry.SettledEarlier = _lastSettled;
        if (_lastSettled is not null) _lastSettled.SettledLater = entry;
        _lastSettled = entry;
    }

    private void Unsettle(Entry entry)
    {
        if (entry.SettledAt == 0) return;
        entry.SettledAt = 0;
        if (entry.SettledEarlier is not null) entry.SettledEarlier.SettledLater = entry.SettledLater;
        if (entry.SettledLater is null) _lastSettled = entry.SettledEarlier;
        else entry.SettledLater.SettledEarlier = entry.SettledEarlier;
        entry.SettledLater = entry.SettledEarlier = null;
    }
}
