using FastPool.Core.Settings;
using FastPool.Native;
using FastPool.Native.Process;

namespace FastPool.Life;

/// <summary>
/// -d. A runtime that has started cannot fork, so this program is executed once more, with a marker in its environment. The
/// first process waits until the second says that it serves, or ends with the status of the one that failed. Until it leaves
/// for the background the second has the caller's stderr, so its complaints are seen where they are expected.
/// </summary>
internal sealed class Background
{
    private const string Marker = "FASTPOOL_BACKGROUND";

    private readonly int _pipe;

    private Background(int pipe, int parent) => (_pipe, Parent) = (pipe, parent);

    /// <summary>The pid of the process that was started by the caller.</summary>
    internal int Parent { get; }

    /// <summary>The second process finds its way back to the first.</summary>
    /// <returns>Null in a process that no first one made.</returns>
    internal static Background? Find(string? marker)
    {
        if (Parse(marker) is not { } found || found.Parent != Identity.ParentPid) return null;
        _ = Descriptor.SetInherited(found.Pipe, isInherited: false);
        ProcessName.Write(found.Name); // It was executed under another name than its parent.
        return new Background(found.Pipe, found.Parent);
    }

    /// <inheritdoc cref="Find(string?)"/>
    internal static Background? Find() => Find(Environment.GetEnvironmentVariable(Marker));

    /// <summary>The first process: starts the second and waits for its word.</summary>
    /// <param name="arguments">All of ours, the name first.</param>
    /// <returns>The exit status: 0 only when the pooler serves.</returns>
    internal static int Start(IReadOnlyList<string> arguments)
    {
        var result = Descriptor.Pipe(out var readEnd, out var writeEnd);
        if (result < 0) throw new FatalError($"pipe() failed: {Errno.Text(result)}");
        _ = Descriptor.SetInherited(writeEnd, isInherited: true);
        var child = Child.Start(arguments, EnvironmentWith($"{writeEnd}:{Identity.Pid}:{ProcessName.Read()}"));
        _ = Descriptor.Close(writeEnd);
        if (child < 0) throw new FatalError($"fork failed: {Errno.Text(child)}");
        Span<byte> word = stackalloc byte[1];
        if (Descriptor.Read(readEnd, word) == 1) return 0;
        var status = Child.Wait(child);
        return status == 0 ? 1 : status; // It ended before it served, whatever it says.
    }

    /// <summary>Lets go of the caller's terminal: a session of our own, nothing on the standard streams.</summary>
    internal static void Detach()
    {
        var nowhere = Descriptor.Open("/dev/null", OpenFor.ReadWrite);
        if (nowhere < 0) throw new FatalError($"/dev/null: {Errno.Text(nowhere)}");
        for (var stream = Descriptor.Stdin; stream <= Descriptor.Stderr; stream++) _ = Descriptor.Duplicate(nowhere, stream);
        if (nowhere > Descriptor.Stderr) _ = Descriptor.Close(nowhere);
        _ = Identity.NewSession();
    }

    /// <summary>The second process serves: the first one may go.</summary>
    internal void Serves()
    {
        _ = Descriptor.Write(_pipe, "+"u8);
        _ = Descriptor.Close(_pipe);
    }

    /// <summary>Reads pipe:parent:name.</summary>
    internal static (int Pipe, int Parent, string Name)? Parse(string? marker)
    {
        const int Parts = 3;
        var parts = marker?.Split(':', Parts) ?? [];
        if (parts.Length != Parts || !int.TryParse(parts[0], out var pipe) || !int.TryParse(parts[1], out var parent))
            return null;
        return (pipe, parent, parts[2]);
    }

    private static List<string> EnvironmentWith(string marker)
    {
        var lines = new List<string>();
        foreach (System.Collections.DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            if ((string)variable.Key != Marker) lines.Add(ByteText.FromNative($"{variable.Key}={variable.Value}"));
        }

        lines.Add($"{Marker}={marker}");
        return lines;
    }
}
