namespace FastPool.Tests.Harness;

using FastPool.Core.Settings;

/// <summary>Short ways to load a configuration named t.ini.</summary>
internal static class Loading
{
    public const string Path = "t.ini";

    private static readonly Dictionary<string, string> NoEnvironment = [];

    public static LoadResult Load(MemoryFiles files, string text, Settings? current = null)
    {
        files[Path] = text;
        return ConfigurationLoader.Load(Path, files, current, NoEnvironment);
    }

    public static LoadResult Load(string text) => Load(new MemoryFiles(), text);

    /// <summary>Loads what has to load without a word.</summary>
    public static Settings Good(string text) => Good(new MemoryFiles(), text);

    public static Settings Good(MemoryFiles files, string text, Settings? current = null)
    {
        var result = Load(files, text, current);
        Assert.Empty(result.Messages);
        return Assert.IsType<Settings>(result.Settings);
    }

    /// <summary>Asserts that loading fails with these lines before the last one.</summary>
    public static void Fails(string text, params string[] errors) => Fails(new MemoryFiles(), text, errors);

    public static void Fails(MemoryFiles files, string text, params string[] errors)
    {
        var result = Load(files, text);
        Assert.Null(result.Settings);
        Assert.Equal([.. errors, "FATAL cannot load config file"], Lines(result));
    }

    public static string[] Lines(LoadResult result) => Lines(result.Messages);

    public static string[] Lines(IEnumerable<LogText> messages) =>
        [.. messages.Select(message => $"{message.Level.ToString().ToUpperInvariant()} {message.Text}")];
}
