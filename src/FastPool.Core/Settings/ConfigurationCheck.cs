namespace FastPool.Core.Settings;

/// <summary>
/// Reads a configuration as a start would, and goes on behind each fault. Finds all that would stop a start or a reload, and
/// all that loads but is probably not meant.
/// </summary>
public sealed class ConfigurationCheck : IMainFileObserver
{
    private readonly string _path;
    private readonly List<Finding> _findings = [];
    private readonly Dictionary<(string Section, string Key), (string File, int Line, string Value)> _places = [];

    private ConfigurationCheck(string path) => _path = path;

    /// <summary>In the order in which they were found.</summary>
    public IReadOnlyList<Finding> Findings => _findings;

    /// <summary>The settings that would be in force; null: none would.</summary>
    public Settings? Settings { get; private set; }

    /// <param name="path">The main file.</param>
    public static ConfigurationCheck Of(string path, IFileReader files, IReadOnlyDictionary<string, string> environment)
    {
        var check = new ConfigurationCheck(path);
        var log = new List<LogText>();
        if (!new MainFile(files, Core.Settings.Settings.Draft(path, 0, null), isReload: false, log, check).Read(path))
            check.Add(isError: true, "", TextOf(log), "");
        if (!check._findings.Exists(static finding => finding.IsError)) check.Load(files, environment);
        if (check.Settings is { } settings) MeaningChecks.Run(check, settings);
        return check;
    }

    /// <summary>The rest that a start reads: variables, users, rules.</summary>
    private void Load(IFileReader files, IReadOnlyDictionary<string, string> environment)
    {
        var result = ConfigurationLoader.Load(_path, files, current: null, environment);
        Settings = result.Settings;
        foreach (var (level, text) in result.Messages)
        {
            // An unreadable userlist is no failure of the start, but no user can log in.
            if (level is not LogLevelName.Fatal && text != MeaningChecks.QuotedResetQuery)
                Add(level == LogLevelName.Error, KeyOfFile(text), text, "");
        }
    }

    private static string KeyOfFile(string text) =>
        text.Contains("auth_file", StringComparison.Ordinal) ? "auth_file"
            : text.StartsWith("hba", StringComparison.Ordinal) || text.Contains("hba config", StringComparison.Ordinal)
                ? "auth_hba_file" : "";

    /// <summary>The value of a setting of [pgbouncer] as it is written; null: it is not there.</summary>
    internal string? Written(string key) => _places.TryGetValue(("pgbouncer", key), out var place) ? place.Value : null;

    /// <summary>All entries of a section, with their values as they are written.</summary>
    internal IEnumerable<(string Key, string Value)> Entries(string section) =>
        _places.Where(place => place.Key.Section == section).Select(static place => (place.Key.Key, place.Value.Value));

    /// <param name="key">Of [pgbouncer], where it stands; empty: the file as a whole.</param>
    /// <param name="remedy">See <see cref="Finding"/>.</param>
    /// <param name="section">Of the key, when it is another one.</param>
    public void Add(bool isError, string key, string text, string remedy, string section = "pgbouncer")
    {
        var place = _places.TryGetValue((section, key), out var found) ? (found.File, found.Line) : (_path, 0);
        Note(new Finding(isError, place.Item1, place.Item2, text, remedy));
    }

    void IMainFileObserver.OnEntry(string section, IniEvent entry, string file)
    {
        var key = (section, entry.Name);
        // A file that is included twice says everything twice.
        if (_places.TryGetValue(key, out var earlier) && (earlier.File, earlier.Line) != (file, entry.Line))
        {
            Note(new Finding(false, file, entry.Line, $"{entry.Name} is there already, in {earlier.File}:{earlier.Line}",
                "This one counts: leave out the other."));
        }

        _places[key] = (file, entry.Line, entry.Value);
    }

    void IMainFileObserver.OnFault(string file, int line, IReadOnlyList<LogText> texts)
    {
        // Entries of an unknown section were reported with its header.
        if (texts.Count > 0 && texts[0].Text.StartsWith("load_init_file: value without section", StringComparison.Ordinal)
            && _findings.Exists(static finding => finding.Text.StartsWith("invalid section", StringComparison.Ordinal))) return;
        Note(new Finding(true, file, line, TextOf(texts), ""));
    }

    /// <summary>A file that is included twice has the same faults twice.</summary>
    private void Note(Finding finding)
    {
        if (!_findings.Contains(finding)) _findings.Add(finding);
    }

    /// <summary>The cause, without the place that is told beside it.</summary>
    private static string TextOf(IReadOnlyList<LogText> texts)
    {
        var text = texts.FirstOrDefault(static text => text.Text != "fill_defaults fail").Text ?? "it cannot be read";
        var place = text.IndexOf(" in configuration (", StringComparison.Ordinal);
        return place < 0 ? text : text[..place];
    }
}
