using System.Text;
using FastPool.Core.Settings;
using FastPool.Life;
using FastPool.Native;
using FastPool.Native.Process;

namespace FastPool.MakeAuth;

/// <summary>The file that mkauth writes, if it has changed.</summary>
internal static class UserListFile
{
    /// <exception cref="FatalError">It cannot be written; the old file stands.</exception>
    internal static void Write(string path, string text)
    {
        var target = TargetOf(path);
        var content = Encoding.Latin1.GetBytes(text);
        if (new DiskFileReader().TryRead(target, out var old, out _) && old.AsSpan().SequenceEqual(content)) return;
        var result = FileReplacement.TryWrite(target, content);
        if (result < 0) throw new FatalError($"could not write file \"{path}\": {Errno.Text(result)}");
    }

    /// <summary>A link stays one: what it leads to is replaced.</summary>
    private static string TargetOf(string path)
    {
        var file = new FileInfo(ByteText.ToNative(path));
        return file.LinkTarget is null ? path : ByteText.FromNative(file.ResolveLinkTarget(returnFinalTarget: true)!.FullName);
    }
}
