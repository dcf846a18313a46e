using Npgsql;

namespace FastPool.Compat.Auth;

/// <summary>auth_type=pam with real modules: a service file of ours asks a script, which knows two users and may hang.</summary>
public sealed class PamTests : IDisposable
{
    private const string ServiceFile = "/etc/pam.d/pgbouncer";

    private readonly string? _before = File.Exists(ServiceFile) ? File.ReadAllText(ServiceFile) : null;
    private readonly string _folder = Machine.NewFolder("pam");

    public PamTests()
    {
        var script = Path.Combine(_folder, "check");
        File.WriteAllText(script, $"""
            #!/bin/sh
            password=$(tr -d '\000')
            echo "$PAM_USER $PAM_RHOST $PAM_SERVICE" >> {_folder}/asked
            [ "$PAM_USER" != user_md5 ] || exec sleep 60
            [ "$password" = "{Postgres.Password}" ]

            """);
        File.SetUnixFileMode(script, (UnixFileMode)0b111_101_101);
        File.WriteAllText(Path.Combine(_folder, "asked"), "");
        File.SetUnixFileMode(Path.Combine(_folder, "asked"), (UnixFileMode)0b110_110_110);
        File.WriteAllText(ServiceFile,
            $"auth required pam_exec.so expose_authtok quiet {script}\naccount required pam_permit.so\n");
    }

    public void Dispose()
    {
        if (_before is null) File.Delete(ServiceFile);
        else File.WriteAllText(ServiceFile, _before);
    }

    private Task<Pooler> StartAsync(int loops) => Pooler.StartAsync(loops, f =>
    {
        f["auth_type"] = "pam";
        f["verbose"] = "2"; // Whatever is logged, no password is.
        f["client_login_timeout"] = "3";
        f.Users.Clear();
    });

    [PoolerTheory, Loops]
    public async Task The_right_password_gets_in_and_goes_on_to_the_server(int loops)
    {
        await using var pooler = await StartAsync(loops);
        foreach (var user in new[] { "user_plain", "user_scram" })
        {
            await using var connection = await pooler.ConnectAsync(user);
            Assert.Equal(user, await connection.ScalarAsync("select current_user::text"));
        }
        Assert.Contains("user_scram 127.0.0.1 pgbouncer", await File.ReadAllTextAsync(Path.Combine(_folder, "asked")),
            StringComparison.Ordinal);
        Assert.DoesNotContain(Postgres.Password, pooler.Process.Text, StringComparison.Ordinal);
    }

    [PoolerTheory, Loops]
    public async Task A_wrong_password_and_an_unknown_user_read_the_same_text(int loops)
    {
        await using var pooler = await StartAsync(loops);
        foreach (
            var (user, password) in new[] { ("user_plain", "wrong"), ("nobody_knows", "wrong"),
            ("user_plain", new string('x', 900)) })
        {
            var refused =
                await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync(user, more: "Password=" + password));
            Assert.Equal(("FATAL", Binary.State("28000"), "PAM authentication failed"),
                (refused.Severity, refused.SqlState, refused.MessageText));
        }
        await pooler.LineAsync("WARNING pam_authenticate() failed: ");
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer misreads long passwords")]
    [Loops(false)]
    [Loops(true)]
    public async Task Every_password_is_answered_with_and_without_TLS(int loops, bool hasTls)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await StartAsync(loops);
        pooler.Rewrite(f => TlsClients.OfferTls(f, certificates, "allow"));
        Assert.Equal("RELOAD", await pooler.OwnUserAsync("RELOAD"));
        foreach (var (user, password, answer) in new[]
        {
            ("user_scram", Postgres.Password, "in"),
            ("user_scram", "wrong", $"FATAL/{Binary.State("28000")} PAM authentication failed"),
            ("user_scram", "", $"FATAL/{Binary.State("28P01")} empty password returned by client"),
            ("user_scram", new string('x', 65_000), $"FATAL/{Binary.State("28000")} PAM authentication failed"),
            ("user_scram", LoginClient.Over, "FATAL/08P01 bad packet header: '7000011174000000'"),
            ("nobody_knows", "wrong", $"FATAL/{Binary.State("28000")} PAM authentication failed"),
            ("nobody_knows", "", $"FATAL/{Binary.State("28P01")} empty password returned by client"),
        })
            Assert.Equal(new LoginOutcome("plain", answer),
                await LoginClient.LoginAsync(pooler.Port, hasTls, user, "app", password));
        Assert.Equal("in", (await LoginClient.LoginAsync(pooler.Port, hasTls, "user_scram", "app", Postgres.Password)).Answer);
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer asks one after the other"), Loops]
    public async Task A_module_that_hangs_costs_its_own_login_and_no_other(int loops)
    {
        await using var pooler = await StartAsync(loops);
        var hanging = Assert.ThrowsAnyAsync<NpgsqlException>(() => pooler.ConnectAsync("user_md5"));
        await Until.TrueAsync(() => File.ReadAllText(Path.Combine(_folder, "asked"))
            .Contains("user_md5", StringComparison.Ordinal), "the module is asked", 10, () => pooler.Process.Text);
        await using var other = await pooler.ConnectAsync("user_plain");
        Assert.Equal(1, await other.ScalarAsync("select 1"));
        Assert.Contains("client_login_timeout", (await hanging).Message, StringComparison.Ordinal);
    }
}
