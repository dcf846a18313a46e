using FastPool.Life;
using FastPool.MakeAuth;

namespace FastPool.Tests.MakeAuth;

/// <summary>Connection strings as libpq reads them. Source: PostgreSQL, libpq, Connection Strings.</summary>
public sealed class ConnectionOptionsTests
{
    private static ConnectionOptions Parse(string text, params string[] variables) =>
        ConnectionOptions.Parse(text,
            new Surroundings(
            name => variables.FirstOrDefault(v => v.StartsWith(name + "=", StringComparison.Ordinal))?[(name.Length + 1)..], "me",
            "/nowhere"));

    private static string Shown(ConnectionOptions options) =>
        $"{string.Join(' ', options.Servers.Select(server => $"{server.Host}/{server.Address}:{server.Port}"))} {options.User} {options.Database} {options.SslMode} {options.PasswordFor("h", 1)}";

    [Theory]
    [InlineData("host=h port=7 user=u dbname=d password=p sslmode=require", "h/h:7 u d require p")]
    [InlineData(" host = h  user='u u' password='it\\'s \\\\ ok' ", "h/h:5432 u u u u prefer it's \\ ok")]
    [InlineData("host=h user=a\\ b password=''", "h/h:5432 a b a b prefer ")]
    [InlineData("host=a,b port=1,2 user=u", "a/a:1 b/b:2 u u prefer ")]
    [InlineData("host=a,b port=7 hostaddr=127.0.0.1,::1 user=u", "a/127.0.0.1:7 b/::1:7 u u prefer ")]
    [InlineData("hostaddr=127.0.0.1", "127.0.0.1/127.0.0.1:5432 me me prefer ")]
    [InlineData("host=/run/pg", "/run/pg//run/pg:5432 me me prefer ")]
    [InlineData("postgresql://u:p%40s@h:7/d%20b?sslmode=verify-full", "h/h:7 u d b verify-full p@s")]
    [InlineData("postgres://a:1,b:2/d", "a/a:1 b/b:2 me d prefer ")]
    [InlineData("postgresql://[::1]:7", "::1/::1:7 me me prefer ")]
    [InlineData("postgresql://%2Frun%2Fpg/d", "/run/pg//run/pg:5432 me d prefer ")]
    [InlineData("postgresql:///?host=h&user=u", "h/h:5432 u u prefer ")]
    public void Both_forms_are_read(string text, string shown) => Assert.Equal(shown, Shown(Parse(text)));

    [Fact]
    public void The_environment_fills_in_what_the_connection_string_leaves_out()
    {
        var options =
            Parse("dbname=mine", "PGHOST=h", "PGPORT=7", "PGUSER=u", "PGDATABASE=theirs", "PGPASSWORD=p", "PGSSLMODE=disable",
            "PGCONNECT_TIMEOUT=3");
        Assert.Equal("h/h:7 u mine disable p", Shown(options));
        Assert.Equal(3000, options.TimeoutMs);
        Assert.Equal("h/h:5432 me lone prefer ", Shown(Parse("lone", "PGHOST=h")));
    }

    [Theory]
    [InlineData("nonsense=1", "invalid connection option \"nonsense\"")]
    [InlineData("host h = 1", "missing \"=\" after \"host\" in connection info string")]
    [InlineData("user='a", "unterminated quoted string in connection info string")]
    [InlineData("sslmode=maybe", "invalid sslmode value: \"maybe\"")]
    [InlineData("host=h port=0", "invalid port number: \"0\"")]
    [InlineData("host=h port=65536", "invalid port number: \"65536\"")]
    [InlineData("host=a,b,c port=1,2", "could not match 2 port numbers to 3 hosts")]
    [InlineData("host=a,b hostaddr=::1", "could not match 2 host names to 1 hostaddr values")]
    [InlineData("connect_timeout=soon", "invalid integer value \"soon\" for connection option \"connect_timeout\"")]
    [InlineData("postgresql://h/d%2", "invalid percent-encoded token: \"d%2\"")]
    [InlineData("postgresql://h/d?x", "missing key/value separator \"=\" in URI query parameter: \"x\"")]
    public void Faults_of_a_connection_string_are_named(string text, string message) =>
        Assert.Equal(message, Assert.Throws<FatalError>(() => Parse(text)).Message);

    [Theory]
    [InlineData("h:7:d:u:secret", "secret")]
    [InlineData("*:*:*:*:se:cr\\:et", "se:cr:et")]
    [InlineData("#h:7:d:u:no\nx:7:d:u:no\nh:7:d:u:yes\nh:7:d:u:late", "yes")]
    [InlineData("h:8:d:u:no", null)]
    [InlineData("h:7:d", null)]
    [InlineData("", null)]
    public void The_first_line_of_the_password_file_that_fits_has_the_password(string content, string? password)
    {
        var path = Path.GetTempFileName(); // Made with mode 0600.
        File.WriteAllText(path, content);
        Assert.Equal(password, new PasswordFile(path).Find("h", 7, "d", "u"));
        File.WriteAllText(path, "localhost:9:d:u:socket");
        Assert.Equal("socket", new PasswordFile(path).Find("/run", 9, "d", "u"));
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, (UnixFileMode)0b110_100_000);
        Assert.Null(new PasswordFile(path).Find("h", 7, "d", "u"));
        File.Delete(path);
    }
}
