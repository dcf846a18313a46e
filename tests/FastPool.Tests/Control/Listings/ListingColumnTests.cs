namespace FastPool.Tests.Control.Listings;

/// <summary>Tools count on these: names, order and types of all columns. t text, i int4, q int8, N numeric, b bytea.</summary>
public sealed class ListingColumnTests
{
    private const string Connection =
        "type:t user:t database:t replication:t state:t addr:t port:i local_addr:t local_port:i connect_time:t request_time:t wait:i wait_us:i "
        + "close_needed:i ptr:t link:t remote_pid:i tls:t application_name:t prepared_statements:i id:i";

    private const string Buffers = " recv_pos:i pkt_pos:i pkt_remain:i send_pos:i send_remain:i pkt_avail:i send_avail:i";

    private const string Times = "count:N tps:N avg_ms:N stddev_ms:N p50_ms:N p90_ms:N p95_ms:N p99_ms:N p999_ms:N max_ms:N";

    private const string Totals =
        "database:t total_server_assignment_count:N total_xact_count:N total_query_count:N total_received:N total_sent:N total_xact_time:N "
        + "total_query_time:N total_wait_time:N total_client_parse_count:N total_server_parse_count:N total_bind_count:N "
        + "total_client_login_count:N";

    [Theory]
    [InlineData("VERSION", "version:t")]
    [InlineData("STATE", "key:t value:t")]
    [InlineData("CONFIG", "key:t value:t default:t changeable:t")]
    [InlineData("DATABASES",
        "name:t host:t port:i database:t force_user:t pool_size:i min_pool_size:i reserve_pool_size:i server_lifetime:i pool_mode:t load_balance_hosts:t max_connections:i current_connections:i max_client_connections:i current_client_connections:i paused:i disabled:i")]
    [InlineData("POOLS",
        "database:t user:t cl_active:i cl_waiting:i cl_active_cancel_req:i cl_waiting_cancel_req:i sv_active:i sv_active_cancel:i sv_being_canceled:i sv_idle:i sv_used:i sv_tested:i sv_login:i maxwait:i maxwait_us:i pool_mode:t load_balance_hosts:t")]
    [InlineData("CLIENTS", Connection)]
    [InlineData("SERVERS", Connection)]
    [InlineData("SOCKETS", Connection + Buffers)]
    [InlineData("ACTIVE_SOCKETS", Connection + Buffers)]
    [InlineData("USERS",
        "name:t pool_size:t reserve_pool_size:t pool_mode:t max_user_connections:i current_connections:i max_user_client_connections:i current_client_connections:i")]
    [InlineData("PEERS", "peer_id:i host:t port:i pool_size:i")]
    [InlineData("PEER_POOLS", "peer_id:i cl_active_cancel_req:i cl_waiting_cancel_req:i sv_active_cancel:i sv_login:i")]
    [InlineData("LISTS", "list:t items:i")]
    [InlineData("MEM", "name:t size:i used:i free:i memtotal:i")]
    [InlineData("DNS_HOSTS", "hostname:t ttl:q addrs:t")]
    [InlineData("DNS_ZONES", "zonename:t serial:q count:i")]
    [InlineData("FDS",
        "fd:i task:t user:t database:t addr:t port:i cancel:q link:i client_encoding:t std_strings:t datestyle:t timezone:t password:t scram_client_key:b scram_server_key:b")]
    [InlineData("STATS", Totals
        + " avg_server_assignment_count:N avg_xact_count:N avg_query_count:N avg_recv:N avg_sent:N avg_xact_time:N avg_query_time:N avg_wait_time:N avg_client_parse_count:N avg_server_parse_count:N avg_bind_count:N avg_client_login_count:N")]
    [InlineData("STATS_TOTALS",
        "database:t server_assignment_count:N xact_count:N query_count:N bytes_received:N bytes_sent:N xact_time:N query_time:N wait_time:N client_parse_count:N server_parse_count:N bind_count:N client_login_count:N")]
    [InlineData("STATS_AVERAGES",
        "database:t server_assignment_count:N xact_count:N query_count:N bytes_received:N bytes_sent:N xact_time:N query_time:N wait_time:N avg_client_parse_count:N avg_server_parse_count:N avg_bind_count:N avg_client_login_count:N")]
    [InlineData("TOTALS", "name:t value:N")]
    [InlineData("LATENCY", "database:t measure:t span:t " + Times)]
    [InlineData("LATENCY USERS", "user:t measure:t span:t " + Times)]
    [InlineData("LATENCY STATEMENTS", "statement:t span:t " + Times + " query:t")]
    [InlineData("WAITING", "database:t user:t id:i ptr:t application_name:t addr:t port:i wait:i wait_us:i cause:t")]
    [InlineData("TRANSACTIONS",
        "database:t user:t application_name:t addr:t port:i state:t xact:i xact_us:i since:i since_us:i server_addr:t server_port:i remote_pid:i id:i ptr:t link:t")]
    [InlineData("HOSTS",
        "host:t address:t port:i role:t state:t servers:i login_us:N failures:N last_error:t last_error_time:t lag_us:N")]
    [InlineData("PROXIED",
        "user:t database:t addr:t port:i proxy_addr:t proxy_port:i authority:t proxy_tls:t common_name:t id:i ptr:t")]
    [InlineData("LOOPS",
        "loop:i clients:i servers:i wakeups:N client_messages:N server_messages:N client_bytes:N server_bytes:N moves:N sends_together:N busy_us:N clients_in:N clients_out:N in_use:i")]
    [InlineData("SAFETY", "database:t user:t application_name:t usage:t count:N last_time:t")]
    [InlineData("LISTENERS", "database:t user:t channel:t clients:i notifications:N server:t")]
    [InlineData("FASTPOOL", "key:t value:t")]
    public void A_listing_has_the_columns_that_tools_know(string item, string columns)
    {
        var reply = new ConsoleWorld().Query("SHOW " + item);
        Assert.Equal(columns,
            string.Join(' ', reply.Columns.Select(static column => $"{column.Name}:{Letter(column.Oid, column.Length)}")));
        Assert.Equal("SHOW", reply.Tag);
        Assert.All(reply.Rows, row => Assert.Equal(columns.Split(' ').Length, row.Split('|').Length));
        Assert.Equal(columns.Split(' ').Select(static column => column.Split(':')[0]), Explained(item));
    }

    [Theory]
    [InlineData("STATS")]
    [InlineData("STATS_TOTALS")]
    [InlineData("STATS_AVERAGES")]
    public void With_show_as_1_25_the_statistics_have_the_columns_of_then(string item)
    {
        var world = new ConsoleWorld(ConsoleWorld.Ini + "[fastpool]\nconsole_extended=1\nshow_as=1.25\n");
        string[] Names() => [.. world.Query("SHOW " + item).Columns.Select(static column => column.Name)];
        var older = Names();
        Assert.Equal("SET show_as=1.26", world.Query("SET show_as = '1.26'").Tag);
        var newer = Names();
        Assert.Equal(older, newer.Where(static name => !name.EndsWith("client_login_count", StringComparison.Ordinal)));
        Assert.Equal(item == "STATS" ? 2 : 1, newer.Length - older.Length);
    }

    [Fact]
    public void The_manual_explains_no_listing_that_is_none()
    {
        foreach (var item in Sections().SelectMany(static section => section.Items))
            Assert.Equal("SHOW", new ConsoleWorld().Query("SHOW " + item).Tag);
    }

    /// <summary>The columns of a listing in pgbouncer(1), in their order.</summary>
    private static IEnumerable<string> Explained(string item)
    {
        var text = Sections().Single(section => section.Items.Contains(item)).Text;
        var items = text.Split('\n').SkipWhile(static line => !line.StartsWith(".It Cm ", StringComparison.Ordinal)).ToArray();
        for (var i = 0; i < items.Length; i++)
        {
            if (!items[i].StartsWith(".It Cm ", StringComparison.Ordinal)) continue;
            Assert.True(i + 1 < items.Length && items[i + 1].Length > 0 && items[i + 1][0] != '.', items[i] + " says nothing");
            foreach (var name in items[i][".It Cm ".Length..].Split(" , ")) yield return name;
        }
    }

    private static IEnumerable<(string[] Items, string Text)> Sections()
    {
        var path = Path.Combine(Path.GetDirectoryName(SourceTree.Folder)!, "dist", "man", "pgbouncer.1");
        var columns = File.ReadAllText(path).Split(".Sh COLUMNS\n")[1].Split("\n.Sh ")[0];
        return columns.Split("\n.Ss ").Skip(1)
            .Select(static section => (section.Split('\n')[0].Split(" , "), section[section.IndexOf('\n')..]));
    }

    private static char Letter(uint oid, int length) => (oid, length) switch
    {
        (25, -1) => 't',
        (23, 4) => 'i',
        (20, 8) => 'q',
        (1700, -1) => 'N',
        (17, -1) => 'b',
        _ => '?',
    };
}
