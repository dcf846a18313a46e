using FastPool.Core.Settings;

namespace FastPool.Tests.Core.Settings;

public sealed class FastPoolSettingsTests
{
    [Theory]
    [InlineData("127.0.0.1:9127", "127.0.0.1:9127")]
    [InlineData("[::1]:9127", "[::1]:9127")]
    [InlineData("*:1", "*:1")]
    [InlineData("localhost:9127", "localhost:9127")]
    [InlineData("a-1.example.com:9127", "a-1.example.com:9127")]
    public void A_listen_address_is_an_address_and_a_port(string text, string shown) =>
        Assert.Equal(shown, ListenAddress.TryParse(text)!.ToString());

    [Theory]
    [InlineData("9127")]
    [InlineData(":9127")]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1:0")]
    [InlineData("127.0.0.1:65536")]
    [InlineData("127.1:9127")]
    [InlineData("::1:9127")]
    [InlineData("local host:9127")]
    [InlineData("-a:9127")]
    [InlineData("127.0.0.1:+1")]
    public void A_text_that_is_no_listen_address_is_refused(string text) => Assert.Null(ListenAddress.TryParse(text));

    [Theory]
    [InlineData("console_extended", "2")]
    [InlineData("console_extended", "yes")]
    [InlineData("io_uring", "auto")]
    [InlineData("tls_records", "kernel")]
    [InlineData("metrics_listen", "everywhere")]
    [InlineData("metrics_histograms", "all")]
    [InlineData("log_format", "xml")]
    [InlineData("log_min_duration", "-2")]
    [InlineData("log_min_duration", "1s")]
    [InlineData("hba_strict", "maybe")]
    [InlineData("proxy_protocol_from", "proxy.example.com")]
    [InlineData("proxy_protocol_from", "10.0.0.0/33")]
    [InlineData("proxy_protocol_from", "10.0.0.1/8")]
    [InlineData("proxy_protocol_from", "10.0.0.0/")]
    [InlineData("proxy_protocol_from", "10.0.0.0/8 ; all of us")]
    [InlineData("proxy_protocol_listen", "localhost:6432")]
    [InlineData("proxy_protocol_listen", "unix")]
    [InlineData("proxy_protocol_listen", "10.0.0.5:0")]
    [InlineData("loops", "-1")]
    [InlineData("loops", "65")]
    [InlineData("min_loops", "0")]
    [InlineData("min_loops", "65")]
    [InlineData("min_loops", "all")]
    [InlineData("server_answer_timeout", "0")]
    [InlineData("host_check_period", "-1")]
    [InlineData("host_check_period", "99999999999999")]
    [InlineData("pinned_timeout", "4294967296")]
    [InlineData("max_replica_lag", "1s")]
    [InlineData("error_details", "2")]
    [InlineData("drain_timeout", "-1")]
    [InlineData("session_state", "on")]
    [InlineData("session_warning", "1")]
    [InlineData("pinned_servers_max", "-1")]
    [InlineData("pinned_timeout", "-1")]
    [InlineData("cancel_abandoned", "yes")]
    [InlineData("abandoned_transaction", "keep")]
    [InlineData("defer_begin", "on")]
    [InlineData("result_buffer", "-1")]
    [InlineData("result_buffer", "4MB")]
    [InlineData("result_buffer", "1073741825")]
    [InlineData("result_buffer_total", "-1")]
    [InlineData("result_buffer_total", "")]
    [InlineData("dead_peer_timeout", "-1")]
    [InlineData("dead_peer_timeout", "3")]
    [InlineData("dead_peer_timeout", "65533")]
    [InlineData("server_tls_sslnegotiation", "Direct")]
    [InlineData("client_statements_max", "-1")]
    [InlineData("client_statement_bytes_max", "1 MB")]
    [InlineData("show_as", "1.24")]
    public void A_wrong_value_ends_the_start(string key, string value) =>
        Assert.Null(FastPoolSettings.Default.TrySet(key, value, out _));

    [Fact]
    public void Each_key_keeps_the_others()
    {
        var own = FastPoolSettings.Default;
        (string, string)[] pairs =
            [("loops", "3"), ("min_loops", "2"), ("metrics_listen", "*:9127"), ("metrics_histograms", "pool"),
            ("log_format", "json"), ("log_min_duration", "250"),
            ("console_extended", "1"), ("io_uring", "0"), ("tls_records", "library"), ("hba_strict", "0"),
            ("proxy_protocol_from", "10.0.0.0/8, ::1"), ("proxy_protocol_listen", "10.0.0.5, [::1]:6433"),
            ("server_answer_timeout", "7"), ("host_check_period", "8"), ("max_replica_lag", "9"), ("error_details", "0"),
            ("drain_timeout", "30"), ("session_state", "always"), ("session_warning", "notice"),
            ("pinned_servers_max", "4"), ("pinned_timeout", "60"),
            ("cancel_abandoned", "1"), ("abandoned_transaction", "rollback"), ("defer_begin", "1"),
            ("result_buffer", "1073741824"), ("result_buffer_total", "9000000000"), ("dead_peer_timeout", "20"),
            ("server_tls_sslnegotiation", "direct"),
            ("client_statements_max", "7"), ("client_statement_bytes_max", "9000000000"), ("show_as", "1.25")];
        foreach (var (key, value) in pairs) own = own.TrySet(key, value, out _)!;
        Assert.Equal(pairs.Select(static pair => $"{pair.Item1}={pair.Item2}"),
            own.Values.Select(static pair => $"{pair.Key}={pair.Value}"));
        Assert.Null(own.TrySet("metrics_listen", "", out _)!.MetricsListen);
    }

    [Theory]
    [InlineData("10.0.0.0/8", "10.1.2.3", true)]
    [InlineData("10.0.0.0/8", "11.0.0.1", false)]
    [InlineData("192.0.2.7", "192.0.2.7", true)]
    [InlineData("192.0.2.7", "192.0.2.8", false)]
    [InlineData("fd00::/8, 192.0.2.0/24", "fd12::1", true)]
    [InlineData("::/0", "192.0.2.1", false)]
    [InlineData("::ffff:192.0.2.0/120", "192.0.2.1", true)]
    [InlineData("", "192.0.2.1", false)]
    public void A_network_has_the_addresses_of_its_family(string networks, string address, bool isIn) =>
        Assert.Equal(isIn, NetworkList.TryParse(networks)!.Contains(System.Net.IPAddress.Parse(address)));

    [Theory]
    [InlineData("", "10.0.0.5", 6432, true)]
    [InlineData("10.0.0.5", "10.0.0.5", 6432, true)]
    [InlineData("10.0.0.5", "10.0.0.6", 6432, false)]
    [InlineData("*:6433", "10.0.0.5", 6433, true)]
    [InlineData("*:6433", "10.0.0.5", 6432, false)]
    [InlineData("10.0.0.6, [::1]:6433", "::1", 6433, true)]
    public void Proxies_are_expected_on_the_addresses_that_are_named(string addresses, string ip, int port, bool isIn) =>
        Assert.Equal(isIn, ProxyAddresses.TryParse(addresses)!.Contains(System.Net.IPAddress.Parse(ip), port));

    [Fact]
    public void A_Unix_socket_is_never_a_proxys() => Assert.False(ProxyAddresses.All.Contains(null, 6432));
}
