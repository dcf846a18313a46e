using FastPool.Core.Pools;

namespace FastPool.Core.Sessions;

/// <summary>The uses of one kind by one application: how many, and the last one's time.</summary>
/// <param name="Reason">Of a pin; else empty.</param>
/// <param name="LastWallUs">Microseconds since 1970.</param>
public readonly record struct SafetyRow(string Database, string User, string ApplicationName, SafetyUse Use, string Reason,
    long Count, long LastWallUs);

/// <summary>
/// One loop's notes on what transaction pooling breaks. Bounded: beyond that, application names are one. Belongs to the
/// loop's thread.
/// </summary>
public sealed class SafetyTable
{
    /// <summary>Stands for all application names for which there is no room.</summary>
    public const string Others = "(others)";

    private const int RowsMax = 512;

    private readonly Dictionary<Key, Note> _notes = [];
    private Key _lastKey;
    private Note? _last; // Mostly the next use is one more of the same, with the same texts.

    public IEnumerable<SafetyRow> Rows =>
        _notes.Select(
        static pair =>
        new SafetyRow(pair.Key.Database, pair.Key.User, pair.Key.ApplicationName, pair.Key.Use, pair.Key.Reason,
        pair.Value.Count, pair.Value.LastWallUs));

    internal void Add(SafetyUse use, string reason, string database, string user, string applicationName, long wallUs)
    {
        var key = new Key(database, user, applicationName, use, reason);
        if (_last is not null && _lastKey.HasSameObjects(key))
        {
            _last.Count++;
            _last.LastWallUs = wallUs;
            return;
        }
        var asked = key;
        if (!_notes.TryGetValue(key, out var note))
        {
            if (_notes.Count >= RowsMax) key = key with { ApplicationName = Others };
            if (!_notes.TryGetValue(key, out note))
            {
                if (_notes.Count >= RowsMax * 2) return; // The table is full: more databases and users would say nothing new.
                _notes[key] = note = new Note();
            }
        }
        (_lastKey, _last) = (asked, note);
        note.Count++;
        note.LastWallUs = wallUs;
    }

    private readonly record struct Key(string Database, string User, string ApplicationName, SafetyUse Use, string Reason)
    {
        internal bool HasSameObjects(in Key other) => Use == other.Use && ReferenceEquals(Database, other.Database)
            && ReferenceEquals(User, other.User) && ReferenceEquals(ApplicationName, other.ApplicationName)
            && ReferenceEquals(Reason, other.Reason);
    }

    private sealed class Note
    {
        internal long Count;
        internal long LastWallUs;
    }
}
