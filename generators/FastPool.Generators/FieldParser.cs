using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FastPool.Generators;

/// <summary>The properties of a message in their order, which is the order on the wire.</summary>
internal static class FieldParser
{
    private const string Span = "System.ReadOnlySpan<byte>";

    /// <summary>One row an attribute: its name in FastPool.Protocol, what it makes of the property, the type it wants.</summary>
    private static readonly (string Attribute, FieldKind Kind, string Type)[] Kinds =
    [
        ("CStringAttribute", FieldKind.CString, Span),
        ("Int32Attribute", FieldKind.Int32, "int"),
        ("Int16Attribute", FieldKind.Int16, "short"),
        ("ByteAttribute", FieldKind.Byte, "byte"),
        ("BytesAttribute", FieldKind.Bytes, Span),
        ("RestAttribute", FieldKind.Rest, Span),
    ];

    private static readonly string[] TakenNames = ["Type", "Code", "Size", "TryRead", "Write"];

    public static List<FieldModel> Parse(INamedTypeSymbol symbol, TypeDeclarationSyntax syntax, List<Mistake> mistakes)
    {
        List<FieldModel> fields = [];
        ISymbol? rest = null;
        foreach (var member in symbol.GetMembers())
        {
            var attributes = member.GetAttributes().Where(IsFieldAttribute).ToList();
            if (attributes.Count == 0)
            {
                if (HoldsState(member)) Add(Diagnostics.NoFieldAttribute, member);
                continue;
            }
            if (rest is not null)
            {
                Add(Diagnostics.RestNotLast, rest);
                rest = null;
            }
            var field = Check((IPropertySymbol)member, attributes);
            if (field.Kind == FieldKind.Rest) rest = member;
            fields.Add(field);
        }
        return fields;

        FieldModel Check(IPropertySymbol property, List<AttributeData> attributes)
        {
            var attribute = attributes[0];
            (_, var kind, var type) = Kinds.First(row => row.Attribute == attribute.AttributeClass!.Name);
            var length = kind == FieldKind.Bytes ? (int)attribute.ConstructorArguments[0].Value! : 0;

            if (attributes.Count > 1) Add(Diagnostics.TwoFieldAttributes, property, NamesOf(attributes));
            else if (property.Type.ToDisplayString() != type) Add(Diagnostics.WrongPropertyType, property, type);
            if (property.IsStatic || property.SetMethod is not { IsInitOnly: true } || property.GetMethod is null)
                Add(Diagnostics.NoInitAccessor, property);
            if (kind == FieldKind.Bytes && length <= 0) Add(Diagnostics.BytesLengthNotPositive, property);
            if (TakenNames.Contains(property.Name)) Add(Diagnostics.TakenName, property);
            if (!syntax.Span.Contains(property.DeclaringSyntaxReferences[0].Span)
                || syntax.SyntaxTree != property.DeclaringSyntaxReferences[0].SyntaxTree)
                Add(Diagnostics.InAnotherPart, property);
            return new FieldModel(property.Name, kind, length);
        }

        void Add(DiagnosticDescriptor rule, ISymbol subject, string detail = "") =>
            mistakes.Add(new Mistake(rule, Place.Of(subject.Locations[0]), subject.Name, detail));
    }

    private static bool IsFieldAttribute(AttributeData attribute) =>
        attribute.AttributeClass is { } type
        && type.ContainingNamespace.ToDisplayString() == "FastPool.Protocol"
        && Kinds.Any(row => row.Attribute == type.Name);

    /// <summary>A computed property is a helper and may stay; what keeps a value of its own would not survive the wire.</summary>
    private static bool HoldsState(ISymbol member) => !member.IsStatic && member switch
    {
        IFieldSymbol field => !field.IsImplicitlyDeclared,
        IPropertySymbol property => property.ContainingType.GetMembers().OfType<IFieldSymbol>()
            .Any(field => SymbolEqualityComparer.Default.Equals(field.AssociatedSymbol, property)),
        _ => false,
    };

    private static string NamesOf(List<AttributeData> attributes) =>
        string.Join(" and ", attributes.Select(attribute => attribute.AttributeClass!.Name.Replace("Attribute", "")));
}
