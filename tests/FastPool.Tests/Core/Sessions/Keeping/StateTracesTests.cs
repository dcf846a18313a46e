using System.Text;
using FastPool.Core.Sessions;

namespace FastPool.Tests.Core.Sessions;

/// <summary>A text or a tag says whether a server is to be asked for its session's state, and which variables by name.</summary>
public sealed class StateTracesTests
{
    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    [Theory]
    [InlineData("select 1", false)]
    [InlineData("select abalance from accounts where aid = 7;", false)]
    [InlineData("update t set a = 1", false)]
    [InlineData("insert into attempts(some_config) values ('temp' || 1)", true)] // In vain, which costs a question.
    [InlineData("set work_mem = '1MB'", true)]
    [InlineData("  SET search_path = a", true)]
    [InlineData("set local work_mem = '1MB'", false)]
    [InlineData("SET LOCAL work_mem = '1MB';", false)]
    [InlineData("set local work_mem = '1MB'; set work_mem = '2MB'", true)]
    [InlineData("select set_config('a.b', 'c', false)", true)]
    [InlineData("select pg_catalog.SET_CONFIG('a.b', 'c', false)", true)]
    [InlineData("select set_config('a.b', 'c', true)", false)]
    [InlineData("select set_config('a.b', $1, TRUE), 1", false)]
    [InlineData("select set_config('a.b', 'c', untrue)", true)]
    [InlineData("with x as (select pg_try_advisory_lock(1)) select * from x", true)]
    [InlineData("select 1 into TEMP t", true)]
    [InlineData("declare c cursor for select 1", false)]
    [InlineData("declare c cursor WITH HOLD for select 1", true)]
    [InlineData("do $$ begin end $$", true)]
    [InlineData("call p()", true)]
    [InlineData("execute p", true)]
    [InlineData("/* c */ execute p", true)]
    [InlineData("begin; declare c cursor with hold for select 1; commit", true)]
    [InlineData("set local_app.tenant = 1", true)]
    [InlineData("select set_config('a.b', '(c,true)', false)", true)]
    [InlineData("select set_config('a.b', (c is true)::text, false)", true)]
    [InlineData("update pg_settings set setting = '1MB' where name = 'work_mem'", true)]
    public void A_text_that_may_leave_something_is_asked_after(string text, bool asks) =>
        Assert.Equal(asks, (StateTraces.InText(Bytes(text), isWhole: true) & StateTrace.Ask) != 0);

    /// <summary>A long text is looked through 32 bytes at a time.</summary>
    [Theory]
    [InlineData("set_config('a.b', 'c', false)", true)]
    [InlineData("pg_try_advisory_lock(1)", true)]
    [InlineData("PG_SETTINGS", true)]
    [InlineData("1 into TEMP t", true)]
    [InlineData("1; execute p", true)]
    [InlineData("p_c_a_s_mp_TEM", false)]
    public void A_sign_is_found_wherever_it_stands(string sign, bool asks)
    {
        for (var before = 0; before < 100; before++)
        {
            foreach (var behind in (string[])["", " ", ";", new string('x', 40), "\0set_config("])
            {
                var text = Bytes($"select {new string(' ', before)}{sign}{(behind.StartsWith('x') ? " " : "")}{behind}");
                Assert.Equal(asks, (StateTraces.InText(text, isWhole: true) & StateTrace.Ask) != 0);
            }
        }
    }

    [Fact]
    public void A_text_of_which_there_is_more_is_asked_after() =>
        Assert.True((StateTraces.InText("select 1"u8, isWhole: false) & StateTrace.Ask) != 0);

    [Fact]
    public void Bytes_behind_the_text_are_none_of_it() =>
        Assert.Equal(StateTrace.None, StateTraces.InText("select 1\0set_config"u8, isWhole: true));

    [Theory]
    [InlineData("SELECT 1", true)]
    [InlineData("INSERT 0 1", true)]
    [InlineData("BEGIN", true)]
    [InlineData("START TRANSACTION", true)]
    [InlineData("COMMIT", true)]
    [InlineData("ROLLBACK", true)]
    [InlineData("COPY 7", true)]
    [InlineData("SET", false)]
    [InlineData("RESET", false)]
    [InlineData("DISCARD ALL", false)]
    [InlineData("LISTEN", false)]
    [InlineData("UNLISTEN", false)]
    [InlineData("PREPARE", false)]
    [InlineData("DEALLOCATE", false)]
    [InlineData("DEALLOCATE ALL", false)]
    [InlineData("CREATE TABLE", false)]
    [InlineData("CREATE TABLE AS", false)]
    [InlineData("DROP TABLE", false)]
    [InlineData("DO", false)]
    [InlineData("CALL", false)]
    [InlineData("LOAD", false)]
    [InlineData("SELECTED", false)]
    [InlineData("", false)]
    public void A_tag_is_plain_when_nothing_can_outlive_its_transaction(string tag, bool isPlain) =>
        Assert.Equal(isPlain, StateTraces.IsPlain(Bytes(tag + "\0")));

    [Theory]
    [InlineData("set app.tenant = 1", "app.tenant")]
    [InlineData("SET SESSION \"App\" . Tenant TO 'x'", "app.tenant")]
    [InlineData("set /* of ours */ \"app.tenant\" = 1", "app.tenant")]
    [InlineData("select set_config('app.tenant', 'x', false), set_config ( 'B.c' , $1, false)", "app.tenant b.c")]
    [InlineData("set work_mem = 1; update t set a = b.c", "")]
    [InlineData("select 1; set local a.b = 1", "a.b")]
    [InlineData("do $$ begin set a.b = 1; perform set_config('c.d', 'x', false); end $$", "a.b c.d")]
    [InlineData("select asset, reset.x from reset", "")]
    [InlineData("select set_config('work_mem', '1MB', false)", "")]
    public void Custom_variables_are_found_by_their_names(string text, string names)
    {
        Assert.Equal(names, string.Join(' ', CustomNames.None.With(Bytes(text), out var isWhole, out _).Sorted));
        Assert.True(isWhole);
    }

    [Theory]
    [InlineData("select set_config(name, value, false) from settings")]
    [InlineData("select set_config('a.' || $1, 'x', false)")]
    [InlineData("select set_config('it''s', 'x', false)")]
    public void A_name_that_is_not_in_the_text_is_told(string text)
    {
        CustomNames.None.With(Bytes(text), out var isWhole, out _);
        Assert.False(isWhole);
    }

    [Theory]
    [InlineData("select set_config($1, $2, false)", 0b10)]
    [InlineData("select pg_catalog.set_config( $3 :: text , $2, $1), set_config($12::pg_catalog.\"varchar\", '', false)",
        0b1000000001000)]
    [InlineData("select set_config('a.b', $1, false)", 0)]
    [InlineData("select set_config($1, $2, true)", 0)]
    public void Parameters_that_are_names_are_told(string text, int parameters)
    {
        CustomNames.None.With(Bytes(text), out var isWhole, out var told);
        Assert.True(isWhole);
        Assert.Equal((ulong)parameters, told);
    }

    [Theory]
    [InlineData("select set_config($1 || 'x', $2, false)")]
    [InlineData("select set_config($64, $2, false)")]
    [InlineData("select set_config($99999999999, $2, false)")]
    [InlineData("select set_config($1::text || ($2), 'x', false)")]
    [InlineData("select set_config($tag$a.b$tag$, 'x', false)")]
    public void An_expression_is_no_parameter(string text)
    {
        CustomNames.None.With(Bytes(text), out var isWhole, out var parameters);
        Assert.Equal((false, 0UL), (isWhole, parameters));
    }

    [Theory]
    [InlineData("App.Tenant", "app.tenant", true)]
    [InlineData("work_mem", "", true)] // PostgreSQL lists it.
    [InlineData("a.\u00e9", "", false)]
    public void A_value_that_is_a_name_is_asked_for(string value, string names, bool isWhole)
    {
        Assert.Equal(names, string.Join(' ', CustomNames.None.WithName(Bytes(value), out var isKnown).Sorted));
        Assert.Equal(isWhole, isKnown);
    }

    [Fact]
    public void So_many_names_and_no_more()
    {
        var names = CustomNames.None;
        for (var i = 0; i < CustomNames.Max; i++)
        {
            names = names.With(Bytes($"set a.n{i} = 1"), out var isWhole, out _);
            Assert.True(isWhole);
        }
        Assert.Same(names, names.With("set a.more = 2"u8, out var hasRoom, out _));
        Assert.False(hasRoom);
        Assert.Same(names, names.With("set a.n0 = 2"u8, out var isKnown, out _));
        Assert.True(isKnown);
    }
}
