using System.Collections;
using FastPool.Base;
using FastPool.Core.Settings;
using FastPool.Native;
using FastPool.Native.Process;

namespace FastPool.Net;

/// <summary>
/// Reads a password from where it is kept: the first line of a file, or of what a command prints. Takes as long as that takes.
/// Nothing of what was read is in a message.
/// </summary>
public static class PasswordReader
{
    /// <summary>Of a service that was started by the service manager: its own matter, and none of a command's.</summary>
    private static readonly string[] PrivateVariables =
        ["NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_PID"];

    /// <param name="problem">The reason if there is none; null: there is one.</param>
    /// <returns>One char a byte.</returns>
    public static string Read(PasswordSource source, out string? problem)
    {
        var buffer = new byte[Secret.BytesMax + 2]; // With its line end.
        try
        {
            int count;
            problem = source.Kind == PasswordSourceKind.File ? ReadFile(source.Text, buffer, out count)
                : Command.Run(source.Arguments, Variables(), buffer, Limits.PasswordCommandMs, out count);
            var line = problem is null ? FirstLine(buffer.AsSpan(0, count), out problem) : default;
            if (problem is null) return ByteText.Of(line);
            problem = $"{source.Key} of {source.Owner}: {problem}";
            return "";
        }
        finally
        {
            buffer.AsSpan().Clear();
        }
    }

    private static string? ReadFile(string path, byte[] buffer, out int count)
    {
        count = 0;
        var descriptor = Descriptor.Open(path, OpenFor.ReadNow);
        if (descriptor < 0) return Errno.Text(descriptor);
        int read;
        while ((read = Descriptor.Read(descriptor, buffer.AsSpan(count))) > 0) count += read;
        _ = Descriptor.Close(descriptor);
        return read < 0 ? Errno.Text(read) : null;
    }

    private static ReadOnlySpan<byte> FirstLine(ReadOnlySpan<byte> text, out string? problem)
    {
        var end = text.IndexOf((byte)'\n');
        var line = (end < 0 ? text : text[..end]).TrimEnd((byte)'\r');
        problem = line.IsEmpty ? "there is no password in it"
            : line.Length > Secret.BytesMax ? "the password is too long"
            : line.Contains((byte)0) ? "there is a NUL byte in the password" : null;
        return line;
    }

    private static List<string> Variables()
    {
        var lines = new List<string>();
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            if (!PrivateVariables.Contains((string)variable.Key))
                lines.Add(ByteText.FromNative($"{variable.Key}={variable.Value}"));
        }
        return lines;
    }
}
