using FastPool.Core.Sessions;

namespace FastPool.Tests.Core.Sessions;

public sealed class ParameterTests
{
    [Fact]
    public void Long_values_are_not_kept_for_others()
    {
        var interner = new ParameterInterner();
        var unknown = new TrackedParameters([]).Unknown;
        for (var i = 0; i < 1000; i++) interner.With(unknown, TrackedParameters.ApplicationName, i + new string('x', 1000));
        Assert.Equal(0, interner.Count);
        Assert.NotSame(interner.Intern(new byte[1000]), interner.Intern(new byte[1000]));
        Assert.Same(interner.With(unknown, 0, "short"), interner.With(unknown, 0, "short"));
    }

    [Fact]
    public void Those_of_a_crowd_are_forgotten_at_rest_and_a_few_are_not()
    {
        var interner = new ParameterInterner();
        var unknown = new TrackedParameters([]).Unknown;
        var few = interner.With(unknown, TrackedParameters.ApplicationName, "few");
        interner.GiveBack();
        Assert.Same(few, interner.With(unknown, TrackedParameters.ApplicationName, "few"));
        for (var i = 0; i < 1000; i++) interner.With(unknown, TrackedParameters.ApplicationName, $"{i}");
        interner.GiveBack();
        Assert.Equal(0, interner.Count);
        Assert.Equal(few, interner.With(unknown, TrackedParameters.ApplicationName, "few"));
    }

    [Fact]
    public void A_step_that_was_made_before_counts_only_for_the_same_values()
    {
        var tracked = new TrackedParameters([]);
        var (remembering, name, random) = (new ParameterInterner(), TrackedParameters.ApplicationName, new Random(1));
        ParameterValues[] values =
            [tracked.Unknown, remembering.With(tracked.Unknown, name, "a"), remembering.With(tracked.Unknown, 0, "ISO")];
        var @long = new string('x', ParameterInterner.SharedTextMax + 1);
        string?[] texts = ["a", "b", null, @long];
        for (var i = 0; i < 10_000; i++)
        {
            var (from, by) = (random.GetItems(values, 1)[0], random.GetItems(values, 1)[0]);
            var (index, text) = (random.Next(tracked.Count), random.GetItems(texts, 1)[0]);
            var fresh = new ParameterInterner(); // It remembers nothing.
            Assert.Equal(fresh.With(from, index, text), remembering.With(from, index, text));
            Assert.Equal(fresh.Fill(from, by), remembering.Fill(from, by));
            Assert.Equal(fresh.FillOwn(from), remembering.FillOwn(from));
            if (random.Next(100) == 0) remembering.GiveBack();
        }
    }

    private readonly TrackedParameters _tracked = new(["IntervalStyle", "work_mem", "timezone", "intervalstyle"]);
    private readonly ParameterInterner _interner = new();

    private ParameterValues Values(params (int Index, string Value)[] values)
    {
        var result = _tracked.Unknown;
        foreach (var (index, value) in values) result = _interner.With(result, index, value);
        return result;
    }

    [Fact]
    public void Extra_names_follow_the_fixed_ones_without_doubles()
    {
        var names = Enumerable.Range(0, _tracked.Count).Select(i => _tracked[i]);
        Assert.Equal(
            ["DateStyle", "client_encoding", "TimeZone", "standard_conforming_strings", "application_name", "IntervalStyle",
            "search_path", "session_authorization", "default_transaction_read_only", "scram_iterations", "work_mem"], names);
        Assert.Equal(-1, _tracked.IndexOf("statement_timeout"u8));
    }

    [Fact]
    public void Equal_sets_are_one_object()
    {
        Assert.Same(Values((0, "ISO"), (2, "UTC")), Values((2, "UTC"), (0, "ISO")));
        Assert.NotSame(Values((0, "ISO")), Values((0, "iso")));
    }

    [Theory]
    [InlineData(null, "x", true)]
    [InlineData("x", null, true)]
    [InlineData("x", "X", true)]
    [InlineData("x", "y", false)]
    public void A_server_fits_when_what_both_know_is_the_same_but_for_case(string? client, string? server, bool fits)
    {
        var one = client is null ? Values() : Values((4, client));
        var other = server is null ? Values() : Values((4, server));
        Assert.Equal(fits, one.Fits(other));
    }

    [Fact]
    public void Defaults_fill_only_what_is_unknown()
    {
        var filled = _interner.Fill(Values((0, "German")), Values((0, "ISO, MDY"), (2, "UTC")));
        Assert.Equal(("German", "UTC", null), (filled[0], filled[2], filled[4]));
    }

    [Fact]
    public void After_a_SET_the_server_s_spelling_is_the_client_s()
    {
        var canonical = _interner.Canonical(Values((0, "ISO"), (4, "me")), Values((0, "ISO, MDY"), (2, "UTC")));
        Assert.Equal(("ISO, MDY", null, "me"), (canonical[0], canonical[2], canonical[4]));
    }

    [Fact]
    public void The_memory_of_sets_is_bounded_and_losing_it_costs_sharing_only()
    {
        var first = Values((4, "first"));
        for (var i = 0; i < 10_000; i++) Values((4, "app" + i));
        Assert.Equal(first, Values((4, "first")));
    }

    [Theory]
    [InlineData(4, "app", "SET application_name='app';")]
    [InlineData(4, "o'b", "SET application_name='o''b';")]
    [InlineData(4, "a\\b", "SET application_name=E'a\\\\b';")]
    [InlineData(4, "'\\", "SET application_name=E'''\\\\';")]
    [InlineData(4, "", "SET application_name='';")]
    [InlineData(6, "\"$user\", public", "SELECT pg_catalog.set_config('search_path','\"$user\", public',false);")]
    [InlineData(6, "a'; drop table t; \\'", "SELECT pg_catalog.set_config('search_path',E'a''; drop table t; \\\\''',false);")]
    [InlineData(7, "bob", "SET session_authorization='bob';")]
    [InlineData(7, "\0", "RESET session_authorization;")]
    [InlineData(10, "\0", "RESET work_mem;")]
    public void A_value_is_a_literal_and_search_path_a_list_that_the_server_reads(int index, string value, string batch) =>
        Assert.Equal(batch, SetBatch.Build(_tracked, Values((index, value)), Values((index, "other"))));

    [Fact]
    public void One_batch_has_all_that_differs_in_the_order_of_the_wire()
    {
        var client = Values((4, "app1"), (1, "latin1"), (0, "German"), (2, "utc"), (3, "on"));
        var server = Values((4, "app2"), (1, "UTF8"), (0, "ISO"), (2, "UTC"));
        Assert.Equal("SET DateStyle='German';SET client_encoding='latin1';SET application_name='app1';",
            SetBatch.Build(_tracked, client, server));
        Assert.Null(SetBatch.Build(_tracked, client, client));
    }

    /// <summary>A server is as its connect_query has left it, and then as the client wants it.</summary>
    [Fact]
    public void The_connect_query_runs_behind_a_RESET_and_before_a_SET()
    {
        var client = Values((4, "app"), (6, "\0"));
        var server = Values((4, "other"), (6, "s1"));
        Assert.Equal("RESET search_path;set x = 1\n;SET application_name='app';",
            SetBatch.Build(_tracked, client, server, "set x = 1"));
        Assert.Equal("SET application_name='app';", SetBatch.Build(_tracked, client, Values((4, "other")), "set x = 1"));
    }

    [Theory]
    [InlineData(4, true)]
    [InlineData(6, false)]
    [InlineData(7, false)]
    public void Names_of_schemas_and_roles_are_exact(int index, bool fits) =>
        Assert.Equal(fits, Values((index, "Bob")).Fits(Values((index, "bob"))));

    [Theory]
    [InlineData("utf8", "UTF8")]
    [InlineData("UTF-8", "UTF8")]
    [InlineData("Unicode", "UTF8")]
    [InlineData("latin-1", "LATIN1")]
    [InlineData("ISO_8859-15", "LATIN9")]
    [InlineData("iso 8859 5", "ISO_8859_5")]
    [InlineData("windows-1252", "WIN1252")]
    [InlineData("sql_ascii", "SQL_ASCII")]
    [InlineData("shift_jis", "SJIS")]
    [InlineData("nonsense", "nonsense")]
    public void An_encoding_has_PostgreSQLs_spelling(string name, string spelling) =>
        Assert.Equal(spelling, EncodingNames.CanonicalOf(name));

    [Fact]
    public void Long_values_are_set_whole() =>
        Assert.Equal($"SET application_name='{new string('x', 1000)}';",
            SetBatch.Build(_tracked, Values((4, new string('x', 1000))), Values((4, "y"))));
}
