
namespace FastPool.Compat.Auth;

/// <summary>
/// However much is logged, no secret is: not those of the files, not those that clients send, not those that servers are told.
/// </summary>
public class SecretsInLogTests
{
    [PoolerTheory(FastPoolOnly = "logs what is sent to it at DEBUG"), Loops]
    public async Task No_login_of_any_kind_leaves_a_secret_in_the_log(int loops)
    {
        const string wrong = "wr0ng-but-secret", forced = "f0rced-secret", odd = "0dd\u00ADsecret";
        var certificates = await Certificates.SharedAsync();
        var server = await Postgres.SharedAsync();
        var stored = new List<string>
        {
            await server.ScalarAsync<string>("select rolpassword from pg_authid where rolname = 'user_scram'"),
            await server.ScalarAsync<string>("select rolpassword from pg_authid where rolname = 'user_md5'"),
        };
        var lines = new List<string>();
        foreach (var method in new[] { "trust", "plain", "md5", "scram-sha-256" })
        {
            await using var pooler = await Pooler.StartAsync(loops, f =>
            {
                f.OfferTls(certificates, "allow");
                f["auth_type"] = method;
                f["verbose"] = "2";
                f["server_login_retry"] = "0.1";
                f["auth_query"] = "SELECT rolname, rolpassword FROM pg_authid WHERE rolname=$1 AND rolcanlogin";
                f.Users["user_scram"] = stored[0];
                f.Users["odd"] = odd;
                f.Users.Remove("user_md5");
                f.Databases["app"] += " auth_user=user_trust";
                f.Databases["forced"] = $"{{server}} dbname=app user=user_scram password={forced}"; // Which the server refuses.
            });
            foreach (var hasTls in new[] { false, true })
                foreach (var (user, database, password) in new[]
                {
                ("user_plain", "app", Postgres.Password), ("user_plain", "app", wrong), ("user_scram", "app", Postgres.Password),
                    ("user_scram", "app", wrong),
                ("user_md5", "app", Postgres.Password), ("user_md5", "app", wrong), ("odd", "app", odd),
                    ("nobody_knows", "app", wrong),
                ("user_plain", "forced", Postgres.Password), ("user_plain", "nowhere", Postgres.Password),
                    ("admin", "pgbouncer", Postgres.Password), ("admin", "pgbouncer", wrong),
            })
                    await LoginClient.LoginAsync(pooler.Port, hasTls, user, database, password);
            if (method == "trust")
            {
                await using var client = await RawClient.LoginAsync(pooler.Port, "user_trust", "app", ("TimeZone", "Asia/Tokyo"));
                Assert.Equal("Asia/Tokyo", (await client.QueryAsync("show timezone")).Rows[0][0]);
            }
            pooler.Rewrite(f => f.Users["late"] = wrong);
            Assert.Equal("RELOAD", await pooler.OwnUserAsync("RELOAD"));
            await pooler.OwnUserAsync($"SET auth_query = 'select 1'");
            await pooler.LineAsync("password authentication failed");
            lines.AddRange(pooler.Process.Lines);
        }
        Assert.Contains(lines, line => line.Contains("varcache_apply: ", StringComparison.Ordinal)); // It does say all it knows.
        string[] secrets =
        [
            Postgres.Password, wrong, forced, odd, odd.Replace("\u00AD", "", StringComparison.Ordinal), stored[0], stored[0]
                .Split('$')[2], stored[1], stored[1][3..],
            LoginClient.Md5(Postgres.Password, "user_plain")[3..], LoginClient.Md5(wrong, "user_plain")[3..],
        ];
        Assert.All(secrets, secret => Assert.DoesNotContain(lines, line => line.Contains(secret, StringComparison.Ordinal)));
    }
}
