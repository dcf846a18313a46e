namespace FastPool.Core.Settings;

/// <summary>
/// The only way from this room to a disk. Paths are <see cref="ByteText"/>; relative ones start at the working directory.
/// </summary>
public interface IFileReader
{
    /// <summary>The whole file.</summary>
    /// <param name="path">Which file.</param>
    /// <param name="content">Its bytes, empty on failure.</param>
    /// <param name="error">On failure the system's text for the errno, else empty.</param>
    /// <returns>False when it could not be read.</returns>
    bool TryRead(string path, out byte[] content, out string error);

    /// <summary>Names of what is in a folder, without the folder's.</summary>
    /// <param name="path">Which folder.</param>
    /// <param name="error">When it is a folder that cannot be listed, the system's text for the errno, else empty.</param>
    /// <returns>Null: it is no folder, or cannot be listed.</returns>
    IReadOnlyList<string>? List(string path, out string error)
    {
        error = "";
        return null;
    }

    /// <summary>The file's stamp; of a missing file the default.</summary>
    FileStamp Stamp(string path);
}

/// <summary>The texts of strerror(3) that reading a configuration may end in.</summary>
public static class FileErrors
{
    public const string NoSuchFile = "No such file or directory";
    public const string PermissionDenied = "Permission denied";
    public const string IsADirectory = "Is a directory";
    public const string InputOutput = "Input/output error";
}
