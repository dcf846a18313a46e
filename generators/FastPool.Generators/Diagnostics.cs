using Microsoft.CodeAnalysis;

namespace FastPool.Generators;

/// <summary>One numbered rule a mistake. A number is never given a second meaning.</summary>
internal static class Diagnostics
{
    public static readonly DiagnosticDescriptor NotPartial = Rule(
        "FPG001", "Message is not partial", "Message '{0}' must be partial: its methods are written beside it");

    public static readonly DiagnosticDescriptor NotReadonlyRefStruct = Rule(
        "FPG002", "Message is not a readonly ref struct", "Message '{0}' must be a readonly ref struct: it points into a buffer");

    public static readonly DiagnosticDescriptor NestedOrGeneric = Rule(
        "FPG003", "Message is nested or generic",
        "Message '{0}' must be a type of its own in a namespace, without type parameters");

    public static readonly DiagnosticDescriptor WrongPropertyType = Rule(
        "FPG004", "Property does not have its attribute's type", "Property '{0}' must be of type {1}");

    public static readonly DiagnosticDescriptor NoFieldAttribute = Rule(
        "FPG005", "Property or field is not on the wire",
        "'{0}' must be a property with one of CString, Int32, Int16, Byte, Bytes, Rest: else it would be lost on the wire");

    public static readonly DiagnosticDescriptor TwoFieldAttributes = Rule(
        "FPG006", "Property has two field attributes", "Property '{0}' must have one field attribute: it is {1}");

    public static readonly DiagnosticDescriptor NoInitAccessor = Rule(
        "FPG007", "Property is not { get; init; }", "Property '{0}' must be an instance property with {{ get; init; }}");

    public static readonly DiagnosticDescriptor RestNotLast = Rule(
        "FPG008", "Rest is not last", "Property '{0}' takes the rest of the body, so no property may follow it");

    public static readonly DiagnosticDescriptor BytesLengthNotPositive = Rule(
        "FPG009", "Bytes has no length", "Property '{0}' must have a length of at least 1");

    public static readonly DiagnosticDescriptor SharedType = Rule(
        "FPG010", "Two messages cannot be told apart",
        "Message '{0}' has direction and type of '{1}': both need a Code of their own, or ByContext");

    public static readonly DiagnosticDescriptor TypeNotPrintable = Rule(
        "FPG011", "Type is not a printable ASCII character", "Message '{0}' must have a printable ASCII character as type");

    public static readonly DiagnosticDescriptor InAnotherPart = Rule(
        "FPG012", "Property stands in another part",
        "Property '{0}' must stand in the part that carries the Message attribute: the order of the parts is not the wire's");

    public static readonly DiagnosticDescriptor UntypedWithoutCode = Rule(
        "FPG013", "Untyped message has no code word", "Untyped message '{0}' must have a Code or begin with an Int32 property");

    public static readonly DiagnosticDescriptor TakenName = Rule(
        "FPG014", "Property has the name of a written member",
        "Property '{0}' must have another name: {0} is written by the generator");

    private static DiagnosticDescriptor Rule(string id, string title, string format) =>
        new(id, title, format, "FastPool.Messages", DiagnosticSeverity.Error, isEnabledByDefault: true);
}
