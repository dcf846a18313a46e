using FastPool.Net.Names;

namespace FastPool.Tests.Net.Names;

public class ResolvConfTests
{
    [Fact]
    public void The_lines_that_count_are_read_and_others_passed_over()
    {
        var conf = ResolvConf.Parse("""
            ; made by hand
            # nameserver 9.9.9.9
            nameserver 10.0.0.53
            nameserver	[fd00::53]:5353
            nameserver nonsense
            nameserver
            domain ignored.org
            search a.org b.org.
            options rotate ndots:3 timeout:2 attempts:99 edns0
            sortlist 130.155.160.0

            """);
        Assert.Equal(["10.0.0.53:53", "[fd00::53]:5353"], conf.Servers.Select(server => server.ToString()));
        Assert.Equal(["a.org", "b.org"], conf.Search);
        Assert.Equal((3, 2, 5), (conf.Dots, conf.Timeout_s, conf.Attempts));
    }

    [Fact]
    public void Without_a_file_the_machine_itself_is_asked()
    {
        var conf = ResolvConf.Parse(null);
        Assert.Equal(["127.0.0.1:53"], conf.Servers.Select(server => server.ToString()));
        Assert.Equal((1, 5, 2), (conf.Dots, conf.Timeout_s, conf.Attempts));
    }

    [Theory]
    [InlineData("db", "db.a.org db.b.org db")]
    [InlineData("db.x", "db.x db.x.a.org db.x.b.org")]
    [InlineData("db.", "db.")]
    public void Names_are_completed_as_resolvers_do(string name, string expected) =>
        Assert.Equal(expected.Split(' '), ResolvConf.Parse("search a.org b.org\n").Candidates(name));
}
