using FastPool.Core.Sessions;

namespace FastPool.Tests.Control.Commands;

/// <summary>console_extended: drivers read the console by Parse, Bind, Describe, Execute and Sync.</summary>
public sealed class ExtendedTests
{
    private readonly ConsoleWorld _world =
        new("[pgbouncer]\nlisten_port=7510\npool_mode=transaction\n[fastpool]\nconsole_extended=1\n[databases]\np0=host=127.0.0.1 port=7501\n");
    private readonly ClientSession _admin;

    public ExtendedTests() => _admin = _world.Admin();

    [Fact]
    public void A_listing_comes_in_the_order_of_its_messages()
    {
        Assert.Equal("12TDCZ", Types(Run("show state", [0], describe: true)));
        var messages = Run("show version", []);
        Assert.Equal("12DCZ", Types(messages));
        Assert.Equal("PgBouncer 1.26.1", messages[2].Values[0]);
        Assert.Equal(["SHOW"], messages[3].Strings);
    }

    [Fact]
    public void Numbers_come_in_binary_to_who_wants_them_so()
    {
        var messages = Run("show lists", [0, 1], describe: true);
        var description = messages.Single(static message => message.Type == 'T').Body;
        Assert.Equal((0, 1), (description["list".Length + 1 + 18 + 1], description[^1])); // Format codes.
        var row = messages.First(static message => message.Type == 'D');
        Assert.Equal("databases", row.Values[0]);
        Assert.Equal([0, 0, 0, 2], row.Cells[1]!);
    }

    [Theory]
    [InlineData(0, "00 00 FF FF 00 00 00 00")]
    [InlineData(9999, "00 01 00 00 00 00 00 00 27 0F")]
    [InlineData(123456789, "00 03 00 02 00 00 00 00 00 01 09 29 1A 85")]
    public void A_numeric_is_in_digits_of_ten_thousand(long value, string hex)
    {
        _world.Registry.AdminPool.Stats[0].Queries = value;
        var row = Run("show totals", [0, 1]).Where(static message => message.Type == 'D').ElementAt(2);
        Assert.Equal(hex.Replace(" ", "", StringComparison.Ordinal),
            Convert.ToHexString(row.Cells[1]!));
    }

    [Fact]
    public void Thousandths_are_one_digit_behind_the_point()
    {
        var client = _world.Client("p0");
        client.Judge((byte)'Q', 10);
        _world.Loops[0].Context.NowUs = _world.Clock.NowUs + 12_345_678;
        client.EndQuery(isTransactionOver: true);
        var row = Run("show latency", [1]).First(static message => message.Type == 'D');
        // 12345.678
        Assert.Equal("0003000100000003" + "0001" + "0929"
            + "1A7C", Convert.ToHexString(row.Cells[^1]!));
    }

    [Fact]
    public void A_statement_is_described_before_it_is_bound()
    {
        var messages = Send(Parse("a", "show pools"), Describe('S', "a"), Sync);
        Assert.Equal("1tTZ", Types(messages));
        Assert.Equal("1tnZ", Types(Send(Parse("b", "reload"), Describe('S', "b"), Sync)));
    }

    [Fact]
    public void After_an_error_everything_is_skipped_up_to_Sync()
    {
        Assert.Equal("1E", Types(Send(Parse("", "show pools"), Bind("", "nobody"), Execute(""), Parse("x", "y"))));
        Assert.Equal("Z", Types(Send(Sync)));
        Assert.Equal("12EZ", Types(Run("show nonsense", [])));
        Assert.Equal("12DCZ", Types(Run("show version", [])));
    }

    [Theory]
    [InlineData("show pools", 1, "commands of the admin console take no parameters")]
    [InlineData("", -1, "broken Bind packet")]
    public void A_parameter_or_half_a_message_is_an_error(string query, int parameters, string text)
    {
        byte[] bind = parameters < 0 ? [0, 0, 0] : [0, 0, 0, 0, 0, (byte)parameters, 0, 0, 0, 1, (byte)'x', 0, 0];
        Assert.Contains(text, Send(Parse("", query), ('B', bind), Sync)[1].Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("BEGIN", "BEGIN")]
    [InlineData("begin transaction isolation level serializable;", "BEGIN")]
    [InlineData("START TRANSACTION READ ONLY", "START TRANSACTION")]
    [InlineData("COMMIT", "COMMIT")]
    [InlineData("rollback", "ROLLBACK")]
    [InlineData("DISCARD ALL", "DISCARD ALL")]
    [InlineData("SET extra_float_digits = 3", "SET")]
    [InlineData("SET application_name = 'PostgreSQL JDBC Driver'", "SET")]
    public void The_first_commands_of_drivers_are_accepted(string query, string tag)
    {
        Assert.Equal(tag, Run(query, []).Single(static message => message.Type == 'C').Strings[0]);
        // In the simple protocol too.
        Assert.Equal(tag, _world.Query(_admin, query).Messages.Single(static message => message.Type == 'C').Strings[0]);
    }

    [Fact]
    public void A_transaction_is_shown_as_long_as_the_driver_believes_in_it()
    {
        Assert.Equal("Z:T", Run("BEGIN", [])[^1].Text);
        Assert.Equal("Z:T", Run("show version", [])[^1].Text);
        Assert.Equal("Z:T", _world.Query(_admin, "show version").Messages[^1].Text);
        Assert.Equal("Z:I", _world.Query(_admin, "COMMIT").Messages[^1].Text);
        Assert.Equal("Z:I", Run("show version", [])[^1].Text);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ; ")]
    [InlineData("-- ping")]
    public void A_ping_gets_an_empty_answer(string query)
    {
        Assert.Equal("12IZ", Types(Run(query, [])));
        Assert.Equal(['I', 'Z'], _world.Query(_admin, query).Messages.Select(static message => message.Type));
    }

    [Fact]
    public void Without_the_setting_none_of_it_is_taken()
    {
        var world = new ConsoleWorld();
        Assert.StartsWith("ERROR/08P01 \"invalid command", world.Query("BEGIN").Error, StringComparison.Ordinal);
        Assert.StartsWith("ERROR/08P01 \"invalid command", world.Query(";").Error, StringComparison.Ordinal);
        Assert.Equal("ERROR/08P01 \"SET failed\"", world.Query("SET application_name = x").Error);
    }

    [Fact]
    public void A_command_behind_one_that_waits_waits_too()
    {
        var client = _world.Client("p0");
        _world.Acquire(client);
        var messages = Send(Parse("", "pause"), Bind("", ""), Execute(""), Sync);
        Assert.Equal("12", Types(messages));
        var before = _replies.Count;
        _world.Release(client);
        _world.Pass(50_000);
        Assert.Equal("CZ", Types(_replies.Skip(before - 2).SelectMany(static reply => reply.Messages)));
    }

    [Fact]
    public void A_statement_is_forgotten_when_it_is_closed()
    {
        Assert.Equal("13EZ", Types(Send(Parse("a", "show state"), ('C', [(byte)'S', (byte)'a', 0]), Bind("", "a"), Sync)));
        Assert.Equal("1EZ", Types(Send(Parse("a", "show state"), Parse("a", "show state"), Sync)));
    }

    [Fact]
    public void Names_are_bounded()
    {
        for (var i = 0; i < 256; i++) Send(Parse($"s{i}", "show state"));
        Assert.Contains("too many prepared statements", Send(Parse("one more", "show state"))[0].Text, StringComparison.Ordinal);
    }

    private readonly List<Reply> _replies = [];

    private IReadOnlyList<Message> Run(string query, short[] formats, bool describe = false) => describe
        ? Send(Parse("", query), Bind("", "", formats), Describe('P', ""), Execute(""), Sync)
        : Send(Parse("", query), Bind("", "", formats), Execute(""), Sync);

    private IReadOnlyList<Message> Send(params (char Type, byte[] Body)[] messages)
    {
        var first = _replies.Count;
        foreach (var (type, body) in messages)
        {
            var reply = new Reply();
            _replies.Add(reply);
            _world.Plane.Console.ExecuteExtended(_admin, (byte)type, body, reply);
        }
        _world.Run();
        return [.. _replies.Skip(first).SelectMany(static reply => reply.Messages)];
    }

    private static string Types(IEnumerable<Message> messages)
    {
        var types = string.Concat(messages.Select(static message => message.Type));
        while (types.Contains("DD", StringComparison.Ordinal)) types = types.Replace("DD", "D", StringComparison.Ordinal);
        return types;
    }

    private static (char Type, byte[] Body) Sync => ('S', []);

    private static (char Type, byte[] Body) Parse(string name, string query) => ('P', [.. Wire.Strings(name, query), 0, 0]);

    private static (char Type, byte[] Body) Bind(string portal, string statement, params short[] formats) =>
        ('B', [.. Wire.Strings(portal, statement), 0, 0, 0, 0, 0, (byte)formats.Length,
            .. formats.SelectMany(static format => new byte[] { 0, (byte)format })]);

    private static (char Type, byte[] Body) Describe(char kind, string name) => ('D', [(byte)kind, .. Wire.Strings(name)]);

    private static (char Type, byte[] Body) Execute(string portal) => ('E', [.. Wire.Strings(portal), 0, 0, 0, 0]);
}
