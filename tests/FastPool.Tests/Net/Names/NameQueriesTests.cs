using System.Net;
using FastPool.Net.Names;
using FastPool.Testing;

namespace FastPool.Tests.Net.Names;

/// <summary>Questions to a name server on the loopback, and the files that go before it.</summary>
public sealed class NameQueriesTests : IDisposable
{
    private readonly NameServer _server = new();
    private readonly Dictionary<string, string> _files = [];
    private readonly NameQueries _queries;

    public NameQueriesTests()
    {
        _files["r.conf"] = _server.ResolvConf;
        _server.Names["db.example.org"] = [IPAddress.Parse("10.0.0.1"), IPAddress.Parse("10.0.0.2")];
        _queries = new NameQueries("r.conf", path => _files.GetValueOrDefault(path));
    }

    public void Dispose() => _server.Dispose();

    [Fact]
    public void A_name_has_its_addresses() => Assert.Equal(["10.0.0.1", "10.0.0.2"], Ask("db.example.org").Order());

    [Fact]
    public void A_name_that_does_not_exist_has_none() => Assert.Empty(Ask("nobody.example.org"));

    [Fact]
    public void Text_that_is_no_name_has_none()
    {
        Assert.Empty(Ask("a..b"));
        Assert.Empty(Ask(new string('x', 300)));
    }

    [Fact]
    public void IPv6_serves_where_there_is_no_IPv4()
    {
        _server.Names["six.example.org"] = [IPAddress.Parse("fd00::1")];
        _server.Names["both.example.org"] = [IPAddress.Parse("fd00::1"), IPAddress.Parse("10.0.0.3")];
        Assert.Equal(["fd00::1"], Ask("six.example.org"));
        Assert.Equal(["10.0.0.3"], Ask("both.example.org"));
    }

    [Fact]
    public void An_answer_that_comes_cut_is_fetched_by_TCP()
    {
        _server.IsCut = true;
        Assert.Equal(["10.0.0.1", "10.0.0.2"], Ask("db.example.org").Order());
    }

    [Fact]
    public void A_server_that_says_nothing_is_given_up()
    {
        _files["r.conf"] += "options timeout:1 attempts:1\n";
        _server.IsSilent = true;
        Assert.Empty(Ask("db.example.org"));
        Assert.Null(_queries.Serial("example.org"));
    }

    [Fact]
    public void The_next_server_answers_for_one_that_is_not_there()
    {
        const string Dead = "127.0.0.77:53535"; // No other test listens there, now or later.
        _files["r.conf"] = $"nameserver {Dead}\n{_server.ResolvConf}options timeout:5 attempts:1\n";
        Assert.NotEmpty(Ask("db.example.org"));
    }

    [Fact]
    public void The_hosts_file_goes_before_the_server()
    {
        _files["/etc/hosts"] = "# a comment\n192.0.2.7\tother DB.example.org # and more\n";
        Assert.Equal(["192.0.2.7"], Ask("db.example.org"));
        Assert.Empty(_server.Questions);
    }

    [Fact]
    public void A_zone_has_its_serial()
    {
        _server.Serials["example.org"] = 4_000_000_000;
        Assert.Equal(4_000_000_000, _queries.Serial("example.org"));
        Assert.Null(_queries.Serial("example.com"));
    }

    [Fact]
    public void Localhost_needs_nobody()
    {
        Assert.Equal(["127.0.0.1"], Ask("localhost"));
        Assert.Empty(_server.Questions);
    }

    [Fact]
    public void A_short_name_gets_the_search_domains_first()
    {
        _files["r.conf"] += "search nowhere.org example.org\n";
        Assert.Equal(2, Ask("db").Length);
        Assert.Equal(["A db.nowhere.org", "AAAA db.nowhere.org", "A db.example.org"], _server.Questions);
    }

    private string[] Ask(string name) => [.. _queries.Addresses(name).Select(address => address.ToString())];
}
