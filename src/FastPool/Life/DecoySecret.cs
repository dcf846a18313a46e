using FastPool.Core.Settings;
using FastPool.Native;
using FastPool.Native.Process;

namespace FastPool.Life;

/// <summary>
/// The secret from which salts are made, for user names that have none of their own. It outlives the process: a name whose
/// salt changes with each start would betray that it is made up. Kept beside auth_file; where nothing can be written, made of
/// the machine's id. Never made of the passwords themselves: a salt is told to everybody, who could then try passwords against
/// it. It is used as a key without hashing, so a process that meets no password need not load the hashing library.
/// </summary>
internal static class DecoySecret
{
    internal const string Suffix = ".decoy";

    private const int Bytes = 32;
    private const string MachineId = "/etc/machine-id";

    /// <param name="authFile">Null or empty: there is none to put it beside.</param>
    /// <param name="random">So many bytes.</param>
    /// <returns>At least 32 bytes.</returns>
    internal static byte[] Of(string? authFile, Func<int, byte[]> random)
    {
        if (!string.IsNullOrEmpty(authFile)
            && (Read(authFile + Suffix) ?? Make(authFile + Suffix, random(Bytes))
            ?? Read(authFile + Suffix)) is { } kept) return kept;
        var machine = new DiskFileReader().TryRead(MachineId, out var id, out _) ? id : [];
        return machine.Length >= Bytes ? [.. machine, .. "user names that do not exist"u8] : random(Bytes);
    }

    private static byte[]? Read(string path) =>
        new DiskFileReader().TryRead(path, out var content, out _) && content.Length >= Bytes ? content : null;

    /// <returns>Null when it cannot be made: perhaps another process has just done so.</returns>
    private static byte[]? Make(string path, byte[] secret)
    {
        var descriptor = Descriptor.Open(path, OpenFor.CreateSecret);
        if (descriptor < 0) return null;
        var content = CText.Of(Convert.ToHexStringLower(secret) + "\n").AsSpan()[..^1].ToArray();
        var isWhole = Descriptor.Write(descriptor, content) == content.Length;
        _ = Descriptor.Close(descriptor);
        if (isWhole) return content;
        _ = Descriptor.Unlink(path);
        return null;
    }
}
