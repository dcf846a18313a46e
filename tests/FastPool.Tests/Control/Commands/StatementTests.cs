using FastPool.Control.Commands;

namespace FastPool.Tests.Control.Commands;

public sealed class StatementTests
{
    [Theory]
    [InlineData("show version", "show", "version")]
    [InlineData("  sHoW  \"version\" ; ", "sHoW", "version")]
    [InlineData("show\tstate", "show", "state")]
    [InlineData("show\nstate\r", "show", "state")]
    [InlineData("\"show\" \"STATE\"", "show", "STATE")]
    [InlineData("reload", "reload", "")]
    [InlineData("reload;", "reload", "")]
    [InlineData("pause P0", "pause", "P0")]
    [InlineData("pause \"\"", "pause", "")]
    [InlineData("kill \"bad-name\"", "kill", "bad-name")]
    [InlineData("kill \"a\"\"b\"", "kill", "a\"b")]
    [InlineData("set", "set", "")]
    [InlineData("set x", "set", "x")]
    [InlineData("kill_client 5x", "kill_client", "5x")]
    public void A_command_is_a_word_and_perhaps_another(string query, string word, string argument) =>
        Assert.Equal(new ConsoleStatement(StatementKind.Command, word, argument), ConsoleStatement.Parse(query));

    [Theory]
    [InlineData("set log_connections = 1", "log_connections", "1")]
    [InlineData("SET \"log_connections\" TO '1' ;", "log_connections", "1")]
    [InlineData("set server_check_query = 'it''s'", "server_check_query", "it's")]
    [InlineData("set server_check_query = \"sel\"\"x\"", "server_check_query", "sel\"x")]
    [InlineData("set a='';", "a", "")]
    [InlineData("set a=\"\"", "a", "")]
    [InlineData("set a='x\ny'", "a", "x\ny")]
    [InlineData("set a tob", "a", "b")]
    [InlineData("set ato'b'", "a", "b")]
    [InlineData("set \"a\"to b", "a", "b")]
    public void A_setting_is_set_by_sign_or_word(string query, string name, string value) =>
        Assert.Equal(new ConsoleStatement(StatementKind.Set, name, value), ConsoleStatement.Parse(query));

    [Theory]
    [InlineData("")]
    [InlineData(";")]
    [InlineData("   ")]
    [InlineData("show 'version'")]
    [InlineData("show version -- c")]
    [InlineData("/* x */ show version")]
    [InlineData("show version;;")]
    [InlineData("show a; show b")]
    [InlineData("show\vversion")]
    [InlineData("show\"version\"")]
    [InlineData("show \"version")]
    [InlineData("set a b")]
    [InlineData("set x=-1")]
    [InlineData("set x=1.5")]
    [InlineData("set x=")]
    [InlineData("set x='a")]
    [InlineData("set x=a b")]
    [InlineData("set\"x\"=1")]
    [InlineData("\"set\" x=1")]
    [InlineData("a b c")]
    public void Everything_else_is_no_statement(string query) =>
        Assert.Equal(StatementKind.Invalid, ConsoleStatement.Parse(query).Kind);

    [Theory]
    [InlineData(15, 63, false)]
    [InlineData(16, 63, true)]
    [InlineData(15, 64, true)]
    public void The_words_of_a_command_are_bounded(int word, int argument, bool isTooLong) =>
        Assert.Equal(isTooLong,
            ConsoleStatement.Parse(new string('a', word) + " " + new string('b', argument)).Kind == StatementKind.TooLong);

    [Theory]
    [InlineData(63, 255, false)]
    [InlineData(64, 255, true)]
    [InlineData(63, 256, true)]
    public void Name_and_value_of_a_setting_are_bounded(int name, int value, bool isTooLong) =>
        Assert.Equal(isTooLong,
            ConsoleStatement.Parse($"set {new string('a', name)}={new string('b', value)}").Kind == StatementKind.TooLong);

    [Theory]
    [InlineData("show \"{61}\"", false)]
    [InlineData("show \"{62}\"", true)]
    [InlineData("set a='{253}'", false)]
    [InlineData("set a='{254}'", true)]
    [InlineData("set \"\"=1", true)]
    public void Quotes_count_and_a_setting_has_a_name(string pattern, bool isTooLong)
    {
        var open = pattern.IndexOf('{');
        var query = open < 0 ? pattern
            : pattern[..open] + new string('x', int.Parse(pattern[(open + 1)..pattern.IndexOf('}')]))
            + pattern[(pattern.IndexOf('}') + 1)..];
        Assert.Equal(isTooLong, ConsoleStatement.Parse(query).Kind == StatementKind.TooLong);
    }
}
