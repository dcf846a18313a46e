using System.Text;
using FastPool.Protocol;

namespace FastPool.Generators.Tests;

public class FieldWalkTests
{
    /// <summary>Two format codes, then three values, of which the second is NULL, and a format code of the result.</summary>
    private const string Values = "0002 0000 0001 0003 00000003 'one' ffffffff 00000005 'three' 0001 0000";

    [Theory]
    [InlineData(1, "one", false)]
    [InlineData(2, "", true)]
    [InlineData(3, "three", false)]
    public void A_value_of_a_Bind_is_found_by_its_number(int number, string value, bool isNull)
    {
        Assert.True(BindValues.TryGet(Notation.Bytes(Values), number, out var found, out var isFoundNull));
        Assert.Equal((value, isNull), (Encoding.Latin1.GetString(found), isFoundNull));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(-1)]
    public void No_other_number_has_a_value(int number) =>
        Assert.False(BindValues.TryGet(Notation.Bytes(Values), number, out _, out _));

    [Fact]
    public void A_Bind_that_ends_early_has_no_value_there()
    {
        var arguments = Notation.Bytes(Values);
        for (var length = 0; length < arguments.Length - 4; length++)
            Assert.False(BindValues.TryGet(arguments.AsSpan(0, length), 3, out _, out _));
        Assert.False(BindValues.TryGet(Notation.Bytes("0000 0001 fffffffe"), 1, out _, out _));
    }

    [Theory]
    [InlineData("'user' 00 'bob' 00 'database' 00 'shop' 00 00", "user=bob database=shop", false)]
    [InlineData("00", "", false)]
    [InlineData("'user' 00 00 00", "user=", false)]
    [InlineData("", "", true)]
    [InlineData("'user' 00 'bob' 00", "user=bob", true)]
    [InlineData("'user' 00 'bob'", "", true)]
    [InlineData("'user' 00", "", true)]
    [InlineData("'user' 00 'bob' 00 00 00", "user=bob", true)]
    [InlineData("'user' 00 'bob' 00 00 'x' 00 'y' 00 00", "user=bob", true)]
    public void Startup_parameters_come_in_order_and_a_layout_error_shows_at_the_end(string wire, string pairs, bool malformed)
    {
        var walk = new StartupParameters(Notation.Bytes(wire));
        var seen = new List<string>();
        while (walk.MoveNext()) seen.Add($"{Encoding.Latin1.GetString(walk.Key)}={Encoding.Latin1.GetString(walk.Value)}");
        Assert.Equal(pairs, string.Join(' ', seen));
        Assert.Equal(malformed, walk.IsMalformed);
        Assert.False(walk.MoveNext());
        Assert.Equal(malformed, walk.IsMalformed);
    }

    [Theory]
    [InlineData("'SFATAL' 00 'C28P01' 00 'Mno' 00 00", "S:FATAL C:28P01 M:no", false)]
    [InlineData("'SFATAL' 00 'C28P01' 00", "S:FATAL C:28P01", true)]
    [InlineData("'SFATAL'", "", true)]
    [InlineData("00", "", false)]
    [InlineData("0000", "", true)]
    [InlineData("", "", true)]
    public void Error_fields_come_in_order_and_a_layout_error_shows_at_the_end(string wire, string fields, bool malformed)
    {
        var walk = new ErrorFields(Notation.Bytes(wire));
        var seen = new List<string>();
        while (walk.MoveNext()) seen.Add($"{(char)walk.Code}:{Encoding.Latin1.GetString(walk.Value)}");
        Assert.Equal(fields, string.Join(' ', seen));
        Assert.Equal(malformed, walk.IsMalformed);
        Assert.False(walk.MoveNext());
    }

    [Fact]
    public void Error_fields_are_found_by_code_wherever_the_walk_stands()
    {
        var fields = new ErrorFields("SFATAL\0VFATAL\0C28P01\0Mno such user\0\0"u8);
        while (fields.MoveNext()) { }
        Assert.Equal("FATAL"u8, fields.Severity);
        Assert.Equal("28P01"u8, fields.SqlState);
        Assert.Equal("no such user"u8, fields.Message);
        Assert.False(fields.TryGet((byte)'H', out var hint));
        Assert.True(hint.IsEmpty);
    }

    [Theory]
    [InlineData("'SCRAM-SHA-256-PLUS' 00 'SCRAM-SHA-256' 00 00", "SCRAM-SHA-256-PLUS SCRAM-SHA-256", false)]
    [InlineData("'SCRAM-SHA-256' 00", "SCRAM-SHA-256", true)]
    [InlineData("00 'x'", "", true)]
    [InlineData("00", "", false)]
    public void Mechanisms_come_in_the_order_of_the_server(string wire, string names, bool malformed)
    {
        var walk = new SaslMechanisms(Notation.Bytes(wire));
        var seen = new List<string>();
        while (walk.MoveNext()) seen.Add(Encoding.Latin1.GetString(walk.Current));
        Assert.Equal(names, string.Join(' ', seen));
        Assert.Equal(malformed, walk.IsMalformed);
    }

    [Theory]
    [InlineData(3, "00000003 'abc' ffffffff 00000000", "abc NULL ", false)]
    [InlineData(0, "", "", false)]
    [InlineData(2, "00000001 'a'", "a", true)]
    [InlineData(1, "00000005 'abc'", "", true)]
    [InlineData(1, "fffffffe", "", true)]
    [InlineData(1, "00000001 'a' 00", "a", true)]
    public void Columns_of_a_row_are_NULL_or_bytes(int count, string wire, string values, bool malformed)
    {
        var columns = Notation.Bytes(wire);
        var walk = new DataRowColumns(new DataRow { ColumnCount = (short)count, Columns = columns });
        var seen = new List<string>();
        while (walk.MoveNext()) seen.Add(walk.IsNull ? "NULL" : Encoding.Latin1.GetString(walk.Value));
        Assert.Equal(values, string.Join(' ', seen));
        Assert.Equal(malformed, walk.IsMalformed);
        Assert.False(walk.MoveNext());
        Assert.Equal(malformed, walk.IsMalformed);
    }

    [Fact]
    public void Random_bytes_never_make_a_walk_throw_or_go_on_for_ever()
    {
        var random = new Random(5);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = random.Data(random.Next(40));
            var steps = 0;
            var parameters = new StartupParameters(bytes);
            while (parameters.MoveNext()) steps++;
            var fields = new ErrorFields(bytes);
            while (fields.MoveNext()) steps++;
            var mechanisms = new SaslMechanisms(bytes);
            while (mechanisms.MoveNext()) steps++;
            var columns = new DataRowColumns(new DataRow { ColumnCount = random.Int16(), Columns = bytes });
            while (columns.MoveNext()) steps++;
            Assert.InRange(steps, 0, 4 * bytes.Length);
        }
    }
}
