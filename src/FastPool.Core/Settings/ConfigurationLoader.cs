namespace FastPool.Core.Settings;

/// <summary>
/// Makes a snapshot from the main file and the files it names. All or nothing: PgBouncer applies each line as it reads it and a
/// failed reload leaves it half changed; here a failure changes nothing at all. Problems of the userlist and of ident files
/// are no failures, nor are those of the HBA file if hba_strict is off.
/// </summary>
public static class ConfigurationLoader
{
    /// <param name="path">The main file, in <see cref="ByteText"/>; at a reload <see cref="Settings.ConfigFile"/>.</param>
    /// <param name="files">Where files are read.</param>
    /// <param name="current">Null at start-up. At a reload, what is in force: keys fixed until restart keep its values.</param>
    /// <param name="environment">Of the process, as .NET gives it.</param>
    /// <param name="verbose">How often -v was given. At a reload the current snapshot knows.</param>
    public static LoadResult Load(
        string path, IFileReader files, Settings? current, IReadOnlyDictionary<string, string> environment, int verbose = 0)
    {
        var log = new List<LogText>();
        var draft = Settings.Draft(path, current?.VerboseGiven ?? verbose, current);
        var isLoaded = new MainFile(files, draft, current is not null, log).Read(path)
            && TryOwn(draft, current, environment, log);
        if (isLoaded && MeaningChecks.IsQuoted(draft.ServerResetQuery)) log.Add(LogText.Warning(MeaningChecks.QuotedResetQuery));
        if (isLoaded) ReadUserList(draft, files, current, log);
        if (isLoaded && TryReadHbaRules(draft, files, current, log)) return new LoadResult(draft, log);
        log.Add(current is null
            ? new LogText(LogLevelName.Fatal, "cannot load config file")
            : LogText.Warning("config file loading failed"));
        return new LoadResult(null, log);
    }

    /// <summary>The environment outranks the file: a container has its variables, and its file comes from elsewhere.</summary>
    private static bool TryOwn(
        Settings draft, Settings? current, IReadOnlyDictionary<string, string> environment, List<LogText> log)
    {
        if (current is not null) draft.Own = current.Own.Reloaded(draft.Own);
        foreach (var (key, _) in FastPoolSettings.Default.Values)
        {
            var name = FastPoolSettings.VariableOf(key);
            if (current is not null && !FastPoolSettings.IsChangeable(key)) continue;
            if (!environment.TryGetValue(name, out var value) || value.Length == 0) continue;
            if (draft.Own.TrySet(key, value, out var error) is not { } own)
            {
                if (error is not null) log.Add(LogText.Error(error));
                log.Add(LogText.Error($"invalid value \"{ByteText.FromNative(value)}\" for environment variable {name}"));
                return false;
            }

            draft.Own = own;
        }

        return true;
    }

    /// <summary>A file that looks as it did is not read again; one that cannot be read leaves the users as they were.</summary>
    private static void ReadUserList(Settings draft, IFileReader files, Settings? current, List<LogText> log)
    {
        if (current is not null) (draft.UserList, draft.UserListSource) = (current.UserList, current.UserListSource);
        if (draft.AuthType is AuthType.Any or AuthType.Pam) return;
        if (draft.AuthFile is not { } path)
        {
            (draft.UserList, draft.UserListSource) = (UserList.Empty, null);
            return;
        }

        var source = (path, files.Stamp(path));
        if (draft.UserListSource == source) return;
        draft.UserListSource = source;
        if (files.TryRead(path, out var content, out var error)) draft.UserList = UserList.Load(content, log);
        else log.Add(LogText.Error($"could not open auth_file {path}: {error}"));
    }

    /// <returns>False: a line is broken, at the start. At a reload the rules of before stay, and the rest is taken.</returns>
    private static bool TryReadHbaRules(Settings draft, IFileReader files, Settings? current, List<LogText> log)
    {
        if (draft.AuthType != AuthType.Hba) return true;
        var maps = draft.AuthIdentFile is { } path ? IdentMaps.Load(path, files, log) : IdentMaps.Empty;
        draft.HbaRules = HbaRules.Load(draft.AuthHbaFile, maps, files, log);
        if (!draft.HbaRules.HasBrokenLine || !draft.Own.HbaStrict) return true;
        log.Add(LogText.Error(
            $"hba config file {draft.AuthHbaFile} has a broken line, {(current is null ? "not starting with it" : "keeping the old rules")}"));
        if (current is null) return false;
        draft.HbaRules = current.HbaRules;
        return true;
    }
}
