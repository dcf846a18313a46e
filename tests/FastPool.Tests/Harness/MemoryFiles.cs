using System.Text;

namespace FastPool.Tests.Harness;

using FastPool.Core.Settings;

/// <summary>A disk in memory: names to contents, with a stamp that changes at each write and a count of the reads.</summary>
internal sealed class MemoryFiles : IFileReader
{
    private readonly Dictionary<string, (byte[] Content, long Version)> _files = [];
    private readonly Dictionary<string, string> _errors = [];
    private readonly Dictionary<string, string> _closedFolders = [];
    private long _version;

    public List<string> Reads { get; } = [];

    /// <summary>Writes a file, in Latin-1.</summary>
    public string this[string path]
    {
        set => _files[path] = (Encoding.Latin1.GetBytes(value), ++_version);
    }

    public void Fail(string path, string error) => _errors[path] = error;

    public void FailList(string folder, string error) => _closedFolders[folder] = error;

    public void Delete(string path) => _files.Remove(path);

    public bool TryRead(string path, out byte[] content, out string error)
    {
        Reads.Add(path);
        content = [];
        if (_errors.TryGetValue(path, out error!)) return false;
        var exists = _files.TryGetValue(path, out var file);
        content = exists ? file.Content : [];
        error = exists ? "" : FileErrors.NoSuchFile;
        return exists;
    }

    public IReadOnlyList<string>? List(string path, out string error)
    {
        if (_closedFolders.TryGetValue(path, out error!)) return null;
        error = "";
        var folder = path.TrimEnd('/') + "/";
        var names = _files.Keys.Where(file => file.StartsWith(folder, StringComparison.Ordinal)).ToList();
        return names.Count == 0 ? null : names.ConvertAll(file => file[folder.Length..]);
    }

    public FileStamp Stamp(string path) =>
        _files.TryGetValue(path, out var file) ? new FileStamp(true, 1, file.Content.Length, file.Version, 0) : default;
}
