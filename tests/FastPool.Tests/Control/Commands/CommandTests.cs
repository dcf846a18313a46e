using FastPool.Core.Pools;

namespace FastPool.Tests.Control.Commands;

public sealed class CommandTests
{
    [Theory]
    [InlineData("show nothing")]
    [InlineData("show")]
    [InlineData("select 1")]
    [InlineData("begin")]
    [InlineData("set")]
    [InlineData("reload x")]
    [InlineData("suspend x")]
    [InlineData("shutdown x")]
    [InlineData("")]
    public void An_unknown_command_is_quoted_in_the_error(string query)
    {
        var world = new ConsoleWorld();
        var admin = world.Admin(isAdmin: false); // The argument is looked at before the rights.
        var message = $"invalid command '{query}', use SHOW HELP;";
        var reply = world.Query(admin, query);
        Assert.Equal($"ERROR/08P01 \"{message}\"", reply.Error);
        Assert.Equal("SCM", reply.Messages[0].FieldCodes);
        Assert.Equal([$"ERROR {message}", $"WARNING {admin.LogPrefix}pooler error: {message}"], world.Log.Lines);
    }

    [Fact]
    public void Pooler_errors_are_logged_once_if_the_setting_says_so()
    {
        var world = new ConsoleWorld("[pgbouncer]\nlog_pooler_errors=0\n");
        world.Query("show foo");
        Assert.Equal(["ERROR invalid command 'show foo', use SHOW HELP;"], world.Log.Lines);
    }

    [Fact]
    public void A_long_statement_gets_a_cut_error_and_the_session_goes_on() // The original disconnects.
    {
        var world = new ConsoleWorld();
        var error = world.Query("select " + new string('x', 5000) + "()").Error;
        Assert.Equal(1023, error.Length - "ERROR/08P01 \"\"".Length);
        Assert.Equal("ERROR/08P01 \"bad arguments\"", world.Query("verylongcommandname123").Error);
    }

    [Theory]
    [InlineData("show fds")]
    [InlineData("reload")]
    [InlineData("pause")]
    [InlineData("pause p0")]
    [InlineData("resume")]
    [InlineData("resume nodb")]
    [InlineData("suspend")]
    [InlineData("disable")]
    [InlineData("enable")]
    [InlineData("reconnect")]
    [InlineData("kill")]
    [InlineData("kill_client")]
    [InlineData("wait_close")]
    [InlineData("shutdown")]
    [InlineData("shutdown wait_for_servers")]
    [InlineData("set verbose=1")]
    public void A_stats_user_may_only_look(string query)
    {
        var world = new ConsoleWorld();
        Assert.Equal("ERROR/08P01 \"admin access needed\"", world.Query(world.Admin(isAdmin: false), query).Error);
        Assert.Empty(world.Process.Calls);
        Assert.DoesNotContain(world.Log.Lines, static line => line.Contains("issued"));
    }

    [Theory]
    [InlineData(
        "HELP CONFIG DATABASES POOLS CLIENTS SERVERS USERS VERSION PEERS PEER_POOLS SOCKETS ACTIVE_SOCKETS LISTS MEM STATE DNS_HOSTS DNS_ZONES STATS STATS_TOTALS STATS_AVERAGES TOTALS")]
    public void A_stats_user_sees_everything_else(string items)
    {
        var world = new ConsoleWorld();
        var stats = world.Admin(isAdmin: false);
        Assert.All(items.Split(' '), item => Assert.Equal("SHOW", world.Query(stats, "show " + item).Tag));
        Assert.Equal("SET", world.Query(stats, "set client_encoding = 'x'").Tag);
    }

    [Theory]
    [InlineData("pause nodb", "no such database: nodb")]
    [InlineData("pause pgbouncer", "cannot pause admin db: pgbouncer")]
    [InlineData("resume", "pooler is not paused")]
    [InlineData("resume nodb", "no such database: nodb")]
    [InlineData("resume p0", "database p0 is not paused")]
    [InlineData("disable", "a database is required")]
    [InlineData("disable nodb", "no such database: nodb")]
    [InlineData("disable pgbouncer", "cannot disable admin db: pgbouncer")]
    [InlineData("enable", "a database is required")]
    [InlineData("enable nodb", "no such database: nodb")]
    [InlineData("enable pgbouncer", "cannot enable admin db: pgbouncer")]
    [InlineData("reconnect nodb", "no such database: nodb")]
    [InlineData("reconnect pgbouncer", "cannot reconnect admin db: pgbouncer")]
    [InlineData("kill nodb", "no such database: nodb")]
    [InlineData("kill pgbouncer", "cannot kill admin db: pgbouncer")]
    [InlineData("wait_close nodb", "no such database: nodb")]
    [InlineData("wait_close pgbouncer", "cannot wait in admin db: pgbouncer")]
    [InlineData("kill_client", "invalid client pointer supplied")]
    [InlineData("kill_client x5", "invalid client pointer supplied")]
    [InlineData("kill_client 555", "client not found")]
    [InlineData("set nope = 1", "SET failed")]
    [InlineData("set log_connections = on", "SET failed")]
    public void An_error_has_the_words_that_tools_know(string query, string message) =>
        Assert.Equal($"ERROR/08P01 \"{message}\"", new ConsoleWorld().Query(query).Error);

    [Theory]
    [InlineData("reload", "RELOAD")]
    [InlineData("pause", "PAUSE")]
    [InlineData("pause p0", "PAUSE 'p0'")]
    [InlineData("resume", "RESUME")]
    [InlineData("resume nodb", "RESUME 'nodb'")]
    [InlineData("disable p0", "DISABLE 'p0'")]
    [InlineData("enable p0", "ENABLE 'p0'")]
    [InlineData("reconnect", "RECONNECT")]
    [InlineData("reconnect p0", "RECONNECT 'p0'")]
    [InlineData("kill", "KILL")]
    [InlineData("kill nodb", "KILL 'nodb'")]
    [InlineData("wait_close", "WAIT_CLOSE")]
    [InlineData("wait_close p0", "WAIT_CLOSE 'p0'")]
    [InlineData("shutdown", "SHUTDOWN")]
    [InlineData("shutdown wait_for_servers", "SHUTDOWN WAIT_FOR_SERVERS")]
    [InlineData("shutdown Wait_For_Clients", "SHUTDOWN WAIT_FOR_CLIENTS")]
    public void A_command_is_logged_when_its_rights_are_in_order(string query, string logged)
    {
        var world = new ConsoleWorld();
        world.Query(query);
        Assert.Equal($"LOG {logged} command issued", world.Log.Lines[0]);
    }

    [Fact]
    public void Disabling_and_enabling_are_flags()
    {
        var world = new ConsoleWorld(ConsoleWorld.Ini + "*=host=h\n");
        Assert.Equal("DISABLE", world.Query("disable p0").Tag);
        Assert.True(world.Registry.FindDatabase("p0", out _)!.IsDisabled);
        Assert.Equal("ENABLE", world.Query("enable p0").Tag);
        Assert.False(world.Registry.FindDatabase("p0", out _)!.IsDisabled);
        var admin = world.Admin();
        world.Query(admin, "disable other");
        Assert.Contains($"LOG {admin.LogPrefix}registered new auto-database: other", world.Log.Lines);
        Assert.Equal("ERROR/08P01 \"no such database: another\"", world.Query("enable another").Error); // Found, not made.
    }

    [Fact]
    public void Reload_tells_how_it_went()
    {
        var world = new ConsoleWorld();
        Assert.Equal("RELOAD", world.Query("reload").Tag);
        world.Process.ReloadWork = static () => false;
        Assert.Equal("ERROR/F0000 \"RELOAD failed, see logs for additional details\"", world.Query("reload").Error);
        Assert.Equal(["reload", "reload"], world.Process.Calls);
    }

    [Fact]
    public void Shutdown_at_once_is_never_answered()
    {
        var world = new ConsoleWorld();
        var reply = world.Query("shutdown");
        Assert.Empty(reply.Messages);
        Assert.Equal("SHUTDOWN", world.Query("shutdown wait_for_servers").Tag);
        Assert.Equal("SHUTDOWN", world.Query("shutdown \"wait_for_clients\"").Tag);
        Assert.Equal(["shutdown Immediate", "shutdown WaitForServers", "shutdown WaitForClients"], world.Process.Calls);
    }

    [Fact]
    public void A_setting_is_in_force_at_once()
    {
        var world = new ConsoleWorld();
        Assert.Equal("SET query_timeout=12", world.Query("set query_timeout = '12'").Tag);
        Assert.Equal(12_000_000, world.Registry.Settings.QueryTimeoutUs);
        Assert.Equal(["applied"], world.Process.Calls);
        Assert.Equal("SET server_check_query=it's", world.Query("set server_check_query = 'it''s'").Tag);
        world.Query("set nope = 1");
        Assert.Contains("ERROR unknown parameter: pgbouncer/nope", world.Log.Lines);
    }

    [Fact]
    public void SET_of_a_setting_fixed_until_restart_is_passed_over_in_silence()
    {
        var world = new ConsoleWorld();
        Assert.Equal("SET listen_port=1", world.Query("set listen_port=1").Tag);
        Assert.Equal(7510, world.Registry.Settings.ListenPort);
        Assert.Empty(world.Process.Calls);
    }

    [Theory]
    [InlineData("set client_encoding to 'utf8'")]
    [InlineData("set \"TimeZone\" = x")]
    [InlineData("SET DateStyle=ISO")]
    public void Settings_of_drivers_are_ignored_with_a_notice(string query)
    {
        var world = new ConsoleWorld();
        var reply = world.Query(query);
        Assert.Equal(["NOTICE/00000 \"SET ignored\"", "C:SET", "Z:I"], reply.Messages.Select(static message => message.Text));
        Assert.Empty(world.Process.Calls);
    }

    [Fact]
    public void Tls_that_cannot_be_built_is_a_notice_and_the_value_stays()
    {
        var world = new ConsoleWorld();
        world.Process.HasGoodTls = false;
        var reply = world.Query("set client_tls_key_file = 'gone'");
        Assert.Equal("NOTICE/00000 \"TLS settings could not be applied, still using old configuration\"", reply.Messages[0].Text);
        Assert.Equal("SET client_tls_key_file=gone", reply.Tag);
        Assert.Equal("gone", world.Registry.Settings.ClientTlsKeyFile);
        world.Process.HasGoodTls = true;
        Assert.Equal(['C', 'Z'], world.Query("set server_tls13_ciphers = 'x'").Messages.Select(static message => message.Type));
    }

    [Fact]
    public void Kill_client_disconnects_one_that_is_in()
    {
        var world = new ConsoleWorld(loops: 2);
        var other = world.Client("p0");
        var client = world.Client("p0", loop: 1);
        var login = world.Connect();
        Assert.Equal("KILL_CLIENT", world.Query($"kill_client {client.Id}x").Tag);
        Assert.Equal([$"C{client.Id} admin forced disconnect"], world.Closed);
        Assert.Equal("ERROR/08P01 \"client not found\"", world.Query($"kill_client {client.Id}").Error);
        Assert.Equal("ERROR/08P01 \"client not found\"", world.Query($"kill_client {login.Id}").Error);
        Assert.Equal(ClientState.Active, other.State);
    }

    [Fact]
    public void Killing_ones_own_session_ends_that_session_alone() // The original aborts the process.
    {
        var world = new ConsoleWorld();
        var admin = world.Admin();
        var reply = world.Query(admin, $"kill_client {admin.Id}");
        Assert.Equal([$"C{admin.Id} admin forced disconnect"], world.Closed);
        Assert.Empty(reply.Messages);
        Assert.Equal("SHOW", world.Query("show version").Tag);
    }
}
