using System.Collections.Immutable;

namespace FastPool.Simulation.Postgres;

/// <summary>
/// The part of a session of PostgreSQL that outlives a transaction. A ROLLBACK gives back settings and temporary tables; locks,
/// held cursors and prepared statements stay as they are.
/// </summary>
internal sealed class Session
{
    /// <param name="Values">Set for the session.</param>
    /// <param name="Locals">Set for the transaction, which goes before.</param>
    private sealed record Changes(
        ImmutableSortedDictionary<string, string> Values, ImmutableSortedDictionary<string, string> Locals,
        ImmutableSortedSet<string> Tables);

    private static readonly Changes None = new(
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal),
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal),
        ImmutableSortedSet.Create<string>(StringComparer.Ordinal));

    private readonly Dictionary<string, string> _atLogin = [];
    private readonly List<(string Name, Changes Before)> _levels = []; // The transaction, then its savepoints.
    private Changes _now = None;

    /// <summary>Messages with PREPARE commands, and what each prepares, by the name of the statement.</summary>
    internal SortedDictionary<string, (string Message, string Statement)> Prepared { get; } = new(StringComparer.Ordinal);

    /// <summary>Advisory locks.</summary>
    internal SortedSet<string> Locks { get; } = new(StringComparer.Ordinal);

    internal SortedSet<string> HeldCursors { get; } = new(StringComparer.Ordinal);

    internal IReadOnlyCollection<string> Tables => _now.Tables;

    /// <summary>Those whose source is the session, role and session_authorization among them.</summary>
    internal IReadOnlyDictionary<string, string> Values => _now.Values;

    internal string this[string name] =>
        _now.Locals.TryGetValue(name, out var value) || _now.Values.TryGetValue(name, out value)
            || _atLogin.TryGetValue(name, out value) ? value : Variables.DefaultOf(name)!;

    /// <summary>Its value is not that of the login.</summary>
    internal bool IsSet(string name) => _now.Values.ContainsKey(name) || _now.Locals.ContainsKey(name);

    /// <summary>A value given at login, to which RESET goes back.</summary>
    internal void SetAtLogin(string name, string value) => _atLogin[name] = Variables.Canonical(name, value);

    // ---- changes --------------------------------------------------------------------------------------------------

    internal void Set(string name, string value, bool isLocal)
    {
        value = Variables.Canonical(name, value);
        if (name == Variables.SessionAuthorization) Reset(Variables.Role);
        _now = isLocal ? _now with { Locals = _now.Locals.SetItem(name, value) }
            : _now with { Values = _now.Values.SetItem(name, value), Locals = _now.Locals.Remove(name) };
    }

    internal void Reset(string name)
    {
        if (name == Variables.SessionAuthorization) Reset(Variables.Role);
        _now = _now with { Values = _now.Values.Remove(name), Locals = _now.Locals.Remove(name) };
    }

    /// <summary>All but role and session_authorization.</summary>
    internal void ResetAll()
    {
        foreach (var name in _now.Values.Keys.Concat(_now.Locals.Keys).Distinct().ToList())
        {
            if (name is not (Variables.Role or Variables.SessionAuthorization)) Reset(name);
        }
    }

    internal bool TryCreateTable(string name)
    {
        if (_now.Tables.Contains(name)) return false;
        _now = _now with { Tables = _now.Tables.Add(name) };
        return true;
    }

    internal bool TryDropTable(string name)
    {
        if (!_now.Tables.Contains(name)) return false;
        _now = _now with { Tables = _now.Tables.Remove(name) };
        return true;
    }

    internal void DropTables() => _now = _now with { Tables = _now.Tables.Clear() };

    internal void DiscardAll()
    {
        _now = None;
        Prepared.Clear();
        Locks.Clear();
        HeldCursors.Clear();
    }

    // ---- transactions ---------------------------------------------------------------------------------------------

    /// <summary>A command comes: it belongs to a transaction.</summary>
    internal void Begin()
    {
        if (_levels.Count == 0) _levels.Add(("", _now));
    }

    internal void Commit()
    {
        _now = _now with { Locals = _now.Locals.Clear() };
        _levels.Clear();
    }

    internal void Rollback()
    {
        _now = _levels[0].Before;
        _levels.Clear();
    }

    /// <summary>An error: what is innermost is over.</summary>
    internal void Fail()
    {
        if (_levels.Count > 0) _now = _levels[^1].Before;
    }

    internal void Savepoint(string name) => _levels.Add((name, _now));

    /// <returns>False: there is none of that name.</returns>
    internal bool TryRollbackTo(string name)
    {
        if (LevelOf(name) is not (> 0 and var level)) return false;
        _now = _levels[level].Before;
        _levels.RemoveRange(level + 1, _levels.Count - level - 1);
        return true;
    }

    /// <inheritdoc cref="TryRollbackTo"/>
    internal bool TryRelease(string name)
    {
        if (LevelOf(name) is not (> 0 and var level)) return false;
        _levels.RemoveRange(level, _levels.Count - level);
        return true;
    }

    private int LevelOf(string name) => _levels.FindLastIndex(level => level.Name == name);

    /// <summary>
    /// All that a client can see of it, in one line. Not whether a value was set or is the default: a pooler may set defaults.
    /// </summary>
    internal string InShort()
    {
        var custom = _now.Values.Keys.Concat(_now.Locals.Keys).Where(static name => name.Contains('.')).Distinct()
            .Order(StringComparer.Ordinal).Where(name => this[name].Length > 0);
        return string.Join('|', Variables.Names.Concat(custom).Select(name => $"{name}={this[name]}"))
            + $" tables {string.Join(',', Tables)} locks {string.Join(',', Locks)} cursors {string.Join(',', HeldCursors)}"
            + $" prepared {string.Join(',', Prepared.Select(static pair => pair.Key + "=" + pair.Value.Statement))}";
    }
}
