using Microsoft.CodeAnalysis;

namespace FastPool.Generators;

/// <summary>Writes TryRead, Size and Write of every struct that carries FastPool.Protocol's Message attribute.</summary>
[Generator(LanguageNames.CSharp)]
public sealed class MessageGenerator : IIncrementalGenerator
{
    public void Initialize(IncrementalGeneratorInitializationContext context) => Pipeline.Build(context);
}
