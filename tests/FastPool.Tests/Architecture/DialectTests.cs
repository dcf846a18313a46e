using System.Globalization;
using System.Text.RegularExpressions;

namespace FastPool.Tests.Architecture;

/// <summary>How the source is written, as far as the compiler and dotnet format do not hold it.</summary>
public sealed class DialectTests
{
    /// <summary>A string literal as long as this is not cut in two for the sake of a line.</summary>
    private const int LongLiteral = 60;

    private static readonly string Root = Path.GetFullPath(Path.Combine(SourceTree.Folder, ".."));

    private static readonly int Columns = int.Parse(
        Regex.Match(File.ReadAllText(Path.Combine(Root, ".editorconfig")), @"max_line_length = (\d+)").Groups[1].Value,
        CultureInfo.InvariantCulture);

    private static IEnumerable<(string Path, int Number, string Line)> Lines =>
        from folder in new[] { "src", "tests", "generators", "bench" }
        from path in Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
        where !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal)
        from line in File.ReadLines(path).Select(static (text, i) => (Text: text, Number: i + 1))
        select (Path.GetRelativePath(Root, path), line.Number, line.Text);

    [Fact]
    public void No_line_is_longer_than_the_editorconfig_allows() =>
        Assert.Empty(Lines.Where(static line => IsTooLong(line.Line))
            .Select(static line => $"{line.Path}:{line.Number}: {line.Line.Length} columns"));

    [Fact]
    public void A_unit_ends_a_name_without_an_underscore() =>
        Assert.Empty(Lines.Where(static line => Regex.IsMatch(SourceFile.CodeOf(line.Line), @"\b[A-Za-z]\w*_(ms|us|Ms|Us)\b"))
            .Select(static line => $"{line.Path}:{line.Number}: {line.Line.Trim()}"));

    /// <summary>A counter that is only ever raised is negative after two thousand million times, like its remainder.</summary>
    [Fact]
    public void A_number_that_goes_round_is_brought_back() =>
        Assert.Empty(Lines.Where(static line => Regex.IsMatch(SourceFile.CodeOf(line.Line), @"\+\+\)? % (?!\(uint\))"))
            .Select(static line => $"{line.Path}:{line.Number}: {line.Line.Trim()}"));

    /// <summary>
    /// A sentence has its subject in front: "The bytes that wait", not the same with a question word. Both are also true of the
    /// names of tests, which must say alone what broke.
    /// </summary>
    [Fact]
    public void No_comment_opens_with_a_question_word() =>
        Assert.Empty(Lines.Where(static line => OpensOddly(CommentOf(line.Line)))
            .Select(static line => $"{line.Path}:{line.Number}: {line.Line.Trim()}"));

    [Fact]
    public void No_name_of_a_test_opens_with_a_question_word() =>
        Assert.Empty(Lines.Where(static line => Regex.IsMatch(line.Line, $@"\b(void|Task) ({OddOpenings})_"))
            .Select(static line => $"{line.Path}:{line.Number}: {line.Line.Trim()}"));

    [Theory]
    [InlineData("    /// <summary>What waits.</summary>", true)]
    [InlineData("    x(); // Nobody waits. Nor does it.", true)]
    [InlineData("    /// Till then. <param name=\"x\">The value.</param>", true)]
    [InlineData("    /// <summary>Tells what waits, and who.</summary>", false)]
    [InlineData("    Assert.Equal(\"What is it\", text);", false)]
    [InlineData("    // \"What\" is a word.", false)]
    public void The_rule_for_openings_finds_what_it_forbids(string line, bool isOdd) =>
        Assert.Equal(isOdd, OpensOddly(CommentOf(line)));

    /// <summary>A reader who has to go back has lost the thread: two sentences say it better.</summary>
    [Fact]
    public void No_sentence_of_a_comment_is_longer_than_36_words() =>
        Assert.Empty(Sentences().Where(static sentence => WordsOf(sentence.Text) > SentenceWordsMax)
            .Select(static sentence => $"{sentence.Path}:{sentence.Number}: {sentence.Text}"));

    /// <summary>"The caller", "the client that waits": a noun says it, this word does not.</summary>
    [Fact]
    public void No_comment_leaves_it_to_a_pronoun_which_part_is_meant() =>
        Assert.Empty(Lines.Where(static line => IsVague(CommentOf(line.Line)))
            .Select(static line => $"{line.Path}:{line.Number}: {line.Line.Trim()}"));

    [Theory]
    [InlineData("// Whoever calls holds it.", true)]
    [InlineData("// Whom it is for.", true)]
    [InlineData("x(\"whoever\");", false)]
    public void The_rule_for_pronouns_finds_what_it_forbids(string line, bool isVague) =>
        Assert.Equal(isVague, IsVague(CommentOf(line)));

    private static bool IsVague(string comment) => Regex.IsMatch(comment, @"\b([Ww]ho(m)?ever|[Ww]hom)\b");

    private const int SentenceWordsMax = 36;

    /// <summary>The sentences of all blocks of comment lines. A tag ends one.</summary>
    private static IEnumerable<(string Path, int Number, string Text)> Sentences()
    {
        var block = new List<string>();
        (string Path, int Number) start = ("", 0);
        foreach (var (path, number, line) in Lines.Append(("", 0, "")))
        {
            var match = Regex.Match(line, "^\\s*///? ?(.*)$");
            if (match.Success && (block.Count == 0 || path == start.Path))
            {
                if (block.Count == 0) start = (path, number);
                block.Add(match.Groups[1].Value);
                continue;
            }
            var text = Regex.Replace(string.Join(' ', block), "<[^>]+>", "|");
            block.Clear();
            foreach (var sentence in Regex.Split(text, @"(?<=[.!?|])\s+")) yield return (start.Path, start.Number, sentence);
        }
    }

    private static int WordsOf(string sentence) => sentence.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length;

    private const string OddOpenings = "Who|What|Whose|Nought|Nor|Till";

    private static bool OpensOddly(string comment) => Regex.IsMatch(comment, $@"(^|[\s>])({OddOpenings})\b");

    /// <summary>The comment of a line, from its slashes on; empty: it has none.</summary>
    private static string CommentOf(string line)
    {
        var code = Regex.Replace(line, "\"(?:[^\"\\\\]|\\\\.)*\"", static match => new string('_', match.Length));
        var start = code.IndexOf("//", StringComparison.Ordinal);
        return start < 0 ? "" : line[start..];
    }

    [Theory]
    [InlineData(130, false)]
    [InlineData(131, true)]
    public void The_rule_for_lines_counts_columns(int length, bool isTooLong) =>
        Assert.Equal(isTooLong, IsTooLong(new string('x', length)));

    private static bool IsTooLong(string line)
    {
        if (line.Length <= Columns) return false;
        var longest = Regex.Matches(line, "\"(?:[^\"\\\\]|\\\\.)*\"").Select(static match => match.Length).DefaultIfEmpty().Max();
        return longest < LongLiteral || line.Length - longest > Columns;
    }
}
