using System.Collections.Immutable;
using FastPool.Protocol;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace FastPool.Generators.Tests;

public class CachingTests
{
    private const string Messages = """
        [Message('Q', From.Frontend)]
        public readonly ref partial struct Query { [CString] public ReadOnlySpan<byte> Text { get; init; } }
        [Message('R', From.Backend, Code = 0)]
        public readonly ref partial struct Ok;
        """;

    private const string Wrong = "[Message('S', From.Frontend)] public readonly ref struct Sync;";

    [Fact]
    public void An_edit_elsewhere_writes_nothing_anew()
    {
        var result = RunEdited(Messages, "class Unrelated;", "class Unrelated { int _field; }");
        Assert.Equal(2, Reasons(result, Pipeline.MessagesStep).Length);
        Assert.All(Reasons(result, Pipeline.MessagesStep), AssertReused);
        Assert.All(OutputReasons(result), AssertReused);
    }

    [Fact]
    public void An_edit_in_front_of_a_message_writes_nothing_anew()
    {
        var result = RunEdited("class Unrelated;", Messages, "// A comment moves every message.\n" + Messages);
        Assert.All(Reasons(result, Pipeline.MessagesStep), AssertReused);
        Assert.All(OutputReasons(result), AssertReused);
    }

    [Fact]
    public void An_edit_elsewhere_reports_no_mistake_anew()
    {
        var result = RunEdited(Wrong, "class Unrelated;", "class Unrelated { int _field; }");
        Assert.NotEmpty(result.Diagnostics);
        Assert.All(Reasons(result, Pipeline.MistakesStep), AssertReused);
    }

    [Fact]
    public void An_edited_message_alone_is_written_anew()
    {
        var result = RunEdited("class Unrelated;", Messages, Messages.Replace("Text", "Sql"));
        Assert.Equal(
            [IncrementalStepRunReason.Modified, IncrementalStepRunReason.Unchanged],
            Reasons(result, Pipeline.MessagesStep).Order());
    }

    [Fact]
    public void The_model_names_the_directions_as_the_attribute_does() =>
        Assert.Equal(
            Enum.GetValues<From>().Select(from => (from.ToString(), (int)from)),
            Enum.GetValues<Sender>().Select(sender => (sender.ToString(), (int)sender)));

    /// <summary>Runs over both sources, then again with the second one edited, by the same driver.</summary>
    private static GeneratorRunResult RunEdited(string kept, string before, string after)
    {
        var first = GeneratorHarness.Compilation(kept, before);
        var second = first.ReplaceSyntaxTree(
            first.SyntaxTrees[1], GeneratorHarness.Compilation(after).SyntaxTrees[0]);
        return Assert.Single(GeneratorHarness.Driver().RunGenerators(first).RunGenerators(second).GetRunResult().Results);
    }

    private static IncrementalStepRunReason[] Reasons(GeneratorRunResult result, string step) =>
        Reasons(result.TrackedSteps[step]);

    private static IncrementalStepRunReason[] OutputReasons(GeneratorRunResult result) =>
        result.TrackedOutputSteps.Values.SelectMany(Reasons).ToArray();

    private static IncrementalStepRunReason[] Reasons(ImmutableArray<IncrementalGeneratorRunStep> steps) =>
        steps.SelectMany(step => step.Outputs).Select(output => output.Reason).ToArray();

    private static void AssertReused(IncrementalStepRunReason reason) =>
        Assert.Contains(reason, new[] { IncrementalStepRunReason.Cached, IncrementalStepRunReason.Unchanged });
}
