using System.Text;
using System.Text.Json;
using FastPool.Core.Settings;
using FastPool.Life;
using FastPool.MakeAuth;
using FastPool.Native;
using FastPool.Native.Process;

namespace FastPool.Checking;

/// <summary>
/// <c>fastpool check [OPTIONS] FILE</c>: says what would stop a start or a reload with this file, and what is probably not meant.
/// As with mkauth, a lone <c>check</c> still names an ini file, if there is one.
/// </summary>
internal static class CheckCommand
{
    private const string Word = "check";

    internal static bool IsMeant(IReadOnlyList<string> arguments) =>
        arguments.Count > 1 && arguments[1] == Word && (arguments.Count > 2 || !File.Exists(Word));

    /// <returns>0: nothing stops a start; 1: something does, or with --strict is not meant; 2: not understood.</returns>
    internal static int Run(IReadOnlyList<string> arguments)
    {
        var options = arguments.Skip(2).Where(static argument => argument.StartsWith('-')).ToHashSet();
        var files = arguments.Skip(2).Where(static argument => !argument.StartsWith('-')).ToList();
        if (options.Overlaps(["-h", "--help"])) return Say(Descriptor.Stdout, HelpText(arguments[0]), status: 0);
        if (files.Count != 1 || options.Except(["--json", "--strict", "--connect"]).Any())
            return Say(Descriptor.Stderr, $"usage: {arguments[0]} check [--json] [--strict] [--connect] FILE\n", status: 2);
        var check = ConfigurationCheck.Of(files[0], new DiskFileReader(), OwnVariables.Read());
        if (check.Settings is { } settings)
        {
            Machine.Check(check, settings);
            if (options.Contains("--connect")) ServerLimits.Check(check, settings, Surroundings.OfProcess());
        }

        var isBad = check.Findings.Any(finding => finding.IsError || options.Contains("--strict"));
        var text = options.Contains("--json") ? Json(check.Findings) : Text(check.Findings, files[0]);
        return Say(Descriptor.Stdout, text, isBad ? 1 : 0);
    }

    private static string Text(IReadOnlyList<Finding> findings, string file)
    {
        if (findings.Count == 0) return $"{file}: nothing found\n";
        var text = new StringBuilder();
        foreach (var finding in findings)
        {
            text.Append(finding.File);
            if (finding.Line > 0) text.Append(':').Append(finding.Line);
            text.Append(finding.IsError ? ": error: " : ": warning: ").Append(finding.Text).Append('\n');
            if (finding.Remedy.Length > 0) text.Append("    ").Append(finding.Remedy).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>One array; the texts of the file are UTF-8 again.</summary>
    private static string Json(IReadOnlyList<Finding> findings)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartArray();
            foreach (var finding in findings)
            {
                json.WriteStartObject();
                json.WriteString("severity", finding.IsError ? "error" : "warning");
                json.WriteString("file", ByteText.ToNative(finding.File));
                json.WriteNumber("line", finding.Line);
                json.WriteString("text", ByteText.ToNative(finding.Text));
                json.WriteString("remedy", finding.Remedy);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }

        return ByteText.Of([.. stream.ToArray(), (byte)'\n']);
    }

    private static string HelpText(string program) =>
        $"""
        {program} check says what would stop a start or a reload with a file, and what is probably not meant.

        Usage:
          {program} check [OPTIONS] FILE

          --json       an array of objects: severity, file, line, text, remedy
          --strict     the exit status is 1 for warnings too
          --connect    asks the servers how many connections they allow

        The exit status is 0 when nothing stops a start, 1 when something does.
        A file of PgBouncer's is used as it is: there is nothing to convert.

        """;

    private static int Say(int descriptor, string text, int status)
    {
        _ = Descriptor.Write(descriptor, CText.Of(text).AsSpan()[..^1]);
        return status;
    }
}
