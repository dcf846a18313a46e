using System.Net;

namespace FastPool.Tests.Core.Settings;

using FastPool.Core.Settings;

public sealed class HbaRulesTests
{
    private static readonly IdentMaps Maps = IdentMaps.Parse("m sys pg", []);

    [Theory]
    [InlineData("hostx all all all trust", "unknown type")]
    [InlineData("\"host\" all all all trust", "unknown type")]
    [InlineData(", all all", "unknown type")]
    [InlineData("hostgssenc all all all trust", "unknown type")]
    [InlineData("host", null)]
    [InlineData("host all", null)]
    [InlineData("local \"x all trust", null)]
    [InlineData("local +x all trust", null)]
    [InlineData("local all +x trust", null)]
    [InlineData("local all @nofile trust", null)]
    [InlineData("local all all ,", null)]
    [InlineData("local a# all trust", null)]
    [InlineData("host all all", "did not find address - 4 - 'all'")]
    [InlineData("host all all \"1.2.3.4/8\" trust", "did not find address - 0 - '1.2.3.4/8'")]
    [InlineData("host all all , trust", "did not find address - 4 - 'trust'")]
    [InlineData("host all all \"x", "did not find address - 3 - 'all'")]
    [InlineData("host all, all all trust", "failed to parse address - trust")]
    [InlineData("host all all abc/24 trust", "failed to parse address - abc")]
    [InlineData("host all all 01.2.3.4/8 trust", "failed to parse address - 01.2.3.4")]
    [InlineData("host all all 1.2.3/8 trust", "failed to parse address - 1.2.3")]
    [InlineData("host all all fe80::1%1/8 trust", "failed to parse address - fe80::1%1")]
    [InlineData("host all all [::1]/128 trust", "failed to parse address - [::1]")]
    [InlineData("host all all samehost trust", "failed to parse address - samehost")]
    [InlineData("host all all 1.2.3.4/33 trust", "invalid mask")]
    [InlineData("host all all ::1/129 trust", "invalid mask")]
    [InlineData("host all all 1.2.3.4/x trust", "invalid mask")]
    [InlineData("host all all 1.2.3.4/8x trust", "invalid mask")]
    [InlineData("host all all 1.2.3.4", "did not find mask")]
    [InlineData("host all all 1.2.3.4 \"255.0.0.0\" trust", "did not find mask")]
    [InlineData("host all all 1.2.3.4 trust", "failed to parse mask: trust")]
    [InlineData("host all all 1.2.3.4 ::1 trust", "failed to parse mask: ::1")]
    [InlineData("local all all", "unsupported method: buf=all")]
    [InlineData("local all all \"trust\"", "unsupported method: buf=trust")]
    [InlineData("local all all pam", "unsupported method: buf=pam")]
    [InlineData("local all all plain", "unsupported method: buf=plain")]
    [InlineData("local all all Trust", "unsupported method: buf=Trust")]
    [InlineData("local a b all trust", "unsupported method: buf=all")]
    [InlineData("local all all cert clientcert=1", "Ident map clientcert=1 is malformed. It is not in map=value format.")]
    [InlineData("local all all peer map=x", "Ident map x is not found in ident config file")]
    [InlineData("local all all peer map=m x", "unsupported parameters")]
    [InlineData("local all all trust \"x\"", "unsupported parameters")]
    [InlineData("local all all trust ,", "unsupported parameters")]
    public void A_bad_line_is_skipped_with_its_warning(string line, string? reason)
    {
        var log = new List<LogText>();
        var rules = Parse($"# comment\n\n{line}\r\nlocal all all reject # end\n", log);
        Assert.Equal(1, rules.Count);
        string[] expected = ["WARNING could not parse hba config line 3"];
        if (reason is not null) expected = [$"WARNING hba line 3: {reason}", .. expected];
        Assert.Equal(expected, Loading.Lines(log));
    }

    [Theory]
    [InlineData("samerole")]
    [InlineData("samegroup")]
    public void Roles_are_not_supported_as_databases_and_plain_names_as_users(string word)
    {
        var log = new List<LogText>();
        Assert.Equal(0, Parse($"local {word} all trust", log).Count);
        Assert.Equal([$"WARNING {word} is not supported", "WARNING could not parse hba config line 1"], Loading.Lines(log));
        Assert.NotNull(Parse($"local all {word} trust", []).Match(Local("d", word)));
    }

    [Theory]
    [InlineData("1.2.3.4/8", "1.2.3.4 / 255.0.0.0")]
    [InlineData("1.2.3.4/", "1.2.3.4 / 0.0.0.0")]
    [InlineData("1.2.3.4 255.0.0.0", "1.2.3.4 / 255.0.0.0")]
    [InlineData("fe80::1/16", "fe80::1 / ffff::")]
    public void An_address_beside_its_mask_is_told_and_matches_nobody(string address, string both)
    {
        var log = new List<LogText>();
        var rules = Parse($"host all all {address} trust", log);
        Assert.Equal(1, rules.Count);
        Assert.Equal([$"WARNING address does not match mask in dir/hba line #1: {both}"], Loading.Lines(log));
        Assert.Null(rules.Match(Tcp("1.2.3.4")));
        Assert.Null(rules.Match(Tcp("fe80::1")));
    }

    [Theory]
    [InlineData("local all all trust", true, false, null, true)]
    [InlineData("local all all trust", false, false, "127.0.0.1", false)]
    [InlineData("host all all all trust", true, false, null, false)]
    [InlineData("host all all all trust", false, false, "10.0.0.1", true)]
    [InlineData("host all all all trust", false, true, "::1", true)]
    [InlineData("hostssl all all all trust", false, true, "10.0.0.1", true)]
    [InlineData("hostssl all all all trust", false, false, "10.0.0.1", false)]
    [InlineData("hostnossl all all all trust", false, true, "10.0.0.1", false)]
    [InlineData("hostnossl all all all trust", false, false, "10.0.0.1", true)]
    [InlineData("host all all 10.0.0.0/8 trust", false, false, "10.255.0.1", true)]
    [InlineData("host all all 10.0.0.0/8 trust", false, false, "11.0.0.1", false)]
    [InlineData("host all all 10.0.0.0 255.0.0.0 trust", false, false, "10.1.2.3", true)]
    [InlineData("host all all 10.0.0.1/32 trust", false, false, "10.0.0.1", true)]
    [InlineData("host all all 10.0.0.1/32 trust", false, false, "10.0.0.2", false)]
    [InlineData("host all all 0.0.0.0/0 trust", false, false, "1.2.3.4", true)]
    [InlineData("host all all 0.0.0.0/0 trust", false, false, "::1", false)]
    [InlineData("host all all ::/0 trust", false, false, "::1", true)]
    [InlineData("host all all ::/0 trust", false, false, "1.2.3.4", false)]
    [InlineData("host all all fe80::/10 trust", false, false, "fe80::1:2", true)]
    [InlineData("host all all fe80::/10 trust", false, false, "fec0::1", false)]
    [InlineData("host all all ::1/128 trust", false, false, "::1", true)]
    [InlineData("host all all ::ffff:10.0.0.0/104 trust", false, false, "10.1.2.3", true)]
    [InlineData("host all all ::ffff:10.0.0.0/104 trust", false, false, "11.1.2.3", false)]
    [InlineData("host all all ::ffff:0.0.0.0/96 trust", false, false, "1.2.3.4", true)]
    public void A_rule_is_for_a_kind_of_connection(string line, bool unix, bool tls, string? address, bool matches)
    {
        var request = new HbaRequest
        {
            Unix = unix,
            Tls = tls,
            Address = address is null ? null : IPAddress.Parse(address),
            Database = "d",
            User = "u",
        };
        Assert.Equal(matches, Good(line).Match(request) is not null);
    }

    [Theory]
    [InlineData("all", "all", "d", "u", false, true)]
    [InlineData("d", "u", "d", "u", false, true)]
    [InlineData("d", "u", "D", "u", false, false)]
    [InlineData("x,d , y", "z,u", "d", "u", false, true)]
    [InlineData("x,y", "u", "d", "u", false, false)]
    [InlineData("sameuser", "all", "d", "u", false, false)]
    [InlineData("sameuser", "all", "u", "u", false, true)]
    [InlineData("all", "sameuser", "u", "u", false, false)]
    [InlineData("all", "sameuser", "d", "sameuser", false, true)]
    [InlineData("\"all\"", "all", "d", "u", false, false)]
    [InlineData("\"all\"", "all", "all", "u", false, true)]
    [InlineData("\"a\"\"b\"", "all", "a\"b", "u", false, true)]
    [InlineData("\"@x\"", "\"+x\"", "@x", "+x", false, true)]
    [InlineData("replication", "all", "replication", "u", false, false)]
    [InlineData("replication", "all", "d", "u", true, true)]
    [InlineData("all", "all", "d", "u", true, false)]
    [InlineData("d", "all", "d", "u", true, false)]
    [InlineData("all,replication", "u", "d", "u", true, true)]
    [InlineData("all,replication", "u", "d", "v", true, false)]
    public void A_rule_is_for_databases_and_users(
        string databases, string users, string database, string user, bool replication, bool matches)
    {
        var request = new HbaRequest { Unix = true, Database = database, User = user, PhysicalReplication = replication };
        Assert.Equal(matches, Good($"local {databases} {users} trust").Match(request) is not null);
    }

    [Fact]
    public void The_first_rule_that_matches_decides()
    {
        var rules = Good("local d u reject\nlocal d all md5\nlocal all all password\n");
        Assert.Equal((AuthType.Reject, 1), MethodOf(rules, "d", "u"));
        Assert.Equal((AuthType.Md5, 2), MethodOf(rules, "d", "v"));
        Assert.Equal((AuthType.Plain, 3), MethodOf(rules, "e", "u"));
        Assert.Null(HbaRules.Empty.Match(Local("d", "u")));
    }

    [Theory]
    [InlineData("trust", AuthType.Trust)]
    [InlineData("reject", AuthType.Reject)]
    [InlineData("md5", AuthType.Md5)]
    [InlineData("password", AuthType.Plain)]
    [InlineData("scram-sha-256", AuthType.ScramSha256)]
    [InlineData("peer", AuthType.Peer)]
    [InlineData("cert", AuthType.Cert)]
    [InlineData("ldap", AuthType.Ldap)]
    public void A_rule_has_a_method(string word, AuthType method) =>
        Assert.Equal((method, 1), MethodOf(Good($"local all all {word}"), "d", "u"));

    [Fact]
    public void Options_are_a_map_or_all_of_LDAP()
    {
        var peer = Good("local all all peer map=m").Match(Local("d", "u"))!;
        Assert.Equal("m", peer.Map!.Name);
        Assert.True(peer.Map.Matches("sys", "pg"));
        Assert.Null(peer.LdapOptions);

        var ldap = Good("local all all ldap ldapserver=\"a b\", ldapport=389 # x \n").Match(Local("d", "u"))!;
        Assert.Equal("ldapserver=\"a b\", ldapport=389 # x", ldap.LdapOptions);
        Assert.Null(ldap.Map);
        Assert.Equal("", Good("local all all ldap").Match(Local("d", "u"))!.LdapOptions);
    }

    [Fact]
    public void Names_may_stand_in_files_beside_the_one_that_names_them()
    {
        var files = new MemoryFiles
        {
            ["dir/dbs"] = "a,b ignored\n\n# comment\n@sub/more, \"c\"\n",
            ["dir/sub/more"] = "d,@last",
            ["dir/sub/last"] = "e",
            ["/abs"] = "u",
        };
        var log = new List<LogText>();
        var rules = HbaRules.Parse("dir/hba", "local x,@dbs @/abs trust", Maps, files, log);
        Assert.Empty(log);
        foreach (var database in new[] { "x", "a", "b", "c", "d", "e" }) Assert.NotNull(rules.Match(Local(database, "u")));
        Assert.Null(rules.Match(Local("ignored", "u")));
        Assert.Null(rules.Match(Local("a", "v")));
    }

    [Fact]
    public void A_file_of_names_that_names_itself_ends_somewhere()
    {
        var files = new MemoryFiles { ["dir/loop"] = "a,@loop" };
        var log = new List<LogText>();
        Assert.Equal(0, HbaRules.Parse("dir/hba", "local @loop all trust", Maps, files, log).Count);
        Assert.Equal(["WARNING could not parse hba config line 1"], Loading.Lines(log));
    }

    private static HbaRules Parse(string text, List<LogText> log) =>
        HbaRules.Parse("dir/hba", text, Maps, new MemoryFiles(), log);

    private static HbaRules Good(string text)
    {
        var log = new List<LogText>();
        var rules = Parse(text, log);
        Assert.Empty(log);
        return rules;
    }

    private static (AuthType Method, int Line) MethodOf(HbaRules rules, string database, string user)
    {
        var rule = rules.Match(Local(database, user))!;
        return (rule.Method, rule.Line);
    }

    private static HbaRequest Local(string database, string user) => new() { Unix = true, Database = database, User = user };

    private static HbaRequest Tcp(string address) => new() { Address = IPAddress.Parse(address), Database = "d", User = "u" };
}
