namespace FastPool.Core.Settings;

/// <summary>Hears what stands where in the main file and what it includes.</summary>
internal interface IMainFileObserver
{
    void OnEntry(string section, IniEvent entry, string file);

    /// <param name="texts">The lines that the log would have had.</param>
    void OnFault(string file, int line, IReadOnlyList<LogText> texts);
}
