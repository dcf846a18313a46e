namespace FastPool.Compat.Harness;

/// <summary>The pooler refuses root; when the tests run as root it is started as an ordinary user.</summary>
public static class ProcessUser
{
    private const string Ordinary = "nobody";

    public static bool IsRoot { get; } = Environment.UserName == "root";

    /// <summary>The words in front of a command line.</summary>
    public static string[] Prefix(bool asRoot) =>
        IsRoot && !asRoot ? ["setpriv", $"--reuid={Ordinary}", "--clear-groups", "--no-new-privs"] : [];

    /// <summary>Lets the ordinary user at a file or a directory.</summary>
    public static void Open(string path)
    {
        const UnixFileMode All = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
            | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        if (IsRoot && !OperatingSystem.IsWindows()) File.SetUnixFileMode(path, All);
    }
}
