namespace FastPool.Tests.Control.Commands;

/// <summary>The console's words with show_as: those of PgBouncer 1.26 and of 1.25.</summary>
public sealed class ShownVersionTests
{
    private static ConsoleWorld World(string version) => new(ConsoleWorld.Ini + $"[fastpool]\nshow_as={version}\n");

    [Theory]
    [InlineData("1.26", "PgBouncer 1.26.1", "pooler is not paused", "already paused", "cannot enable admin db: pgbouncer")]
    [InlineData("1.25", "PgBouncer 1.25.2", "pooler is not paused/suspended", "already suspended/paused",
        "cannot disable admin db: pgbouncer")]
    public void Version_and_texts(string version, string product, string notPaused, string paused, string admin)
    {
        var world = World(version);
        Assert.Equal([product], world.Query("SHOW VERSION").Rows);
        Assert.Equal($"ERROR/08P01 \"{notPaused}\"", world.Query("RESUME").Error);
        world.Query("PAUSE");
        Assert.Equal($"ERROR/08P01 \"{paused}\"", world.Query("PAUSE").Error);
        Assert.Equal($"ERROR/08P01 \"{admin}\"", world.Query("ENABLE pgbouncer").Error);
    }

    [Fact]
    public void The_commands_that_PgBouncer_has_given_up_are_not_named_and_work()
    {
        var world = World("1.26");
        Assert.DoesNotContain("FDS", Help(world), StringComparison.Ordinal);
        Assert.DoesNotContain("SUSPEND", Help(world), StringComparison.Ordinal);
        Assert.Contains("\tSHOW SOCKETS|ACTIVE_SOCKETS|LISTS|MEM|STATE\n", Help(world), StringComparison.Ordinal);
        Assert.Contains("\tSHOW FDS|SOCKETS|ACTIVE_SOCKETS|LISTS|MEM|STATE\n", Help(World("1.25")), StringComparison.Ordinal);
        Assert.Contains("\tSUSPEND\n", Help(World("1.25")), StringComparison.Ordinal);
        Assert.Equal("SHOW", world.Query("SHOW FDS").Tag);
        Assert.Equal("SUSPEND", world.Query("SUSPEND").Tag);
        Assert.Equal("ERROR/08P01 \"already suspended/paused\"", world.Query("PAUSE").Error);
    }

    [Fact]
    public void Extra_float_digits_is_taken_and_ignored()
    {
        var world = World("1.26");
        Assert.Equal("SET", world.Query("SET extra_float_digits = 3").Tag);
        Assert.Equal("SET", world.Query(world.Admin(isAdmin: false), "SET extra_float_digits=3").Tag);
        Assert.Equal(["2"], world.Query("SHOW extra_float_digits").Rows);
        Assert.Equal("ERROR/08P01 \"SET failed\"", World("1.25").Query("SET extra_float_digits = 3").Error);
    }

    [Theory]
    [InlineData("1.26", true)]
    [InlineData("1.25", false)]
    public void Totals_and_the_line_of_the_log_count_logins(string version, bool hasLogins)
    {
        var world = World(version);
        world.Client("p0").Pool!.Stats[0].Logins = 120;
        world.Pass(60_000_000);
        var line = Assert.Single(world.Log.Lines, static line => line.StartsWith("LOG stats:", StringComparison.Ordinal));
        Assert.Equal(hasLogins, line.Contains(" binds/s, 2 client logins/s, in ", StringComparison.Ordinal));
        Assert.Equal(hasLogins ? ["total_client_login_count|121"] : [],
            world.Query("SHOW TOTALS").Rows.Where(static row => row.StartsWith("total_client_login", StringComparison.Ordinal)));
    }

    private static string Help(ConsoleWorld world) => world.Query("SHOW HELP").Messages[0].Field('D')! + "\n";
}
