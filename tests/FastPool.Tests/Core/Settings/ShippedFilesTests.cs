using System.Text.RegularExpressions;
using FastPool.Tests.Architecture;

namespace FastPool.Tests.Core.Settings;

/// <summary>Every configuration that is shown or shipped loads, without a word.</summary>
public sealed partial class ShippedFilesTests
{
    private static readonly string Root = Path.GetDirectoryName(SourceTree.Folder)!;

    public static TheoryData<string> Names => [.. All().Select(static found => found.Name)];

    [Theory, MemberData(nameof(Names))]
    public void It_loads(string name)
    {
        var files = new MemoryFiles
        {
            ["/etc/pgbouncer/userlist.txt"] = "",
            ["userlist.txt"] = "",
            ["/etc/pgbouncer/users/userlist.txt"] = "",
            ["/etc/pgbouncer/common.ini"] = File.ReadAllText(Path.Combine(Root, "dist", "recipes", "common.ini")),
        };
        var text = All().Single(found => found.Name == name).Text;
        // A part of a file stands beside the section without which there is no file.
        Loading.Good(files, text.Contains("[pgbouncer]", StringComparison.Ordinal) || text.Contains("%include") ? text
            : "[pgbouncer]\n" + text);
    }

    [Fact]
    public void The_places_are_found_where_they_are_known_to_be()
    {
        string[] known = ["README.md 1", "README.md 2", "dist/pgbouncer.ini", "dist/man/pgbouncer.5 1",
            "dist/recipes/kubernetes.yaml 1", "dist/recipes/1.ini"];
        Assert.Empty(known.Except(All().Select(static found => found.Name)));
    }

    /// <summary>Files, and what stands in texts: the place with a number.</summary>
    private static IEnumerable<(string Name, string Text)> All()
    {
        var folders = new[] { "dist", "docs" }.Select(static folder => Path.Combine(Root, folder)).Where(Directory.Exists);
        var paths = folders.SelectMany(static folder => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            .Append(Path.Combine(Root, "README.md"));
        foreach (var path in paths.Order(StringComparer.Ordinal))
        {
            var name = Path.GetRelativePath(Root, path);
            var text = File.ReadAllText(path);
            var extension = Path.GetExtension(path);
            if (extension == ".ini") yield return (name, text);
            var parts = extension switch
            {
                ".md" => FenceIni().Matches(text).Select(static match => match.Groups[1].Value),
                ".yaml" or ".yml" => BlockOfYaml().Matches(text).Select(static match => match.Groups[1].Value),
                ".1" or ".5" => Display().Matches(text).Select(static match => match.Groups[1].Value)
                    .Where(static part => part.StartsWith('[')),
                _ => [],
            };
            foreach (var (number, part) in parts.Index()) yield return ($"{name} {number + 1}", part);
        }
    }

    [GeneratedRegex("^```ini\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex FenceIni();

    [GeneratedRegex(@"^  \S+\.ini: \|\n((?:    .*\n|\n)+)", RegexOptions.Multiline)]
    private static partial Regex BlockOfYaml();

    [GeneratedRegex(@"^\.Bd [^\n]*\n(.*?)^\.Ed", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Display();
}
