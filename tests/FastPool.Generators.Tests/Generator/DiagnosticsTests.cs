using System.Reflection;
using Microsoft.CodeAnalysis;

namespace FastPool.Generators.Tests;

public class DiagnosticsTests
{
    [Fact]
    public void A_right_declaration_has_no_diagnostic() => Expect([], """
        [Message('Q', From.Frontend)]
        public readonly ref partial struct Query { [CString] public ReadOnlySpan<byte> Text { get; init; } }
        """);

    [Fact]
    public void A_message_must_be_partial() => Expect(["FPG001"], """
        [Message('S', From.Frontend)]
        public readonly ref struct Sync;
        """);

    [Theory]
    [InlineData("ref partial struct")]
    [InlineData("readonly partial struct")]
    [InlineData("partial struct")]
    public void A_message_must_be_a_readonly_ref_struct(string kind) => Expect(["FPG002"], $$"""
        [Message('S', From.Frontend)]
        public {{kind}} Sync { [Int32] public int Number { get; init; } }
        """);

    [Theory]
    [InlineData("public static partial class Outer { [Message('S', From.Frontend)] public readonly ref partial struct Sync; }")]
    [InlineData("[Message('S', From.Frontend)] public readonly ref partial struct Sync<T>;")]
    public void A_message_must_not_be_nested_or_generic(string source) => Expect(["FPG003"], source);

    [Theory]
    [InlineData("[CString] public int")]
    [InlineData("[CString] public Span<byte>")]
    [InlineData("[CString] public ReadOnlySpan<char>")]
    [InlineData("[Int32] public uint")]
    [InlineData("[Int16] public int")]
    [InlineData("[Byte] public sbyte")]
    [InlineData("[Bytes(4)] public int")]
    [InlineData("[Rest] public byte")]
    public void A_property_must_have_the_type_of_its_attribute(string property) => Expect(["FPG004"], Message(property));

    [Theory]
    [InlineData("public int Number { get; init; }")]
    [InlineData("public int Number { get; }")]
    [InlineData("public readonly int Number;")]
    public void State_that_is_not_on_the_wire_is_a_mistake(string member) => Expect(["FPG005"], $$"""
        [Message('X', From.Frontend)]
        public readonly ref partial struct Message { {{member}} }
        """);

    [Fact]
    public void A_computed_or_static_property_needs_no_attribute() => Expect([], """
        [Message('X', From.Frontend)]
        public readonly ref partial struct Message
        {
            [Int32] public int Number { get; init; }
            public bool IsZero => Number == 0;
            public static int Count { get; set; }
        }
        """);

    [Fact]
    public void A_property_must_not_have_two_field_attributes() =>
        Expect(["FPG006"], Message("[CString, Rest] public ReadOnlySpan<byte>"));

    [Theory]
    [InlineData("[Int32] public int Number { get; }")]
    [InlineData("[Int32] public int Number { get => 1; }")]
    [InlineData("[Int32] public int Number => 1;")]
    [InlineData("[Int32] public static int Number { get; set; }")]
    public void A_property_must_have_get_and_init(string property) => Expect(["FPG007"], $$"""
        [Message('X', From.Frontend)]
        public readonly ref partial struct Message { {{property}} }
        """);

    [Fact]
    public void Nothing_may_follow_the_rest() => Expect(["FPG008"], """
        [Message('X', From.Frontend)]
        public readonly ref partial struct Message
        {
            [Rest] public ReadOnlySpan<byte> Data { get; init; }
            [Int32] public int Number { get; init; }
        }
        """);

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void Bytes_must_have_a_length(int length) =>
        Expect(["FPG009"], Message($"[Bytes({length})] public ReadOnlySpan<byte>"));

    [Theory]
    [InlineData("'X', From.Frontend", "'X', From.Frontend")]
    [InlineData("'X', From.Frontend", "'X', From.Either")]
    [InlineData("'X', From.Backend", "'X', From.Either")]
    [InlineData("'X', From.Frontend, Code = 1", "'X', From.Frontend, Code = 1")]
    [InlineData("'X', From.Frontend, Code = 0", "'X', From.Frontend")]
    [InlineData("'X', From.Frontend, ByContext = true", "'X', From.Frontend")]
    [InlineData("From.Frontend, Code = 1", "From.Frontend, Code = 1")]
    public void Two_messages_of_a_direction_and_type_must_be_told_apart(string one, string other) =>
        Expect(["FPG010"], Pair(one, other));

    [Theory]
    [InlineData("'X', From.Frontend", "'X', From.Backend")]
    [InlineData("'X', From.Frontend", "'Y', From.Frontend")]
    [InlineData("'X', From.Frontend, Code = 0", "'X', From.Frontend, Code = 1")]
    [InlineData("'X', From.Frontend, ByContext = true", "'X', From.Frontend, ByContext = true")]
    [InlineData("'X', From.Frontend, ByContext = true", "'X', From.Frontend, Code = 1")]
    public void Direction_type_code_and_context_tell_messages_apart(string one, string other) => Expect([], Pair(one, other));

    [Theory]
    [InlineData(@"'\0'")]
    [InlineData("'\u00e9'")]
    [InlineData("' '")]
    public void A_type_must_be_a_printable_character(string type) => Expect(["FPG011"], $$"""
        [Message({{type}}, From.Frontend)]
        public readonly ref partial struct Message;
        """);

    [Fact]
    public void All_properties_stand_in_the_part_with_the_attribute() => Expect(["FPG012"], """
        [Message('X', From.Frontend)]
        public readonly ref partial struct Message { [Int32] public int Number { get; init; } }
        public readonly ref partial struct Message { [Int32] public int Other { get; init; } }
        """);

    [Fact]
    public void An_untyped_message_needs_its_code_word() => Expect(["FPG013"], """
        [Message(From.Frontend)]
        public readonly ref partial struct Message { [Rest] public ReadOnlySpan<byte> Data { get; init; } }
        """);

    [Theory]
    [InlineData("Size")]
    [InlineData("Type")]
    [InlineData("Code")]
    [InlineData("Write")]
    [InlineData("TryRead")]
    public void A_property_must_not_have_the_name_of_a_written_member(string name) => Expect(["FPG014"], $$"""
        [Message('X', From.Frontend)]
        public readonly ref partial struct Message { [Int32] public int {{name}} { get; init; } }
        """);

    [Fact]
    public void Every_mistake_of_a_declaration_is_reported_at_its_own_place()
    {
        (_, _, var result) = GeneratorHarness.Run("""
            [Message('X', From.Frontend)]
            public readonly ref partial struct Message
            {
                [Int32] public long First { get; init; }
                public int Second { get; init; }
            }
            """);
        Assert.Equal(
            [("FPG004", 5), ("FPG005", 6)],
            result.Diagnostics.Select(mistake => (mistake.Id, mistake.Location.GetLineSpan().StartLinePosition.Line)).Order());
        Assert.Empty(result.GeneratedSources);
    }

    [Fact]
    public void Numbers_are_given_once()
    {
        var ids = typeof(Diagnostics).GetFields(BindingFlags.Static | BindingFlags.Public)
            .Select(field => ((DiagnosticDescriptor)field.GetValue(null)!).Id);
        Assert.Equal(Enumerable.Range(1, ids.Count()).Select(number => $"FPG{number:000}"), ids.Order());
    }

    private static void Expect(string[] mistakes, string source) => Assert.Equal(mistakes, GeneratorHarness.Run(source).Mistakes);

    private static string Message(string property) => $$"""
        [Message('X', From.Frontend)]
        public readonly ref partial struct Message { {{property}} Value { get; init; } }
        """;

    private static string Pair(string one, string other) => $$"""
        [Message({{one}})] public readonly ref partial struct One;
        [Message({{other}})] public readonly ref partial struct Other;
        """;
}
