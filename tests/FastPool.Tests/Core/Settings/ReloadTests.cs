namespace FastPool.Tests.Core.Settings;

using FastPool.Core.Settings;

public sealed class ReloadTests
{
    private const string Main = "[pgbouncer]\n";

    [Theory]
    [InlineData("max_client_conn=1\nnonsense\n", "ERROR syntax error in configuration (t.ini:3), stopping loading")]
    [InlineData("max_client_conn=x\n", "ERROR invalid value \"x\" for parameter max_client_conn in configuration (t.ini:2)")]
    [InlineData("[databases]\na=\n%include gone\n", "ERROR could not load file \"gone\": No such file or directory")]
    public void A_failure_changes_nothing(string lines, string firstError)
    {
        var files = new MemoryFiles();
        var current = Loading.Good(files, Main + "max_client_conn=7\n[databases]\nd=\n[peers]\n1=host=a\n");
        var result = Loading.Load(files, Main + lines, current);
        Assert.Null(result.Settings);
        Assert.Equal(firstError, Loading.Lines(result)[0]);
        Assert.Equal("WARNING config file loading failed", Loading.Lines(result)[^1]);
        Assert.Equal(7, current.MaxClientConn);
        Assert.Equal(["d"], current.Databases.Keys);
        Assert.Equal([1], current.Peers.Keys);
    }

    public static TheoryData<string> FixedKeys => new(SettingsTable.Rows.Where(row => !row.Changeable).Select(row => row.Key));

    [Theory]
    [MemberData(nameof(FixedKeys))]
    public void A_setting_fixed_until_restart_keeps_its_value_whatever_the_file_says(string key)
    {
        var files = new MemoryFiles();
        var current = Loading.Good(files, Main + $"{key} = 07\n");
        var shown = current.ShowValue(key);
        foreach (var lines in new[] { "", $"{key} = 9\n", $"{key} = nonsense\n", $"{key} = 9\n[pgbouncer]\n" })
        {
            Assert.Equal(shown, Loading.Good(files, Main + lines, current).ShowValue(key));
        }
    }

    [Fact]
    public void Show_as_follows_the_file_and_the_environment_is_stronger()
    {
        var files = new MemoryFiles();
        var current = Loading.Good(files, Main);
        var older = Loading.Good(files, Main + "[fastpool]\nshow_as=1.25\n", current);
        Assert.Equal((ShownVersion.V126, ShownVersion.V125), (current.Own.ShowAs, older.Own.ShowAs));
        Assert.Equal(ShownVersion.V126, Loading.Good(files, Main, older).Own.ShowAs);
        Assert.Null(Loading.Load(files, Main + "[fastpool]\nshow_as=1.24\n", current).Settings);
        var holding = Loading.Good(files, Main + "[fastpool]\nresult_buffer=4096\nresult_buffer_total=8192\n", current).Own;
        Assert.Equal((0, 4096, 8192L), (current.Own.ResultBuffer, holding.ResultBuffer, holding.ResultBufferTotal));
        Assert.Equal(3, Loading.Good(files, Main + "[fastpool]\nmin_loops=3\n", current).Own.LoopsMin);
        var environment = new Dictionary<string, string> { ["FASTPOOL_SHOW_AS"] = "1.25", ["FASTPOOL_LOOPS"] = "9" };
        files[Loading.Path] = Main;
        var own = ConfigurationLoader.Load(Loading.Path, files, current, environment).Settings!.Own;
        Assert.Equal((ShownVersion.V125, 0), (own.ShowAs, own.Loops));
    }

    [Fact]
    public void Own_settings_are_fixed_until_restart()
    {
        var files = new MemoryFiles();
        var current = Loading.Good(files, Main + "[fastpool]\nloops=3\n");
        Assert.Equal(3, Loading.Good(files, Main, current).Own.Loops);
        Assert.Equal(3, Loading.Good(files, Main + "[fastpool]\nloops=nonsense\n", current).Own.Loops);
        Assert.Null(Loading.Load(files, Main + "[fastpool]\nspeed=1\n", current).Settings);
    }

    [Fact]
    public void Lines_that_vanish_take_their_values_along()
    {
        var files = new MemoryFiles { ["u"] = "\"a\" \"b\"" };
        var current = Loading.Good(
            files,
            Main + "max_client_conn=7\nauth_user=a\nauth_dbname=d\nauth_file=u\nverbose=1\n"
            + "[databases]\n*=\nd=user=x\ne=\n[users]\nu=pool_size=1\n[peers]\n1=host=a\n");
        var settings = Loading.Good(files, Main + "[databases]\nd=\n", current);
        Assert.Equal((100, 0), (settings.MaxClientConn, settings.Verbose));
        Assert.Null(settings.AuthUser);
        Assert.Null(settings.AuthDbname);
        Assert.Null(settings.ShowValue("auth_user"));
        Assert.Equal(0, settings.UserList.Count);
        Assert.Null(settings.AutoDatabaseConnectString);
        Assert.Null(settings.Databases["d"].ForcedUser);
        Assert.Single(settings.Databases);
        Assert.Empty(settings.Users);
        Assert.Empty(settings.Peers);
    }

    [Fact]
    public void A_reload_replaces_the_consoles_values_by_the_files()
    {
        var files = new MemoryFiles();
        var current = Loading.Good(files, Main).TrySet("max_client_conn", "9", out _)!;
        Assert.Equal(9, current.MaxClientConn);
        Assert.Equal(100, Loading.Good(files, Main, current).MaxClientConn);
    }

    [Fact]
    public void The_userlist_is_read_again_only_when_it_changed()
    {
        const string Text = Main + "auth_file=u\n";
        var files = new MemoryFiles { ["u"] = "\"a\" \"1\"\n\"b\" \"2\"\n" };
        var first = Loading.Good(files, Text);
        files.Reads.Clear();
        var second = Loading.Good(files, Text, first);
        Assert.DoesNotContain("u", files.Reads);
        Assert.Same(first.UserList, second.UserList);

        files["u"] = "\"b\" \"3\"\n";
        var third = Loading.Good(files, Text, second);
        Assert.False(third.UserList.TryGet("a", out _)); // Gone, not blanked.
        Assert.True(third.UserList.TryGet("b", out var secret));
        Assert.Equal("3", secret.Text);
        Assert.Equal(2, first.UserList.Count);
    }

    [Fact]
    public void A_missing_userlist_is_told_once_and_leaves_the_users()
    {
        const string Text = Main + "auth_file=u\n";
        var files = new MemoryFiles { ["u"] = "\"a\" \"1\"\n" };
        var settings = Loading.Good(files, Text);
        files.Delete("u");
        var result = Loading.Load(files, Text, settings);
        Assert.Equal(["ERROR could not open auth_file u: No such file or directory"], Loading.Lines(result));
        Assert.Equal(1, result.Settings!.UserList.Count);
        settings = Loading.Good(files, Text, result.Settings);
        Assert.Equal(1, settings.UserList.Count);
        files["u"] = "";
        Assert.Equal(0, Loading.Good(files, Text, settings).UserList.Count);
    }

    [Fact]
    public void Another_name_for_the_userlist_is_another_file()
    {
        var files = new MemoryFiles { ["u"] = "\"a\" \"1\"", ["v"] = "\"b\" \"1\"" };
        var settings = Loading.Good(files, Main + "auth_file=u\n");
        Assert.True(Loading.Good(files, Main + "auth_file=v\n", settings).UserList.TryGet("b", out _));
    }

    [Theory]
    [InlineData("host=b", false)]
    [InlineData("host=a port=1", false)]
    [InlineData("host=a dbname=x", false)]
    [InlineData("host=a user=x", false)]
    [InlineData("host=a connect_query=x", false)]
    [InlineData("host=a auth_dbname=x", false)]
    [InlineData("host=a auth_query=x", false)]
    [InlineData("host=a load_balance_hosts=disable", false)]
    [InlineData("host=a target_session_attrs=primary", false)]
    [InlineData("host=a dbname=d port=5432", true)]
    [InlineData("host=a password=x auth_user=x pool_size=1 min_pool_size=1 reserve_pool_size=1", true)]
    [InlineData("host=a max_db_connections=1 max_db_client_connections=1 server_lifetime=1 pool_mode=statement", true)]
    [InlineData("host=a client_encoding=x datestyle=x timezone=x application_name=x", true)]
    public void Servers_are_closed_when_they_would_not_do_any_more(string changed, bool isSame)
    {
        var before = DatabaseEntry.TryParse("d", "host=a", [])!;
        var after = DatabaseEntry.TryParse("d", changed, [])!;
        Assert.Equal(isSame, after.SameConnection(before));
        Assert.Equal(isSame, before.SameConnection(after));
    }
}
