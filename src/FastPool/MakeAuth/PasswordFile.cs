using FastPool.Core.Settings;
using FastPool.Native;
using FastPool.Native.Process;

namespace FastPool.MakeAuth;

/// <summary>
/// libpq's password file: lines of host:port:database:user:password, * for anything. Source: PostgreSQL, libpq, The Password
/// File.
/// </summary>
internal sealed class PasswordFile(string path)
{
    private const UnixFileMode OfOthers = (UnixFileMode)0b000_111_111;

    /// <returns>Null: no line fits, or the file is for more eyes than its owner's.</returns>
    internal string? Find(string host, int port, string database, string user)
    {
        if (!new DiskFileReader().TryRead(path, out var content, out _)) return null;
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(ByteText.ToNative(path)) & OfOthers) != 0)
        {
            _ = Descriptor.Write(Descriptor.Stderr,
                CText.Of(
                $"WARNING: password file \"{path}\" has group or world access; permissions should be u=rw (0600) or less\n")
                .AsSpan()[..^1]);
            return null;
        }
        string[] wanted = [host, $"{port}", database, user];
        foreach (var line in ByteText.Of(content).Split('\n'))
        {
            if (line.StartsWith('#')) continue;
            var rest = line.TrimEnd('\r').AsSpan();
            if (Fits(ref rest, wanted)) return TakeField(ref rest, isLast: true);
        }
        return null;
    }

    private static bool Fits(ref ReadOnlySpan<char> rest, string[] wanted)
    {
        foreach (var word in wanted)
        {
            if (rest.IsEmpty) return false;
            var isAny = rest.StartsWith("*:");
            var field = TakeField(ref rest, isLast: false);
            // A Unix socket is localhost too.
            if (!isAny && field != word && !(field == "localhost" && word.StartsWith('/'))) return false;
        }
        return !rest.IsEmpty;
    }

    /// <summary>Up to the colon; a backslash makes the next character literal.</summary>
    private static string TakeField(ref ReadOnlySpan<char> rest, bool isLast)
    {
        var field = new System.Text.StringBuilder();
        var at = 0;
        for (; at < rest.Length && (isLast || rest[at] != ':'); at++)
        {
            if (rest[at] == '\\' && at + 1 < rest.Length) at++;
            field.Append(rest[at]);
        }
        rest = at < rest.Length ? rest[(at + 1)..] : default;
        return field.ToString();
    }
}
