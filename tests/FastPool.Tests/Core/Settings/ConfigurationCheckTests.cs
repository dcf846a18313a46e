using System.Text.RegularExpressions;

namespace FastPool.Tests.Core.Settings;

using FastPool.Core.Settings;

public sealed partial class ConfigurationCheckTests
{
    private const string Sound = "[databases]\nd = host=h\n[pgbouncer]\nauth_file = u\nadmin_users = a\n";

    [Fact]
    public void Of_a_sound_file_nothing_is_said()
    {
        var check = Of(Sound);
        Assert.Empty(check.Findings);
        Assert.NotNull(check.Settings);
    }

    [Fact]
    public void All_faults_are_told_with_their_lines_not_only_the_first()
    {
        var check = Of("[pgbouncer]\nno_such = 1\nmax_client_conn = many\n[nowhere]\nx = 1\n[databases]\nd = host=h colour=red\n"
            + "[fastpool]\nloops = 2 ; two\n");
        Assert.Null(check.Settings);
        Assert.Equal(
            [
                "2 unknown parameter: pgbouncer/no_such",
                "3 invalid value \"many\" for parameter max_client_conn",
                "4 invalid section \"nowhere\"",
                "7 unrecognized connection parameter: colour",
                "9 a comment needs a line of its own: ; two",
            ],
            check.Findings.Select(static finding => $"{finding.Line} {finding.Text}"));
        Assert.All(check.Findings, static finding => Assert.True(finding.IsError));
    }

    [Fact]
    public void A_fault_in_an_included_file_is_told_where_it_stands()
    {
        var files = new MemoryFiles { ["u"] = "", ["more.ini"] = "\n\nmax_client_conn = many\n" };
        var finding = Assert.Single(Of("[pgbouncer]\n%include more.ini\n", files).Findings);
        Assert.Equal(("more.ini", 3), (finding.File, finding.Line));
    }

    [Fact]
    public void A_line_that_cannot_be_read_hides_no_other()
    {
        var check = Of("[pgbouncer]\nlisten_port 6432\n%inclde x\n[unclosed\nmax_client_conn = many\n'open = 1\n");
        Assert.Equal(
            [
                "2 syntax error", "3 syntax error", "4 syntax error",
                "5 invalid value \"many\" for parameter max_client_conn", "6 syntax error",
            ],
            check.Findings.Select(static finding => $"{finding.Line} {finding.Text}"));
    }

    [Fact]
    public void Files_that_include_each_other_are_told_of_once()
    {
        var files = new MemoryFiles { ["u"] = "", ["more.ini"] = "no_such = 7\n%include more.ini\n%include more.ini\n" };
        var findings = Of(Sound + "[pgbouncer]\n%include more.ini\n%include more.ini\n", files).Findings;
        Assert.Equal(["1 unknown parameter: pgbouncer/no_such", "2 include nesting level too deep (more.ini:2), stopping loading"],
            findings.Select(static finding => $"{finding.Line} {finding.Text}"));
    }

    [Fact]
    public void A_file_without_its_main_section_is_told_of_as_a_whole()
    {
        var finding = Assert.Single(Of("[databases]\n").Findings);
        Assert.Equal((true, 0, "load_init_file: main section missing from config file"),
            (finding.IsError, finding.Line, finding.Text));
    }

    [Theory]
    [InlineData("server_reset_query = 'DISCARD ALL'\npool_mode = session\nmax_client_conn = 20", "begins with a quote")]
    [InlineData("logfile = /tmp/x ; the log", "what stands behind the value of logfile is part of it: ; the log")]
    [InlineData("auth_query = select 1", "auth_query is never asked")]
    [InlineData("auth_type = trust\nlisten_addr = *", "gets in without a password")]
    [InlineData("auth_hba_file = hba", "auth_hba_file is not read")]
    [InlineData("pool_mode = session\nmax_client_conn = 1000", "session pooling with a pool of 20: ")]
    [InlineData("reserve_pool_timeout = 3", "there is no reserve pool")]
    [InlineData("job_name = x", "job_name has no effect")]
    [InlineData("server_reset_query = DISCARD ALL\npool_mode = transaction", "is never run")]
    [InlineData("autodb_idle_timeout = 7", "there is no database *")]
    [InlineData("client_tls_cert_file = c", "clients get no TLS")]
    [InlineData("admin_users = b", "admin_users is there already, in t.ini:5")]
    [InlineData("[peers]\n1 = host=h", "the pooler has no number among them")]
    [InlineData("[fastpool]\nmetrics_listen = *:9127", "without a password")]
    [InlineData("listen_port = 99999", "the highest port is 65535: 34463 is used")]
    [InlineData("max_client_conn = 4294967297", "max_client_conn does not fit into 32 bits: 1 is used")]
    [InlineData("max_packet_size = 4294967296", "max_packet_size does not fit into 32 bits: 0 is used")]
    [InlineData("[databases]\ne = host=h port=99999", "port=99999: the highest port is 65535: 34463 is used")]
    [InlineData("[databases]\ne = host=a,b port=5432,5433", "port=5432,5433 is no number: 5432 is used")]
    [InlineData("[databases]\ne = host=h pool_size=ten", "pool_size=ten is no number: 0 is used")]
    [InlineData("[databases]\ne = host=h pool_size=99999999999", "pool_size=99999999999 does not fit into 32 bits")]
    [InlineData("[databases]\ne = host=127.0.0.1:1,[::1]", "host 127.0.0.1:1 is taken for a name")]
    [InlineData("[databases]\ne = host=::1,[::1]", "host [::1] is taken for a name")]
    [InlineData("[users]\nx = max_user_connections=5x", "max_user_connections=5x is no number: 5 is used")]
    [InlineData("[fastpool]\nmax_replica_lag = 5", "no standby is asked how far it is behind")]
    [InlineData("[fastpool]\nmetrics_histograms = pool", "there are no metrics")]
    [InlineData("[fastpool]\nloops = 2\nmin_loops = 3", "min_loops is more than loops")]
    [InlineData("listen_addr = *\n[fastpool]\nmetrics_listen = 127.0.0.1:6432", "clients have that address and port")]
    [InlineData("listen_addr = ::1\n[fastpool]\nmetrics_listen = [::1]:6432", "clients have that address and port")]
    [InlineData("tcp_keepidle = 5\n[fastpool]\ndead_peer_timeout = 9", "settings that begin with tcp_ are set instead")]
    [InlineData("[fastpool]\npinned_servers_max = 2", "pinned_servers_max has no effect: no server is pinned")]
    [InlineData("[fastpool]\npinned_timeout = 2", "pinned_timeout has no effect: no server is pinned")]
    [InlineData("pool_mode = session\n[fastpool]\nresult_buffer = 2", "in session pooling a server stays with its client")]
    [InlineData("pool_mode = transaction\n[fastpool]\nresult_buffer = 67108865", "one client may use up result_buffer_total")]
    [InlineData("[users]\nx = query_timeout=99999999999999", "query_timeout=99999999999999 does not fit into 32 bits")]
    [InlineData("[databases]\ne = postgresql://u@h:99999/e", "port=99999: the highest port is 65535: 34463 is used")]
    [InlineData("[databases]\ne = postgresql://h/e?pool_size=ten", "pool_size=ten is no number: 0 is used")]
    [InlineData("max_client_conn = -4", "max_client_conn is below 0")]
    [InlineData("max_client_conn = 0", "nobody can log in")]
    [InlineData("unix_socket_mode = 777", "unix_socket_mode = 777 is a decimal number: 01411 is used")]
    [InlineData("peer_id = 70000", "peer_id: the highest id is 65535: 4464 is used")]
    [InlineData("[peers]\n1 = host=h port=70000", "port=70000: the highest port is 65535: 4464 is used")]
    public void A_line_that_is_probably_not_meant_is_told_with_its_remedy(string lines, string text)
    {
        var finding = Assert.Single(Of(Sound + lines + "\n").Findings, finding =>
            finding.Text.Contains(text, StringComparison.Ordinal));
        Assert.False(finding.IsError);
        Assert.NotEqual("", finding.Remedy);
    }

    [Theory]
    [InlineData("tcp_keepidle = 32768", "tcp_keepidle: the system takes at most 32767")]
    [InlineData("tcp_keepintvl = 32768", "tcp_keepintvl: the system takes at most 32767")]
    [InlineData("tcp_keepcnt = 128", "tcp_keepcnt: the system takes at most 127")]
    public void A_figure_with_which_no_socket_can_listen_is_an_error(string line, string text)
    {
        var finding = Assert.Single(Of(Sound + line + "\n").Findings);
        Assert.Equal((true, text), (finding.IsError, finding.Text));
        Assert.Empty(Of(Sound + line + "\ntcp_keepalive = 0\n").Findings);
    }

    /// <summary>By the sources of the three sections: a new key that is read as a number is looked at too.</summary>
    [Theory]
    [InlineData("DatabaseEntry", "[databases]\ne = host=h ", 9)]
    [InlineData("UserEntry", "[users]\nx = ", 9)]
    [InlineData("PeerEntry", "[peers]\n1 = host=h ", 2)]
    public void Every_number_of_an_entry_is_looked_at(string source, string entry, int least)
    {
        var text = File.ReadAllText($"{SourceTree.Folder}/FastPool.Core/Settings/Entries/{source}.cs");
        var keys = NumberKey().Matches(text).SelectMany(static match => match.Groups["key"].Captures)
            .Select(static key => key.Value).ToList();
        Assert.InRange(keys.Count, least, 20);
        Assert.All(keys, key => Assert.Contains(Of($"{Sound}{entry}{key}=9x\n").Findings,
            finding => finding.Text == $"{key}=9x is no number: 9 is used"));
    }

    [Theory]
    [InlineData("auth_query = select 1\nauth_user = a")]
    [InlineData("auth_type = trust\nlisten_addr = 127.0.0.1, ::1, localhost")]
    [InlineData("auth_type = hba\nauth_hba_file = hba")]
    [InlineData("reserve_pool_timeout = 3\nreserve_pool_size = 2")]
    [InlineData("server_reset_query = DISCARD ALL\nserver_reset_query_always = 1\npool_mode = transaction")]
    [InlineData("[fastpool]\nmetrics_listen = 127.0.0.1:9127")]
    [InlineData("max_packet_size = 4294967295")]
    [InlineData("unix_socket_mode = 0770\npeer_id = 65535\ntcp_keepidle = 32767\ntcp_keepcnt = 127")]
    [InlineData("[fastpool]\nmax_replica_lag = 5\nhost_check_period = 5")]
    [InlineData("pool_mode = session\n[databases]\ne = host=h pool_mode=statement\n[fastpool]\nresult_buffer = 67108864")]
    [InlineData("listen_addr = 127.0.0.1\n[fastpool]\nmetrics_listen = 127.0.0.2:6432")]
    [InlineData("tcp_keepidle = 5\n[fastpool]\ndead_peer_timeout = 0\nmax_replica_lag = 0")]
    [InlineData("[users]\nx = session_state=keep\n[fastpool]\npinned_servers_max = 2\npinned_timeout = 2")]
    [InlineData("[databases]\n* = host=h session_state=keep\n[fastpool]\npinned_timeout = 2")]
    [InlineData("[databases]\ne = host=::1,fe80::1%eth0,127.0.0.1,/tmp,@abstract,db.example port=5433 pool_size=-1")]
    [InlineData("[databases]\ne = postgresql://u@h:5433/e pool_size=30")]
    public void A_line_that_is_meant_is_left_alone(string lines) =>
        Assert.Empty(Of(Sound + lines + "\n", new MemoryFiles { ["u"] = "", ["hba"] = "local all all md5\n" }).Findings);

    [GeneratedRegex("""
        case "(?<key>\w+)"(?: or "(?<key>\w+)")*:(?:(?!case ).)*?(?:Atoi|OrInherit|SecondsToUs)\(
        """, RegexOptions.Singleline)]
    private static partial Regex NumberKey();

    private static ConfigurationCheck Of(string text, MemoryFiles? files = null)
    {
        files ??= new MemoryFiles { ["u"] = "", ["hba"] = "" };
        files[Loading.Path] = text;
        return ConfigurationCheck.Of(Loading.Path, files, new Dictionary<string, string>());
    }
}
