using FastPool.Core.Settings;

namespace FastPool.Tests.Core.Settings;

/// <summary>No secret of the configuration is shown, neither where it is sound nor where it is broken.</summary>
public sealed class SecretMaskTests
{
    [Theory]
    [InlineData("ldapserver=a ldapbindpasswd=geheim ldapbasedn=\"dc=x\"", "ldapserver=a ldapbindpasswd=**** ldapbasedn=\"dc=x\"")]
    [InlineData("ldapbindpasswd=\"ge \"\"he, im\",ldapserver=a", "ldapbindpasswd=****,ldapserver=a")]
    [InlineData("ldapserver=a ldapbindpasswd=geheim", "ldapserver=a ldapbindpasswd=****")]
    [InlineData("ldapserver=a", "ldapserver=a")]
    [InlineData("", "")]
    [InlineData("SELECT usename, passwd FROM s.users WHERE usename=$1", "SELECT usename, passwd FROM s.users WHERE usename=$1")]
    [InlineData("select secret, password", "select secret, password")]
    [InlineData("alter role x password 'ge''heim' valid", "alter role x password **** valid")]
    [InlineData("set app.secret TO 'geheim'; select 1", "set app.secret TO **** select 1")]
    [InlineData("passwd FROM x; set app.secret = geheim", "passwd FROM x; set app.secret = ****")]
    public void A_setting_is_shown_without_its_secret(string value, string shown) =>
        Assert.Equal(shown, SecretMask.Shown("auth_ldap_options", value));

    [Theory]
    [InlineData("app", "host=x password='ge heim port=1", "host=x password=****")]
    [InlineData("app", "host=x PASSWORD = geheim", "host=x PASSWORD=****")]
    [InlineData("app", "postgresql://user:geheim@host/app", "****")]
    [InlineData("password", "geheim", "****")]
    [InlineData("app", "host=x port=y", "host=x port=y")]
    public void Of_a_broken_line_nothing_is_shown_from_the_secret_on(string key, string value, string shown) =>
        Assert.Equal(shown, SecretMask.Broken(key, value));

    [Theory]
    [InlineData("host=127.0.0.1 password='geheim")]
    [InlineData("host=127.0.0.1 password=ge heim")]
    [InlineData("host=127.0.0.1 password=ge he=im")]
    [InlineData("host=127.0.0.1 password=geheim pool_mode=none")]
    [InlineData("host=127.0.0.1 password=geheim port=x")]
    [InlineData("postgresql://user:geheim%@host/app")]
    [InlineData("postgresql://user:geheim@host/app?gssencmode=disable")]
    [InlineData("postgresql://user:ge?heim=1@host/app")]
    [InlineData("postgresql://user:12 heim=1@host/app")]
    [InlineData("postgresql://user:ge heim@host/app")]
    public void A_broken_line_is_told_without_its_password(string line)
    {
        var files = new MemoryFiles { ["ini"] = $"[databases]\napp = {line}\n[pgbouncer]\nlisten_port = 1\n" };
        var result = ConfigurationLoader.Load("ini", files, null, new Dictionary<string, string>());
        Assert.Null(result.Settings);
        Assert.Contains(result.Messages, static message =>
            message.Text.Contains("for parameter app in configuration (ini:2)", StringComparison.Ordinal));
        Assert.DoesNotContain(result.Messages, static message => message.Text.Contains("heim", StringComparison.Ordinal)
            || message.Text.Contains("he", StringComparison.Ordinal)
            && message.Text.Contains("unrecognized", StringComparison.Ordinal));
    }
}
