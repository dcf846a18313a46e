using FastPool.Core.Auth;

namespace FastPool.Tests.Core.Auth;

public sealed class LdapOptionsTests
{
    [Theory]
    [InlineData("ldapport=x ldapserver=h ldapprefix=a", "invalid LDAP port number: \"x\"")]
    [InlineData("ldapport=0 ldapserver=h ldapprefix=a", "invalid LDAP port number: \"0\"")]
    [InlineData("ldapscheme=http", "invalid ldapscheme value: \"http\"")]
    [InlineData("ldapcolour=red", "invalid LDAP option: \"ldapcolour\"")]
    [InlineData("ldapserver=h ldapprefix=a ldapbasedn=b", "cannot mix options for simple bind and search+bind modes")]
    [InlineData("ldapserver=h ldapsuffix=a ldapbinddn=b", "cannot mix options for simple bind and search+bind modes")]
    [InlineData("ldapserver=h",
        "authentication method \"ldap\" requires argument \"ldapbasedn\", \"ldapprefix\", or \"ldapsuffix\" to be set")]
    [InlineData("ldapserver=h ldapbasedn=b ldapsearchattribute=a ldapsearchfilter=f",
        "cannot use ldapsearchattribute together with ldapsearchfilter")]
    [InlineData("ldapprefix=a", "LDAP server not specified, and no ldapbasedn")]
    [InlineData("ldapurl=http://h/b", "unsupported LDAP URL scheme: http")]
    [InlineData("ldapurl=nothing", "could not parse LDAP URL \"nothing\": Bad URL")]
    public void Faults_of_LDAP_options_are_named(string text, string warning)
    {
        Assert.Null(LdapOptions.Parse(text, out var told));
        Assert.Equal(warning, told);
    }

    [Fact]
    public void Pairs_are_parted_by_blanks_and_commas_and_may_be_quoted()
    {
        var options =
            LdapOptions.Parse("ldapserver=\"one two\", ldapprefix=\"cn=\",ldapsuffix=\",dc=a, dc=\"\"b\"\"\"  ldaptls=1", out _)!;
        Assert.Equal(("one two", "cn=joe,dc=a, dc=\"b\"", true, 389),
            (options.Server, options.DnOf("joe"), options.StartsTls, options.Port));
    }

    [Fact]
    public void A_URL_tells_everything_at_once()
    {
        var options = LdapOptions.Parse("ldapurl=\"ldaps://host.example:1636/dc=a%20b?mail,cn?one?(objectClass=person)\"", out _);
        Assert.Null(options); // An attribute and a filter are two ways to say the same.
        options = LdapOptions.Parse("ldapurl=\"ldaps://host.example/dc=a%20b?mail?one\"", out _)!;
        Assert.Equal(("host.example", 636, true, "dc=a b", 1, "(mail=joe)"),
            (options.Server, options.Port, options.IsSecure, options.BaseDn, options.Scope, options.FilterFor("joe")));
        options = LdapOptions.Parse("ldapurl=\"ldap://h:99/b???(&(uid=$username)(x=y))\"", out _)!;
        Assert.Equal((99, 2, "(&(uid=joe)(x=y))"), (options.Port, options.Scope, options.FilterFor("joe")));
    }

    [Fact]
    public void One_texts_options_do_not_leak_into_the_next()
    {
        Assert.NotNull(LdapOptions.Parse("ldapserver=h ldapbasedn=b ldapscheme=ldaps ldapsearchfilter=(x=$username)", out _));
        var next = LdapOptions.Parse("ldapserver=h ldapbasedn=b", out _)!;
        Assert.Equal((false, 389, "(uid=joe)"), (next.IsSecure, next.Port, next.FilterFor("joe")));
    }
}
