namespace FastPool.Tests.Core.Settings;

using FastPool.Core.Settings;

public sealed class TrySetTests
{
    private static readonly Settings Before = Loading.Good("[pgbouncer]\nlisten_port = 7000\n[databases]\nd=\n");

    [Fact]
    public void SET_makes_another_snapshot()
    {
        var after = Before.TrySet("query_timeout", "12.5", out var message);
        Assert.Null(message);
        Assert.NotNull(after);
        Assert.Equal((12_500_000, "12.5"), (after.QueryTimeoutUs, after.ShowValue("query_timeout")));
        Assert.Equal((0, "0"), (Before.QueryTimeoutUs, Before.ShowValue("query_timeout")));
        Assert.Same(Before.Databases, after.Databases);
    }

    [Fact]
    public void SET_of_a_setting_fixed_until_restart_is_accepted_and_changes_nothing()
    {
        Assert.Same(Before, Before.TrySet("listen_port", "1", out var message));
        Assert.Null(message);
        Assert.Same(Before, Before.TrySet("listen_port", "nonsense", out _));
        Assert.Equal(7000, Before.ListenPort);
    }

    [Theory]
    [InlineData("nope", "1", "unknown parameter: pgbouncer/nope")]
    [InlineData("LOG_CONNECTIONS", "1", "unknown parameter: pgbouncer/LOG_CONNECTIONS")]
    [InlineData("auth_dbname", "pgbouncer", "cannot use the reserved \"pgbouncer\" database as an auth_dbname")]
    [InlineData("log_connections", "on", null)]
    [InlineData("pool_mode", "nonsense", null)]
    [InlineData("query_timeout", "-1", null)]
    public void A_refused_value_leaves_its_reason_in_the_log_if_it_has_one(string key, string value, string? reason)
    {
        Assert.Null(Before.TrySet(key, value, out var message));
        Assert.Equal(reason is null ? null : LogText.Error(reason), message);
    }
}
