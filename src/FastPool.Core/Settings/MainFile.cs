namespace FastPool.Core.Settings;

/// <summary>
/// Reads the ini file and what it includes into a draft. The current section is one for all of them: an included file may begin
/// with keys of its includer's section, and its last section holds on after it.
/// </summary>
/// <param name="observer">Null: reading ends at the first fault. Else it hears of all of them.</param>
internal sealed class MainFile(
    IFileReader files, Settings draft, bool isReload, List<LogText> log, IMainFileObserver? observer = null)
{
    /// <summary>The main file and this many levels of included ones.</summary>
    private const int NestingMax = 10;

    private readonly Dictionary<string, DatabaseEntry> _databases = new(StringComparer.Ordinal);
    private readonly Dictionary<string, UserEntry> _users = new(StringComparer.Ordinal);
    private readonly Dictionary<int, PeerEntry> _peers = [];
    private PeerEntry? _peersByName;
    private string? _section;
    private bool _hasMainSection;
    private bool _isTooDeep; // Files that include each other would be read for ever.

    /// <returns>False at the first error; the draft is worth nothing then.</returns>
    internal bool Read(string path)
    {
        if (!ReadFile(path, level: 0)) return false;
        if (!_hasMainSection) return Error("load_init_file: main section missing from config file");
        draft.Databases = _databases;
        draft.Users = _users;
        draft.Peers = _peers;
        draft.PeersByName = _peersByName;
        return true;
    }

    private bool ReadFile(string path, int level)
    {
        // A directory has always been a file without content.
        if (!files.TryRead(path, out var content, out var error) && error != FileErrors.IsADirectory)
        {
            return Error($"could not load file \"{path}\": {error}");
        }

        var reader = new IniReader(path, ByteText.Of(content));
        while (true)
        {
            var found = reader.Read();
            if (found.Kind == IniEventKind.End) return true;
            if (found.Kind == IniEventKind.Entry) observer?.OnEntry(_section ?? "", found, path);
            var told = log.Count;
            var isTaken = found.Kind switch
            {
                IniEventKind.Section => Enter(found, path),
                IniEventKind.Entry => Take(found, path),
                IniEventKind.Include => Include(found, path, level),
                _ => Error($"syntax error in configuration ({path}:{found.Line}), stopping loading"),
            };
            if (isTaken) continue;
            if (observer is null) return false;
            observer.OnFault(path, found.Line, log[told..]);
        }
    }

    private bool Include(IniEvent directive, string path, int level)
    {
        if (_isTooDeep) return true;
        if (level == NestingMax)
        {
            _isTooDeep = true;
            return Error($"include nesting level too deep ({path}:{directive.Line}), stopping loading");
        }

        return ReadAll(directive.Value, level + 1)
            || Error($"error processing include file in configuration ({path}:{directive.Line}), stopping loading");
    }

    /// <summary>Of a folder its files *.ini, but for hidden ones, by the bytes of their names.</summary>
    private bool ReadAll(string path, int level)
    {
        if (files.List(path, out var error) is { } names)
        {
            return names.Where(static name => name.EndsWith(".ini", StringComparison.Ordinal) && name[0] != '.')
                .Order(StringComparer.Ordinal)
                .All(name => ReadFile($"{path.TrimEnd('/')}/{name}", level));
        }
        return error.Length == 0 ? ReadFile(path, level) : Error($"could not load folder \"{path}\": {error}");
    }

    private bool Enter(IniEvent section, string path)
    {
        _section = section.Name;
        switch (_section)
        {
            case "pgbouncer":
                if (_hasMainSection) ResetToDefaults();
                _hasMainSection = true;
                return true;
            case "databases" or "users" or "peers" or "fastpool":
                return true;
            default:
                log.Add(LogText.Error("fill_defaults fail"));
                return Error($"invalid section \"{section.Name}\" in configuration ({path}:{section.Line})");
        }
    }

    /// <summary>A second header of the main section forgets what stood under the first, but for keys without a default.</summary>
    private void ResetToDefaults()
    {
        foreach (var row in SettingsTable.Rows)
        {
            if (row.Default is { } text && !IsFixed(row)) row.MustApply(draft, text);
        }
    }

    private bool Take(IniEvent entry, string path)
    {
        var isTaken = _section switch
        {
            "pgbouncer" => TakeSetting(entry),
            "databases" => TakeDatabase(entry),
            "users" => TakeUser(entry),
            "peers" => TakePeer(entry),
            "fastpool" => TakeOwn(entry),
            _ => Error($"load_init_file: value without section: {entry.Name}"),
        };
        return isTaken
            || Error(
                $"invalid value \"{SecretMask.Broken(entry.Name, entry.Value)}\" for parameter {entry.Name} in configuration ({path}:{entry.Line})");
    }

    private bool TakeSetting(IniEvent entry)
    {
        if (SettingsTable.Find(entry.Name) is not { } row) return Error($"unknown parameter: pgbouncer/{entry.Name}");
        if (IsFixed(row)) return true; // Not even looked at: a fault in it does not matter either.
        if (row.TryApply(draft, entry.Value, out var error)) return true;
        if (error is not null) log.Add(LogText.Error(error));
        return false;
    }

    private bool TakeDatabase(IniEvent entry)
    {
        if (entry.Name == "*")
        {
            draft.AutoDatabaseConnectString = entry.Value;
            return true;
        }

        if (DatabaseEntry.TryParse(entry.Name, entry.Value, log) is not { } database) return false;
        _databases[database.Name] = database;
        return true;
    }

    private bool TakeUser(IniEvent entry)
    {
        if (UserEntry.TryParse(entry.Name, entry.Value, log) is not { } user) return false;
        _users[user.Name] = user;
        return true;
    }

    private bool TakePeer(IniEvent entry)
    {
        if (PeerEntry.TryParse(entry.Name, entry.Value, log) is not { } peer) return false;
        if (peer.Id == 0) _peersByName = peer;
        else _peers[peer.Id] = peer;
        return true;
    }

    private bool TakeOwn(IniEvent entry)
    {
        if (draft.Own.TrySet(entry.Name, entry.Value, out var error) is { } own)
        {
            draft.Own = own;
            return true;
        }

        if (error is not null) return Error(error);
        if (!isReload && CommentBehind(entry.Value) is { } comment)
            log.Add(LogText.Error($"a comment needs a line of its own: {comment}"));
        return isReload && !FastPoolSettings.IsChangeable(entry.Name); // A known key, but fixed until restart.
    }

    /// <summary>The part of a value that looks like a comment.</summary>
    internal static string? CommentBehind(string value)
    {
        var sign = value.AsSpan().IndexOfAny(';', '#');
        return sign > 0 && value[sign - 1] is (' ' or '\t') ? value[sign..] : null;
    }

    private bool IsFixed(SettingRow row) => isReload && !row.Changeable;

    private bool Error(string text)
    {
        log.Add(LogText.Error(text));
        return false;
    }
}
