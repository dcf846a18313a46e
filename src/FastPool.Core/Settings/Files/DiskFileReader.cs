namespace FastPool.Core.Settings;

/// <summary>Reads from the file system by way of System.IO.</summary>
public sealed class DiskFileReader : IFileReader
{
    public bool TryRead(string path, out byte[] content, out string error)
    {
        content = [];
        var native = ByteText.ToNative(path);
        if (native.Length == 0)
        {
            error = FileErrors.NoSuchFile;
            return false;
        }

        try
        {
            content = File.ReadAllBytes(native);
            error = "";
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            // System.IO says the same of both.
            error = Directory.Exists(native) ? FileErrors.IsADirectory : FileErrors.PermissionDenied;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            error = FileErrors.NoSuchFile;
        }
        catch (Exception e) when (e is IOException or ArgumentException or NotSupportedException)
        {
            error = FileErrors.InputOutput;
        }

        return false;
    }

    public IReadOnlyList<string>? List(string path, out string error)
    {
        var native = ByteText.ToNative(path);
        error = "";
        try
        {
            return Directory.Exists(native)
                ? [.. Directory.EnumerateFiles(native).Select(static file => ByteText.FromNative(Path.GetFileName(file)))] : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error = e is IOException ? FileErrors.InputOutput : FileErrors.PermissionDenied;
            return null;
        }
    }

    public FileStamp Stamp(string path)
    {
        var native = ByteText.ToNative(path);
        if (native.Length == 0) return default;
        try
        {
            var file = new FileInfo(native);
            if (!file.Exists) return default;
            var mode = OperatingSystem.IsWindows() ? 0 : (int)file.UnixFileMode;
            return new FileStamp(true, file.CreationTimeUtc.Ticks, file.Length, file.LastWriteTimeUtc.Ticks, mode);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return default;
        }
    }
}
