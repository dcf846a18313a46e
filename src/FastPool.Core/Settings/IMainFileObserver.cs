namespace FastPool.Core.Settings;

/// <summary>Hears what stands where in the main file and what it includes.</summary>
internal interface IMainFileObserver
{
    void OnEntry(string section, IniEvent entry, string file);

    /// <param name="texts">What the log would have said.</param>
    void OnFault(string file, int line, IReadOnlyList<LogText> texts);
}
