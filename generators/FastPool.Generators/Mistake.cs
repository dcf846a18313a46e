using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace FastPool.Generators;

/// <summary>A position in a source file, by value: a Location would keep its whole syntax tree alive.</summary>
internal sealed record Place(string Path, TextSpan Span, LinePositionSpan Lines)
{
    public static Place Of(Location location) =>
        new(location.GetLineSpan().Path, location.SourceSpan, location.GetLineSpan().Span);

    public Location ToLocation() => Location.Create(Path, Span, Lines);
}

/// <summary>
/// A diagnostic, by value. <paramref name="Subject"/> is the struct or property, <paramref name="Detail"/> what else the text
/// names.
/// </summary>
internal sealed record Mistake(DiagnosticDescriptor Rule, Place Place, string Subject, string Detail = "")
{
    public Diagnostic ToDiagnostic() => Diagnostic.Create(Rule, Place.ToLocation(), Subject, Detail);
}
