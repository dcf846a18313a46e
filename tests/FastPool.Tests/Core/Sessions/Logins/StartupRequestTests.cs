using FastPool.Core.Sessions;

namespace FastPool.Tests.Core.Sessions;

public sealed class StartupRequestTests
{
    private const string BadOptions =
        "unsupported options startup parameter: only '-c config=val' and '--config=val' are allowed";

    private static StartupRequest Read(string settings, params string[] pairs) => ReadRaw(settings, [.. Wire.Strings(pairs), 0]);

    private static StartupRequest ReadRaw(string settings, byte[] bytes) => new SessionBench(settings).Read(bytes);

    private static string? FaultOf(string settings, params string[] pairs) => Read(settings, pairs).Fault.Message;

    [Fact]
    public void The_database_is_named_after_the_user_unless_it_is_given()
    {
        Assert.Equal("ann", Read("", "user", "ann").DatabaseName);
        Assert.Equal("ann", Read("", "user", "ann", "database", "").DatabaseName);
        Assert.Equal("d", Read("", "user", "ann", "database", "d").DatabaseName);
    }

    [Fact]
    public void The_last_of_two_values_wins()
    {
        var request = Read("", "user", "ann", "user", "bob", "TimeZone", "A", "timezone", "B");
        Assert.Equal(("bob", "B"), (request.User, request.Parameters[2]));
    }

    [Theory]
    [InlineData("user", "")]
    [InlineData("database", "d")]
    public void Somebody_must_be_named(string key, string value) => Assert.Equal("no username supplied", FaultOf("", key, value));

    [Theory]
    [InlineData(new byte[] { })]
    [InlineData(new byte[] { (byte)'u' })]
    [InlineData(new byte[] { (byte)'u', (byte)'s', (byte)'e', (byte)'r', 0, (byte)'a', 0 })]
    [InlineData(new byte[] { (byte)'u', (byte)'s', (byte)'e', (byte)'r', 0, (byte)'a', 0, 0, 0 })]
    public void The_list_ends_with_an_empty_key_and_nothing_behind_it(byte[] bytes) =>
        Assert.Equal("invalid startup packet layout: expected terminator as last byte", ReadRaw("", bytes).Fault.Message);

    [Theory]
    [InlineData("DATESTYLE", 0)]
    [InlineData("client_encoding", 1)]
    [InlineData("timezone", 2)]
    [InlineData("Standard_Conforming_Strings", 3)]
    [InlineData("application_name", 4)]
    [InlineData("intervalstyle", 5)]
    public void Tracked_names_are_known_in_any_case(string name, int index) =>
        Assert.Equal("v", Read("", "user", "ann", name, "v").Parameters[index]);

    [Theory]
    [InlineData("", "extra_float_digits", false)]
    [InlineData("ignore_startup_parameters=extra_float_digits", "extra_float_digits", true)]
    [InlineData("ignore_startup_parameters=a,extra_float_digits", "extra_float_digits", true)]
    [InlineData("ignore_startup_parameters=extra_float_digits", "EXTRA_float_digits", false)]
    [InlineData("", "USER", false)]
    public void Any_other_name_is_ignored_or_refused(string settings, string name, bool isIgnored) =>
        Assert.Equal(isIgnored ? null : "unsupported startup parameter: " + name, FaultOf(settings, "user", "ann", name, "3"));

    [Theory]
    [InlineData("1.26", "search_path", null)]
    [InlineData("1.26", "application_name", null)]
    [InlineData("1.25", "search_path", null)]
    [InlineData("1.25", "application_name", "v")]
    public void A_parameter_that_is_ignored_by_name_is_not_tracked(string version, string name, string? value)
    {
        var bench = new SessionBench("ignore_startup_parameters=search_path,application_name", own: "show_as=" + version);
        var index = bench.Context.Tracked.IndexOf(System.Text.Encoding.ASCII.GetBytes(name));
        Assert.Equal(value, bench.Read([.. Wire.Strings("user", "ann", name, "v"), 0]).Parameters[index]);
        Assert.Equal(value, bench.Read([.. Wire.Strings("user", "ann", "options", $"-c {name}=v"), 0]).Parameters[index]);
    }

    [Theory]
    [InlineData("1.26", "v")]
    [InlineData("1.25", null)]
    public void The_word_options_stands_for_what_is_not_tracked(string version, string? value)
    {
        var bench = new SessionBench("ignore_startup_parameters=options", own: "show_as=" + version);
        var request = bench.Read([.. Wire.Strings("user", "ann", "options", "-c search_path=v -c work_mem=1"), 0]);
        Assert.False(request.Fault.IsSet);
        Assert.Equal(value, request.Parameters[TrackedParameters.SearchPath]);
    }

    [Fact]
    public void A_refusal_is_logged_with_the_value()
    {
        var bench = new SessionBench();
        bench.Read([.. Wire.Strings("user", "ann", "work_mem", "1GB"), 0]);
        Assert.EndsWith(" unsupported startup parameter: work_mem=1GB", Assert.Single(bench.Log.Lines));
    }

    [Fact]
    public void Protocol_options_are_noted_in_their_order()
    {
        var request = Read("", "_pq_.b", "1", "user", "ann", "_pq_.a", "2");
        Assert.Equal(["_pq_.b", "_pq_.a"], request.UnknownOptions);
        Assert.False(request.Fault.IsSet);
    }

    [Theory]
    [InlineData("database", ReplicationKind.Logical)]
    [InlineData("true", ReplicationKind.Physical)]
    [InlineData("t", ReplicationKind.Physical)]
    [InlineData("YES", ReplicationKind.Physical)]
    [InlineData("on", ReplicationKind.Physical)]
    [InlineData("1", ReplicationKind.Physical)]
    [InlineData("off", ReplicationKind.None)]
    [InlineData("", ReplicationKind.None)]
    [InlineData("o", ReplicationKind.None)]
    [InlineData("nonsense", ReplicationKind.None)]
    [InlineData("Database", ReplicationKind.None)]
    public void Replication_is_spelled_as_PostgreSQL_spells_booleans(string value, ReplicationKind kind) =>
        Assert.Equal(kind, Read("", "user", "ann", "replication", value).Replication);

    [Theory]
    [InlineData("", null)]
    [InlineData("-c timezone=X", "X")]
    [InlineData("-ctimezone=X", "X")]
    [InlineData("  -c   timezone=X", "X")]
    [InlineData("--timezone=X", "X")]
    [InlineData("--timezone=X -c timezone=Y", "Y")]
    [InlineData("-c timezone=a\\ b", "a b")]
    [InlineData("-c timezone=a\\\\b", "a\\b")]
    [InlineData("-c timezone=a=b", "a=b")]
    [InlineData("-c timezone=", "")]
    public void Options_set_tracked_parameters(string options, string? timeZone)
    {
        var request = Read("", "user", "ann", "options", options);
        Assert.False(request.Fault.IsSet);
        Assert.Equal(timeZone, request.Parameters[2]);
    }

    [Theory]
    [InlineData("timezone=X", BadOptions)]
    [InlineData("-c timezone", BadOptions)]
    [InlineData("-c=", "unsupported startup parameter in options: ")]
    [InlineData("-c =x", "unsupported startup parameter in options: ")]
    [InlineData("--=", "unsupported startup parameter in options: ")]
    [InlineData("-c", BadOptions)]
    [InlineData("--", BadOptions)]
    [InlineData("-c \\", BadOptions)]
    [InlineData("-d timezone=X", BadOptions)]
    [InlineData("-c timezone=X\t-c timezone=Y", BadOptions)]
    [InlineData("--time-zone=X", "unsupported startup parameter in options: time-zone")]
    [InlineData("-c work_mem=1", "unsupported startup parameter in options: work_mem")]
    public void Options_that_say_something_else_are_refused(string options, string fault) =>
        Assert.Equal(fault, FaultOf("", "user", "ann", "options", options));

    [Theory]
    [InlineData("work_mem")]
    [InlineData("options")]
    public void Options_may_be_ignored_by_name_or_all_of_them(string ignored)
    {
        var request = Read("ignore_startup_parameters=" + ignored, "user", "ann", "options", "-c work_mem=1 -c timezone=X");
        Assert.False(request.Fault.IsSet);
        Assert.Equal("X", request.Parameters[2]);
    }

    [Fact]
    public void Options_of_a_replication_client_are_kept_as_they_are()
    {
        var request = Read("", "user", "ann", "options", "-d any thing", "replication", "true");
        Assert.Equal("-d any thing", request.Options);
        Assert.False(request.Fault.IsSet);
    }
}
