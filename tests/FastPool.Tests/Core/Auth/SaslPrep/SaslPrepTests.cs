using System.Diagnostics;
using System.Text;
using FastPool.Core.Auth;

namespace FastPool.Tests.Core.Auth;

/// <summary>
/// Passwords prepared as PostgreSQL prepares them. Sources: RFC 4013, 3; PostgreSQL's tests of its authentication; Python's own
/// Unicode.
/// </summary>
public sealed class SaslPrepTests
{
    private static string Prepared(string text) => Encoding.UTF8.GetString(SaslPrep.Prepare(Encoding.UTF8.GetBytes(text)));

    [Theory]
    [InlineData("I\u00ADX", "IX")] // The soft hyphen becomes nothing.
    [InlineData("user", "user")]
    [InlineData("USER", "USER")] // Case stays.
    [InlineData("\u00AA", "a")]
    [InlineData("\u2168", "IX")] // A Roman nine.
    [InlineData("\u2168\u3000X", "IX X")]
    [InlineData("I\u2153x", "I1\u20443x")] // One third.
    [InlineData("\uFF50\uFF41\uFF53\uFF53", "pass")] // Full width.
    [InlineData("e\u0301", "\u00E9")]
    [InlineData("\u212B", "\u00C5")]
    [InlineData("a\u0323\u0307", "\u1EA1\u0307")]
    [InlineData("a\u0307\u0323", "\u1EA1\u0307")] // Marks in another order are the same letter.
    [InlineData("\u1112\u1161\u11AB", "\uD55C")]
    [InlineData("\uD55C", "\uD55C")]
    [InlineData("\uAC00\u11A7", "\uAC00\u11A7")] // No tail at all is not one.
    [InlineData("\u0958", "\u0915\u093C")] // Excluded from composition.
    [InlineData("\U0002F868", "\u36FC")]
    [InlineData("\U0001D7D8", "0")]
    [InlineData("\u0627\u0628", "\u0627\u0628")]
    [InlineData("\u0627 1\u0628", "\u0627 1\u0628")]
    public void Texts_that_the_profile_knows_become_the_same(string text, string prepared) =>
        Assert.Equal(prepared, Prepared(text));

    [Theory]
    [InlineData("\u0007")] // Refused by the profile, but all ASCII.
    [InlineData("\u0627\u0031")] // RFC 4013: right to left must end so.
    [InlineData("\u0627a\u0628")]
    [InlineData("\u00AD")] // Nothing would be left.
    [InlineData("\u00E9\u0007")]
    [InlineData("\u00AA\uE000")] // Private use.
    [InlineData("\u00AA\uFFFD")]
    [InlineData("\u00AA\u0221")] // Unassigned in Unicode 3.2, a letter today.
    [InlineData("I\u2152x")] // One tenth: later than Unicode 3.2.
    [InlineData("\u00AA\U0001F600")]
    [InlineData("\u00AA\U000E0041")]
    public void A_text_that_the_profile_refuses_stays_as_it_came(string text) => Assert.Equal(text, Prepared(text));

    [Theory]
    [InlineData("AA", false)]
    [InlineData("C2AA", true)]
    [InlineData("C2AAFF", false)]
    [InlineData("C2AAC0AF", false)] // Too long a form.
    [InlineData("C2AAEDA080", false)] // Half of a pair.
    [InlineData("C2AAF4908080", false)] // Beyond the last.
    [InlineData("C2AAE282", false)] // Cut short.
    public void A_text_that_is_not_UTF_8_stays_as_it_came(string hex, bool isPrepared)
    {
        var bytes = Convert.FromHexString(hex);
        Assert.Equal(isPrepared ? "a"u8.ToArray() : bytes, SaslPrep.Prepare(bytes).ToArray());
    }

    [Fact]
    public void A_longest_password_of_nothing_but_marks_costs_no_square_of_its_length()
    {
        var watch = Stopwatch.StartNew();
        var text = "a" + string.Concat(Enumerable.Range(0, 16_000).Select(i => i % 2 == 0 ? "\u0301" : "\u0323"));
        Assert.StartsWith("\u1EA1\u0323\u0323", Prepared(text), StringComparison.Ordinal);
        Assert.True(watch.ElapsedMilliseconds < 2000, $"took {watch.ElapsedMilliseconds} ms");
    }

    [Fact]
    public void Python_prepares_every_character_and_thousands_of_strings_the_same_way()
    {
        var expected = Run("python3", Script("saslprep-reference.py")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(expected.Length > 300_000);
        var wrong = new List<string>();
        foreach (var line in expected)
        {
            var parts = line.Split(' ');
            var prepared = Convert.ToHexString(SaslPrep.Prepare(Convert.FromHexString(parts[0])));
            if (!prepared.Equals(parts[1], StringComparison.OrdinalIgnoreCase))
                wrong.Add($"{parts[0]}: {parts[1]}, not {prepared}");
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public void The_tables_are_what_the_tool_writes() =>
        Assert.Equal(File.ReadAllText(Script("../src/FastPool.Core/Auth/SaslPrep/SaslPrepTables.cs")),
            Run("python3", Script("saslprep-tables.py")));

    private static string Script(string name) => Path.GetFullPath(Path.Combine(SourceTree.Folder, "../tools", name));

    private static string Run(string program, string argument)
    {
        using var process =
            System.Diagnostics.Process.Start(new ProcessStartInfo(program, [argument]) { RedirectStandardOutput = true })!;
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return text;
    }
}
