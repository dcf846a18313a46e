using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace FastPool.Generators.Tests;

/// <summary>Runs the generator over source text in memory.</summary>
internal static class GeneratorHarness
{
    private static readonly MetadataReference[] References =
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Select(path => (MetadataReference)MetadataReference.CreateFromFile(path))
            .ToArray();

    public static GeneratorDriver Driver() => CSharpGeneratorDriver.Create(
        [new MessageGenerator().AsSourceGenerator()],
        driverOptions: new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true));

    public static CSharpCompilation Compilation(params string[] sources) => CSharpCompilation.Create(
        "Messages",
        sources.Select(source => CSharpSyntaxTree.ParseText("using System;\nusing FastPool.Protocol;\n" + source)),
        References,
        new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));

    /// <summary>Reports of the generator, and of the compiler about source and generated text together.</summary>
    public static (string[] Mistakes, Diagnostic[] CompilerErrors, GeneratorRunResult Result) Run(params string[] sources)
    {
        var driver = Driver().RunGeneratorsAndUpdateCompilation(
            Compilation(sources), out var compilation, out _);
        var result = Assert.Single(driver.GetRunResult().Results);
        Assert.Null(result.Exception);
        return (
            result.Diagnostics.Select(diagnostic => diagnostic.Id).ToArray(),
            compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).ToArray(),
            result);
    }
}
