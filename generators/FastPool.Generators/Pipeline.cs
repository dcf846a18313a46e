using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace FastPool.Generators;

/// <summary>
/// Declaration → parser → model → emitter. Everything behind the parser is compared by value, so an edit elsewhere emits nothing
/// anew; the names of the steps let a test assert that.
/// </summary>
internal static class Pipeline
{
    public const string DeclarationsStep = "Declarations";
    public const string MessagesStep = "Messages";
    public const string MistakesStep = "Mistakes";
    public const string SharedTypesStep = "SharedTypes";

    private const string MessageAttribute = "FastPool.Protocol.MessageAttribute";

    public static void Build(IncrementalGeneratorInitializationContext context)
    {
        var declarations = context.SyntaxProvider
            .ForAttributeWithMetadataName(MessageAttribute, static (node, _) => node is TypeDeclarationSyntax, Parser.Parse)
            .WithTrackingName(DeclarationsStep);

        var messages = declarations
            .Where(static declaration => declaration.Message is not null)
            .Select(static (declaration, _) => declaration.Message!)
            .WithTrackingName(MessagesStep);

        var mistakes = declarations
            .SelectMany(static (declaration, _) => declaration.Mistakes)
            .WithTrackingName(MistakesStep);

        var sharedTypes = declarations
            .Collect()
            .SelectMany(static (all, _) => SharedTypes.Find(all))
            .WithTrackingName(SharedTypesStep);

        context.RegisterSourceOutput(messages, static (output, message) =>
            output.AddSource(message.HintName, SourceText.From(Emitter.Emit(message), Encoding.UTF8)));
        context.RegisterSourceOutput(mistakes, static (output, mistake) => output.ReportDiagnostic(mistake.ToDiagnostic()));
        context.RegisterSourceOutput(sharedTypes, static (output, mistake) => output.ReportDiagnostic(mistake.ToDiagnostic()));
    }
}
