
namespace FastPool.Compat.Auth;

/// <summary>python3-psycopg (libpq) through the pooler: passwords, TLS, channel binding, certificates.</summary>
public class PsycopgTests
{
    /// <summary>Connects by the string it is given, and prints a row or the error.</summary>
    private const string Script = """
        import sys, psycopg
        try:
            with psycopg.connect(sys.argv[1], connect_timeout=20) as connection:
                connection.prepare_threshold = 1
                for i in range(5):
                    row = connection.execute("select current_user::text, %s::int", (i,)).fetchone()
                print(*row)
        except psycopg.OperationalError as error:
            print("error:", str(error).splitlines()[-1])
        """;

    private static async Task<string> RunAsync(Pooler pooler, string user, string options, string password = Postgres.Password)
    {
        var (exit, text) =
            await Child.RunAsync("/usr/bin/python3",
            ["-c", Script,
            $"host=localhost hostaddr=127.0.0.1 port={pooler.Port} dbname=app user={user} password='{password}' {options}"]);
        Assert.True(exit == 0, $"the tests need Debian's package python3-psycopg:\n{text}");
        return text;
    }

    [PoolerTheory(Since = "1.21")]
    [Loops("plain")]
    [Loops("md5")]
    [Loops("scram-sha-256")]
    public async Task Every_password_gets_in_with_and_without_TLS(int loops, string authType)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f.OfferTls(certificates, "allow");
            f["auth_type"] = authType;
        });
        foreach (
            var options in new[] { "sslmode=disable", "sslmode=require",
            $"sslmode=verify-full sslrootcert={certificates.Authority}" })
        {
            Assert.Equal("user_scram 4", await RunAsync(pooler, "user_scram", options));
            Assert.Contains("authentication failed", await RunAsync(pooler, "user_scram", options, "wrong"),
                StringComparison.Ordinal);
        }
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer has no channel binding"), Loops]
    public async Task A_client_that_demands_channel_binding_gets_it_and_only_through_TLS_and_SCRAM(int loops)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f.OfferTls(certificates, "allow");
            f["auth_type"] = "scram-sha-256";
        });
        Assert.Equal("user_scram 4", await RunAsync(pooler, "user_scram", "sslmode=require channel_binding=require"));
        Assert.Contains("SASL authentication failed",
            await RunAsync(pooler, "user_scram", "sslmode=require channel_binding=require", "wrong"), StringComparison.Ordinal);
        Assert.Contains("channel binding", await RunAsync(pooler, "user_scram", "sslmode=disable channel_binding=require"),
            StringComparison.Ordinal);
        pooler.Rewrite(f => f["auth_type"] = "md5");
        Assert.Equal("RELOAD", await pooler.OwnUserAsync("RELOAD"));
        Assert.Contains("channel binding", await RunAsync(pooler, "user_scram", "sslmode=require channel_binding=require"),
            StringComparison.Ordinal);
    }

    [PoolerTheory(Since = "1.25"), Loops]
    public async Task Certificates_of_both_sides_are_looked_at(int loops)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f.OfferTls(certificates, "verify-full");
            f["auth_type"] = "cert";
        });
        string With(string name) =>
            $"sslmode=verify-full sslrootcert={certificates.Authority} sslcert={certificates.Certificate(name)} sslkey={certificates.Key(name)}";
        Assert.Equal("user_trust 4", await RunAsync(pooler, "user_trust", With("user_trust")));
        foreach (var name in new[] { "alias", "upper", "server" })
            Assert.Contains("certificate authentication failed", await RunAsync(pooler, "user_trust", With(name)),
                StringComparison.Ordinal);
        foreach (var name in new[] { "stranger", "expired" }) // TLS 1.3 tells the client only after its first bytes.
            Assert.StartsWith("error:", await RunAsync(pooler, "user_trust", With(name)), StringComparison.Ordinal);
        await pooler.LineAsync("certificate verify failed");
        Assert.Contains("certificate verify failed",
            await RunAsync(pooler, "user_trust", With("user_trust")
            .Replace(certificates.Authority, certificates.Stranger, StringComparison.Ordinal)), StringComparison.Ordinal);
    }
}
