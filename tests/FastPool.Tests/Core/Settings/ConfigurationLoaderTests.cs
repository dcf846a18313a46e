namespace FastPool.Tests.Core.Settings;

using FastPool.Core.Settings;

public sealed class ConfigurationLoaderTests
{
    private const string Main = "[pgbouncer]\n";

    /// <summary>A file named t.ini and what its loading logs before the last line.</summary>
    public static TheoryData<string, string[]> Failures => new()
    {
        { "", ["ERROR load_init_file: main section missing from config file"] },
        { "[databases]\na=\n", ["ERROR load_init_file: main section missing from config file"] },
        {
            "foo = 1\n",
            [
                "ERROR load_init_file: value without section: foo",
                "ERROR invalid value \"1\" for parameter foo in configuration (t.ini:1)",
            ]
        },
        { "\n[foo]\n", ["ERROR fill_defaults fail", "ERROR invalid section \"foo\" in configuration (t.ini:2)"] },
        { "[PGBOUNCER]\n", ["ERROR fill_defaults fail", "ERROR invalid section \"PGBOUNCER\" in configuration (t.ini:1)"] },
        { "[ pgbouncer ]\n", ["ERROR fill_defaults fail", "ERROR invalid section \" pgbouncer \" in configuration (t.ini:1)"] },
        { Main + "foo\n", ["ERROR syntax error in configuration (t.ini:2), stopping loading"] },
        {
            Main + "max_client_conn = 5 ; x\n\n\n",
            ["ERROR invalid value \"5 ; x\" for parameter max_client_conn in configuration (t.ini:2)"]
        },
        {
            Main + "max_client_conn = x  \n",
            ["ERROR invalid value \"x\" for parameter max_client_conn in configuration (t.ini:2)"]
        },
        {
            "[pgbouncer] max_client_conn = x",
            ["ERROR invalid value \"x\" for parameter max_client_conn in configuration (t.ini:1)"]
        },
        {
            Main + "'max_client_conn' = x",
            ["ERROR invalid value \"x\" for parameter max_client_conn in configuration (t.ini:2)"]
        },
        {
            Main + "[databases]\na = host=h port=0\n",
            ["ERROR invalid port: 0", "ERROR invalid value \"host=h port=0\" for parameter a in configuration (t.ini:3)"]
        },
        {
            Main + "[users]\na = nope=1\n",
            [
                "ERROR unrecognized user parameter: nope",
                "ERROR invalid value \"nope=1\" for parameter a in configuration (t.ini:3)",
            ]
        },
        {
            Main + "[peers]\n0 = host=h\n",
            [
                "ERROR ids of peers must be a number larger than 0 and at most 65536",
                "ERROR invalid value \"host=h\" for parameter 0 in configuration (t.ini:3)",
            ]
        },
        {
            Main + "[fastpool]\nspeed = 1\n",
            [
                "ERROR unknown parameter: fastpool/speed",
                "ERROR invalid value \"1\" for parameter speed in configuration (t.ini:3)",
            ]
        },
        { Main + "[fastpool]\nloops = -1\n", ["ERROR invalid value \"-1\" for parameter loops in configuration (t.ini:3)"] },
        {
            Main + "\n%include nothere.ini\n",
            [
                "ERROR could not load file \"nothere.ini\": No such file or directory",
                "ERROR error processing include file in configuration (t.ini:3), stopping loading",
            ]
        },
        {
            Main + "%include \n",
            [
                "ERROR could not load file \"\": No such file or directory",
                "ERROR error processing include file in configuration (t.ini:2), stopping loading",
            ]
        },
        {
            "\n%include t.ini\n",
            [
                "ERROR include nesting level too deep (t.ini:2), stopping loading",
                .. Enumerable.Repeat("ERROR error processing include file in configuration (t.ini:2), stopping loading", 10),
            ]
        },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public void Faults_of_a_configuration_are_told_in_PgBouncers_words(string text, string[] errors) =>
        Loading.Fails(text, errors);

    [Theory]
    [InlineData("No such file or directory")]
    [InlineData("Permission denied")]
    public void A_main_file_that_cannot_be_read_is_an_error(string error)
    {
        var files = new MemoryFiles();
        files.Fail(Loading.Path, error);
        Loading.Fails(files, "", $"ERROR could not load file \"t.ini\": {error}");
    }

    /// <summary>The pooler would open a connection for each session, and nobody would know why.</summary>
    [Theory]
    [InlineData("'DISCARD ALL'", true)]
    [InlineData("\"DISCARD ALL\"", true)]
    [InlineData("DISCARD ALL", false)]
    [InlineData("select set_config('a', 'b')", false)]
    public void A_reset_query_between_quotes_is_told_of_at_the_start_and_at_a_reload(string query, bool isTold)
    {
        var text = Main + "server_reset_query = " + query + "\n";
        string[] expected = isTold
            ? ["WARNING server_reset_query has quotes around it: the server gets them too, the query fails, "
                + "and each server is closed after its first client; write it without quotes"] : [];
        var first = Loading.Load(text);
        Assert.Equal(expected, Loading.Lines(first));
        Assert.Equal(expected, Loading.Lines(Loading.Load(new MemoryFiles(), text, first.Settings)));
        Assert.Equal(query, first.Settings!.ServerResetQuery);
    }

    [Fact]
    public void A_directory_is_a_file_without_content()
    {
        var files = new MemoryFiles();
        files.Fail("dir", FileErrors.IsADirectory);
        Loading.Good(files, Main + "%include dir\n");
        files.Fail(Loading.Path, FileErrors.IsADirectory);
        Loading.Fails(files, "", "ERROR load_init_file: main section missing from config file");
    }

    [Fact]
    public void An_included_folder_is_its_files_in_the_order_of_their_names()
    {
        var files = new MemoryFiles
        {
            ["conf.d/20.ini"] = "y = host=h\n",
            ["conf.d/10.ini"] = "max_client_conn = 7\n[databases]\nx = host=h\n",
            ["conf.d/30.ini.bak"] = "nonsense",
            ["conf.d/.40.ini"] = "nonsense",
        };
        foreach (var path in (string[])["conf.d", "conf.d/"])
        {
            var settings = Loading.Good(files, Main + $"%include {path}\n");
            Assert.Equal(7, settings.MaxClientConn);
            Assert.Equal(["x", "y"], settings.Databases.Keys);
        }
        files["conf.d/20.ini"] = "nonsense";
        Loading.Fails(files, Main + "%include conf.d\n",
            "ERROR syntax error in configuration (conf.d/20.ini:1), stopping loading",
            "ERROR error processing include file in configuration (t.ini:2), stopping loading");
    }

    [Fact]
    public void An_included_folder_that_cannot_be_listed_is_no_empty_one()
    {
        var files = new MemoryFiles();
        files.FailList("conf.d", FileErrors.PermissionDenied);
        files.Fail("conf.d", FileErrors.IsADirectory);
        Loading.Fails(files, Main + "%include conf.d\n",
            "ERROR could not load folder \"conf.d\": Permission denied",
            "ERROR error processing include file in configuration (t.ini:2), stopping loading");
    }

    [Fact]
    public void The_section_flows_through_includes_in_both_directions()
    {
        var files = new MemoryFiles { ["a.ini"] = "max_client_conn = 7\n[databases]\nx = host=h\n" };
        var settings = Loading.Good(files, Main + "%include a.ini\ny = host=i\n");
        Assert.Equal(7, settings.MaxClientConn);
        Assert.Equal(["x", "y"], settings.Databases.Keys);
    }

    [Fact]
    public void Ten_nested_levels_are_accepted()
    {
        var files = new MemoryFiles();
        for (var level = 1; level < 10; level++) files[$"{level}.ini"] = $"%include {level + 1}.ini\n";
        files["10.ini"] = "max_client_conn = 7\n";
        Assert.Equal(7, Loading.Good(files, Main + "%include 1.ini\n").MaxClientConn);

        files["10.ini"] = "\n%include 11.ini\n";
        files["11.ini"] = "";
        Loading.Fails(
            files,
            Main + "%include 1.ini\n",
            [
                "ERROR include nesting level too deep (10.ini:2), stopping loading",
                .. Enumerable.Range(1, 9).Reverse().Select(
                    level => $"ERROR error processing include file in configuration ({level}.ini:1), stopping loading"),
                "ERROR error processing include file in configuration (t.ini:2), stopping loading",
            ]);
    }

    [Fact]
    public void The_last_of_equal_keys_wins() =>
        Assert.Equal(2, Loading.Good(Main + "max_client_conn=1\nmax_client_conn=2").MaxClientConn);

    [Fact]
    public void A_second_main_header_resets_what_has_a_default()
    {
        var settings = Loading.Good(
            "[pgbouncer]\nmax_client_conn=1\nauth_user=a\nlisten_port=1\n[databases]\na=\n[pgbouncer]\ndefault_pool_size=3\n");
        Assert.Equal((100, "a", 6432), (settings.MaxClientConn, settings.AuthUser, settings.ListenPort));
        Assert.Equal(3, settings.DefaultPoolSize);
        Assert.Single(settings.Databases);
    }

    [Fact]
    public void Repeated_sections_accumulate_and_the_last_of_equal_names_wins()
    {
        var settings = Loading.Good(
            "[databases]\na=host=1\nb=host=2\n[pgbouncer]\n[users]\nu=pool_size=1\n"
            + "[databases]\na=port=3\n[users]\nu=\n[peers]\n1=host=a\n01=host=b\n");
        Assert.Equal(2, settings.Databases.Count);
        Assert.Equal(("", 3), (settings.Databases["a"].HostText, settings.Databases["a"].Port));
        Assert.Null(settings.Users["u"].PoolSize);
        Assert.Equal("b", settings.Peers[1].HostText);
    }

    [Fact]
    public void The_fallback_is_stored_unread()
    {
        var settings = Loading.Good(Main + "[databases]\n* = this is = no connect string\n");
        Assert.Equal("this is = no connect string", settings.AutoDatabaseConnectString);
        Assert.Empty(settings.Databases);
        Assert.Null(Loading.Good(Main).AutoDatabaseConnectString);
        Assert.Equal("", Loading.Good(Main + "[databases]\n*=\n").AutoDatabaseConnectString);
    }

    [Fact]
    public void Bytes_that_are_no_ASCII_stay_as_they_are()
    {
        var settings = Loading.Good(Main + "[databases]\n'd\u00C3\u00A9' = dbname=\u00FF\u0080\n");
        Assert.Equal("\u00FF\u0080", settings.Databases["d\u00C3\u00A9"].DbName);
    }

    [Fact]
    public void A_path_in_the_file_is_what_the_next_reload_reads()
    {
        Assert.Equal("t.ini", Loading.Good(Main).ConfigFile);
        Assert.Equal("other.ini", Loading.Good(Main + "conffile = other.ini\n").ConfigFile);
    }

    [Theory]
    [InlineData("", null, 0)]
    [InlineData("[fastpool]\nloops = 3\n", null, 3)]
    [InlineData("[fastpool]\nloops = 3\n", "", 3)]
    [InlineData("[fastpool]\nloops = 3\n", "2", 2)]
    [InlineData("", "4", 4)]
    public void Loops_come_from_the_environment_then_from_the_file(string section, string? variable, int loops)
    {
        var environment = new Dictionary<string, string>();
        if (variable is not null) environment["FASTPOOL_LOOPS"] = variable;
        var files = new MemoryFiles { [Loading.Path] = Main + section };
        var result = ConfigurationLoader.Load(Loading.Path, files, null, environment);
        Assert.Empty(result.Messages);
        Assert.Equal(loops, result.Settings!.Own.Loops);
    }

    [Theory]
    [InlineData("FASTPOOL_LOOPS", "all")]
    [InlineData("FASTPOOL_METRICS_LISTEN", "everywhere")]
    [InlineData("FASTPOOL_CONSOLE_EXTENDED", "yes")]
    public void Nonsense_in_the_environment_is_an_error(string name, string value)
    {
        var files = new MemoryFiles { [Loading.Path] = Main };
        var result = ConfigurationLoader.Load(Loading.Path, files, null, new Dictionary<string, string> { [name] = value });
        Assert.Null(result.Settings);
        Assert.Equal(
            [$"ERROR invalid value \"{value}\" for environment variable {name}", "FATAL cannot load config file"],
            Loading.Lines(result));
    }

    [Fact]
    public void A_variable_that_is_refused_for_a_reason_tells_it()
    {
        var environment = new Dictionary<string, string> { ["FASTPOOL_DEAD_PEER_TIMEOUT"] = "2" };
        var result = ConfigurationLoader.Load(Loading.Path, new MemoryFiles { [Loading.Path] = Main }, null, environment);
        Assert.Equal("ERROR dead_peer_timeout: 0, or 4 to 65532", Loading.Lines(result)[0]);
    }

    [Fact]
    public void Every_own_setting_has_its_variable()
    {
        var environment = new Dictionary<string, string>
        {
            ["FASTPOOL_LOOPS"] = "3",
            ["FASTPOOL_MIN_LOOPS"] = "2",
            ["FASTPOOL_METRICS_LISTEN"] = "*:9127",
            ["FASTPOOL_METRICS_HISTOGRAMS"] = "off",
            ["FASTPOOL_LOG_FORMAT"] = "json",
            ["FASTPOOL_LOG_MIN_DURATION"] = "0",
            ["FASTPOOL_CONSOLE_EXTENDED"] = "1",
            ["FASTPOOL_IO_URING"] = "0",
            ["FASTPOOL_TLS_RECORDS"] = "library",
            ["FASTPOOL_HBA_STRICT"] = "0",
            ["FASTPOOL_PROXY_PROTOCOL_FROM"] = "10.0.0.0/8",
            ["FASTPOOL_PROXY_PROTOCOL_LISTEN"] = "*:6433",
            ["FASTPOOL_SERVER_ANSWER_TIMEOUT"] = "7",
            ["FASTPOOL_HOST_CHECK_PERIOD"] = "8",
            ["FASTPOOL_MAX_REPLICA_LAG"] = "9",
            ["FASTPOOL_ERROR_DETAILS"] = "0",
            ["FASTPOOL_DRAIN_TIMEOUT"] = "10",
            ["FASTPOOL_SESSION_STATE"] = "keep",
            ["FASTPOOL_SESSION_WARNING"] = "log",
            ["FASTPOOL_PINNED_SERVERS_MAX"] = "3",
            ["FASTPOOL_PINNED_TIMEOUT"] = "60",
            ["FASTPOOL_CANCEL_ABANDONED"] = "1",
            ["FASTPOOL_ABANDONED_TRANSACTION"] = "rollback",
            ["FASTPOOL_DEFER_BEGIN"] = "1",
            ["FASTPOOL_RESULT_BUFFER"] = "4194304",
            ["FASTPOOL_RESULT_BUFFER_TOTAL"] = "8388608",
            ["FASTPOOL_DEAD_PEER_TIMEOUT"] = "20",
            ["FASTPOOL_SERVER_TLS_SSLNEGOTIATION"] = "direct",
            ["FASTPOOL_CLIENT_STATEMENTS_MAX"] = "5",
            ["FASTPOOL_CLIENT_STATEMENT_BYTES_MAX"] = "6",
            ["FASTPOOL_SHOW_AS"] = "1.25",
        };
        var files = new MemoryFiles { [Loading.Path] = Main + "[fastpool]\nloops = 1\nconsole_extended = 0\n" };
        var own = ConfigurationLoader.Load(Loading.Path, files, null, environment).Settings!.Own;
        Assert.Equal(environment,
            own.Values.ToDictionary(static pair => FastPoolSettings.VariableOf(pair.Key), static pair => pair.Value));
    }

    [Fact]
    public void Problems_of_the_other_files_are_told_and_are_no_failure()
    {
        var result = Loading.Load(
            Main + "auth_type=hba\nauth_file=users.txt\nauth_ident_file=ident.conf\nauth_hba_file=hba.conf\n");
        Assert.NotNull(result.Settings);
        Assert.Equal(
            [
                "ERROR could not open auth_file users.txt: No such file or directory",
                "ERROR could not open ident config file ident.conf: No such file or directory",
                "ERROR could not open hba config file hba.conf: No such file or directory",
            ],
            Loading.Lines(result));
        Assert.Equal(
            ["ERROR could not open hba config file : No such file or directory"],
            Loading.Lines(Loading.Load(Main + "auth_type=hba\n")));
    }

    [Theory]
    [InlineData("any", 0)]
    [InlineData("pam", 0)]
    [InlineData("trust", 1)]
    [InlineData("ldap", 1)]
    public void The_userlist_is_read_when_the_auth_type_wants_it(string authType, int count)
    {
        var files = new MemoryFiles { ["u"] = "\"a\" \"b\"" };
        Assert.Equal(count, Loading.Good(files, Main + $"auth_type={authType}\nauth_file=u\n").UserList.Count);
    }

    private const string WithRules = Main + "auth_type=hba\nauth_hba_file=h\n";
    private const string GoodRules = "host all mallory all reject\nhost all all all trust\n";
    // Mallory would get in by the second.
    private const string BrokenRules = "host all mallory all rejct\nhost all all all trust\n";

    [Fact]
    public void Rules_with_a_broken_line_are_not_started_with()
    {
        var files = new MemoryFiles { ["h"] = BrokenRules };
        Loading.Fails(files, WithRules,
            "WARNING hba line 1: unsupported method: buf=rejct",
            "WARNING could not parse hba config line 1",
            "ERROR hba config file h has a broken line, not starting with it");
    }

    [Fact]
    public void At_a_reload_rules_with_a_broken_line_change_nothing_and_the_rest_is_taken()
    {
        var files = new MemoryFiles { ["h"] = GoodRules };
        var before = Loading.Good(files, WithRules);
        files["h"] = BrokenRules;
        var result = Loading.Load(files, WithRules + "default_pool_size=7\n", before);
        Assert.Same(before.HbaRules, result.Settings!.HbaRules);
        Assert.Equal(7, result.Settings.DefaultPoolSize);
        Assert.Equal("ERROR hba config file h has a broken line, keeping the old rules", Loading.Lines(result)[^1]);
        files["h"] = "host all all all trust\n";
        Assert.Equal(1, Loading.Good(files, WithRules, result.Settings).HbaRules.Count);
    }

    [Fact]
    public void Without_hba_strict_broken_lines_are_left_out_as_PgBouncer_does()
    {
        var files = new MemoryFiles { ["h"] = BrokenRules };
        var result = Loading.Load(files, WithRules + "[fastpool]\nhba_strict=0\n");
        Assert.Equal(1, result.Settings!.HbaRules.Count);
        Assert.Equal(["WARNING hba line 1: unsupported method: buf=rejct", "WARNING could not parse hba config line 1"],
            Loading.Lines(result));
    }

    [Fact]
    public void Rules_are_read_only_for_auth_type_hba()
    {
        var files = new MemoryFiles { ["h"] = "local all all trust map=m", ["i"] = "m a b" };
        var settings = Loading.Good(files, Main + "auth_type=hba\nauth_hba_file=h\nauth_ident_file=i\n");
        Assert.Equal(1, settings.HbaRules.Count);
        settings = Loading.Good(files, Main + "auth_type=md5\nauth_hba_file=h\nauth_ident_file=i\n", settings);
        Assert.Equal(0, settings.HbaRules.Count);
    }

    [Fact]
    public void A_thousand_databases_and_ten_thousand_users_load()
    {
        var files = new MemoryFiles
        {
            ["u"] = string.Concat(Enumerable.Range(0, 10_000).Select(i => $"\"user{i}\" \"md5{i:x32}\"\n")),
        };
        var databases = string.Concat(Enumerable.Range(0, 1_000).Select(
            i => $"db{i} = host=10.0.0.{i % 256} port=5432 pool_size={i}\n"));
        var settings = Loading.Good(files, Main + "auth_file=u\n[databases]\n" + databases);
        Assert.Equal((1_000, 10_000), (settings.Databases.Count, settings.UserList.Count));
        Assert.Equal(999, settings.Databases["db999"].PoolSize);
    }
}
