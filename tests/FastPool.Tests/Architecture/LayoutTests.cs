using System.Text.RegularExpressions;

namespace FastPool.Tests.Architecture;

/// <summary>The places of tests: the path of a folder of src leads to its tests, and what tests need lies apart.</summary>
public sealed partial class LayoutTests
{
    private const string Harness = "Harness";

    private static readonly string Tests = Path.GetFullPath(Path.Combine(SourceTree.Folder, "..", "tests"));

    /// <summary>Classes of tests, by their path from a test project.</summary>
    private static IEnumerable<string> Files(string project) =>
        from path in Directory.EnumerateFiles(Path.Combine(Tests, project), "*.cs", SearchOption.AllDirectories)
        let file = Path.GetRelativePath(Path.Combine(Tests, project), path).Replace('\\', '/')
        where !file.StartsWith("obj/", StringComparison.Ordinal) && !file.StartsWith("bin/", StringComparison.Ordinal)
        select file;

    private static bool IsTest(string file) => file.EndsWith("Tests.cs", StringComparison.Ordinal);

    private static string FolderOf(string file) => file.Contains('/') ? file[..file.LastIndexOf('/')] : "";

    /// <summary>Core/Pools has the tests of src/FastPool.Core/Pools, and Life those of src/FastPool/Life.</summary>
    [Fact]
    public void Each_folder_of_unit_tests_mirrors_one_of_src()
    {
        var breaches =
            from folder in Files("FastPool.Tests").Select(FolderOf).Distinct()
            where folder is not ("" or Harness or "Architecture") // Architecture: src as a whole.
            where !Directory.Exists(Path.Combine(SourceTree.Folder, "FastPool." + folder))
                && !Directory.Exists(Path.Combine(SourceTree.Folder, "FastPool", folder))
            select folder;
        Assert.Empty(breaches);
    }

    /// <summary>Classes of tests run side by side: a host that is dead in one must not be alive in another.</summary>
    [Fact]
    public void Each_address_of_the_loopback_network_belongs_to_one_class_of_tests()
    {
        var shared =
            from file in Files("FastPool.Compat")
            from address in LoopbackAddress().Matches(File.ReadAllText(Path.Combine(Tests, "FastPool.Compat", file)))
                .Select(static match => match.Value).Distinct()
            where address != "127.0.0.1"
            group file by address into users
            where users.Count() > 1
            select $"{users.Key}: {string.Join(", ", users)}";
        Assert.Empty(shared);
    }

    [GeneratedRegex(@"\b127\.\d+\.\d+\.\d+\b")]
    private static partial Regex LoopbackAddress();

    [Theory]
    [InlineData("FastPool.Tests", Harness)]
    [InlineData("FastPool.Compat", Harness)]
    [InlineData("FastPool.Simulation", "Checkers", "Clients", "Hostile", "Network", "Postgres", "Worlds")]
    public void Tests_and_what_they_need_lie_in_different_folders(string project, params string[] harness)
    {
        var inHarness = Files(project).ToLookup(file => harness.Contains(file.Split('/')[0]));
        Assert.DoesNotContain(inHarness[true], IsTest);
        Assert.All(inHarness[false].Where(static file => !IsTest(file)), static file =>
            Assert.Contains(file, (string[])["AssemblyInfo.cs", "SimulationException.cs"]));
    }

    /// <summary>Wire writes and cuts messages; a second one would be right about other things.</summary>
    [Fact]
    public void Only_one_test_helper_writes_messages()
    {
        var writers =
            from path in Directory.EnumerateFiles(Tests, "*.cs", SearchOption.AllDirectories)
            where !path.Contains("/obj/", StringComparison.Ordinal) && Path.GetFileName(path) != "LayoutTests.cs"
            where System.Text.RegularExpressions.Regex.IsMatch(File.ReadAllText(path),
                @"static byte\[\] (Typed|Untyped|Int16|Int32|Strings)\(|value >> 24")
            select Path.GetRelativePath(Tests, path);
        Assert.Equal(["Shared/Wire.cs"], writers);
    }
}
