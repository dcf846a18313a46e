using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FastPool.Generators;

/// <summary>From compiler symbols to the model, with a mistake for whatever cannot be a message.</summary>
internal static class Parser
{
    public static Declaration Parse(GeneratorAttributeSyntaxContext context, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var syntax = (TypeDeclarationSyntax)context.TargetNode;
        var symbol = (INamedTypeSymbol)context.TargetSymbol;
        var place = Place.Of(syntax.Identifier.GetLocation());
        List<Mistake> mistakes = [];

        CheckStruct(symbol, syntax, place, mistakes);
        var fields = FieldParser.Parse(symbol, syntax, mistakes);
        var message = ReadAttribute(context.Attributes[0], symbol, fields);
        CheckMessage(message, context.Attributes[0], place, mistakes);

        return new Declaration(
            mistakes.Count == 0 ? message : null, place, new EquatableArray<Mistake>(mistakes.ToImmutableArray()));
    }

    private static void CheckStruct(INamedTypeSymbol symbol, TypeDeclarationSyntax syntax, Place place, List<Mistake> mistakes)
    {
        if (!syntax.Modifiers.Any(SyntaxKind.PartialKeyword)) mistakes.Add(new(Diagnostics.NotPartial, place, symbol.Name));
        if (!symbol.IsReadOnly || !symbol.IsRefLikeType) mistakes.Add(new(Diagnostics.NotReadonlyRefStruct, place, symbol.Name));
        if (symbol.ContainingType is not null || symbol.IsGenericType)
            mistakes.Add(new(Diagnostics.NestedOrGeneric, place, symbol.Name));
    }

    private static MessageModel ReadAttribute(AttributeData attribute, INamedTypeSymbol symbol, List<FieldModel> fields)
    {
        var type = IsTyped(attribute) ? (char)attribute.ConstructorArguments[0].Value! : '\0';
        var from = attribute.ConstructorArguments[attribute.ConstructorArguments.Length - 1].Value;
        var code = Named(attribute, "Code");
        return new MessageModel(
            symbol.ContainingNamespace.IsGlobalNamespace ? "" : symbol.ContainingNamespace.ToDisplayString(),
            symbol.Name,
            (Sender)(int)from!,
            type <= 0x7F ? (byte)type : (byte)0,
            (int?)code,
            Named(attribute, "ByContext") is true,
            new EquatableArray<FieldModel>(fields.ToImmutableArray()));
    }

    private static void CheckMessage(MessageModel message, AttributeData attribute, Place place, List<Mistake> mistakes)
    {
        if (IsTyped(attribute))
        {
            if (message.Type is < 0x21 or > 0x7E) mistakes.Add(new(Diagnostics.TypeNotPrintable, place, message.Name));
        }
        else if (message.Code is null && message.Fields.FirstOrDefault()?.Kind != FieldKind.Int32)
        {
            mistakes.Add(new(Diagnostics.UntypedWithoutCode, place, message.Name));
        }
    }

    private static bool IsTyped(AttributeData attribute) => attribute.ConstructorArguments.Length == 2;

    private static object? Named(AttributeData attribute, string name) =>
        attribute.NamedArguments.FirstOrDefault(argument => argument.Key == name).Value.Value;
}
