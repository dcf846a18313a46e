using System.Text;
using FastPool.Base;
using FastPool.Core.Auth;
using FastPool.Core.Sessions;
using FastPool.Protocol;

namespace FastPool.Tests.Core.Sessions;

/// <summary>
/// An attacker without a password tries names. The questions, the answers and their times are the same for every kind of
/// secret, and for names that do not exist. None of it costs the loop a derivation of keys.
/// </summary>
public sealed class ProbeTests
{
    private const uint V3 = 0x30000;
    private const string Users = """
        "plain" "right"
        "plain2" "other"
        "empty" ""
        """;

    private static string Scram(string password, int iterations = 5, int saltLength = 16)
    {
        var verifier =
            ScramVerifier.FromPassword(Encoding.ASCII.GetBytes(password), iterations,
            [.. Enumerable.Range(1, saltLength).Select(static i => (byte)i)]);
        return $"SCRAM-SHA-256${iterations}:{Convert.ToBase64String(verifier.Salt)}${Convert.ToBase64String(verifier.StoredKey)}:{Convert.ToBase64String(verifier.ServerKey)}";
    }

    private static string Md5(string user) =>
        Encoding.ASCII.GetString(Md5Password.Store("right"u8, Encoding.ASCII.GetBytes(user)));

    /// <summary>
    /// One probe with a wrong password: each message as it looks with what is random taken out, the last word and its time.
    /// </summary>
    private static string Probe(SessionBench bench, string user, Func<ClientLogin, LoginStep>? begin = null)
    {
        var client = bench.NewClient();
        var login = client.Login!;
        bench.Context.LoginOutput.Clear();
        var seen = new StringBuilder();
        var nowUs = bench.Context.NowUs;
        var step = begin is null ? login.OnStartup(V3, [.. Wire.Strings("user", user, "database", "d"), 0], false) : begin(login);
        while (step is LoginStep.GoOn or LoginStep.Derive)
        {
            if (step == LoginStep.Derive)
            {
                login.Derivation!.Run();
                bench.Context.NowUs += 70_000; // It took that long, elsewhere.
                step = login.OnDerived();
                continue;
            }
            var request = login.Output.WrittenSpan.ToArray();
            login.Output.Clear();
            switch (request[8])
            {
                case 3:
                    seen.Append("plain ");
                    step = login.OnMessage((byte)'p', Wire.Strings("wrong"));
                    break;
                case 5:
                    seen.Append("md5 ");
                    step = login.OnMessage((byte)'p', [.. "md5"u8, .. new byte[32], 0]);
                    break;
                case 10:
                    seen.Append("sasl ");
                    step = login.OnMessage((byte)'p', [.. Wire.Strings("SCRAM-SHA-256"), .. Wire.Int32(11), .. "n,,n=,r=abc"u8]);
                    break;
                case 11:
                    var fields = Encoding.ASCII.GetString(request.AsSpan(9)).Split(',');
                    seen.Append($"salt {Convert.FromBase64String(fields[1][2..]).Length} {fields[2]} ");
                    step = login.OnMessage((byte)'p',
                        Encoding.ASCII.GetBytes($"c=biws,{fields[0]},p={Convert.ToBase64String(new byte[32])}"));
                    break;
                default: throw new InvalidOperationException("asked for " + request[8]);
            }
        }
        return $"{seen}{step} {login.Ending.Message} after {(login.RefusalUs == 0 ? 0 : login.RefusalUs - nowUs)}";
    }

    private static void AreAlike(SessionBench bench, params string[] users) =>
        Assert.Single(users.Select(user => Probe(bench, user)).Distinct());

    [Theory]
    [InlineData("plain")]
    [InlineData("md5")]
    [InlineData("scram-sha-256")]
    public void A_made_up_name_is_not_told_from_one_with_a_plain_password(string method) =>
        AreAlike(new SessionBench($"auth_type={method}\nscram_iterations=7", Users), "plain", "ghost", "empty", "spook", "plain2",
            "plain");

    [Theory]
    [InlineData("plain")]
    [InlineData("md5")]
    [InlineData("scram-sha-256")]
    public void A_made_up_name_is_not_told_from_one_with_a_verifier(string method) => AreAlike(
        new SessionBench($"auth_type={method}\nscram_iterations=7",
            $"\"a\" \"{Scram("x", 5, 20)}\"\n\"b\" \"{Scram("y", 5, 20)}\"\n\"empty\" \"\""), "a", "ghost", "spook", "b", "empty",
            "a");

    [Theory]
    [InlineData("plain")]
    [InlineData("scram-sha-256")]
    public void A_made_up_name_is_not_told_from_one_with_a_digest(string method) =>
        AreAlike(new SessionBench($"auth_type={method}\nscram_iterations=7", $"\"a\" \"{Md5("a")}\""), "a", "ghost", "a",
        "spook");

    [Theory]
    [InlineData("plain")]
    [InlineData("scram-sha-256")]
    public void Secrets_of_all_kinds_are_not_told_from_each_other(string method) => AreAlike(
        new SessionBench($"auth_type={method}\nscram_iterations=5",
            $"{Users}\n\"md5\" \"{Md5("md5")}\"\n\"scram\" \"{Scram("x")}\""), "plain", "md5", "scram", "ghost", "empty",
            "plain2", "spook");

    [Fact]
    public void With_md5_made_up_names_are_asked_what_real_ones_are_in_the_same_parts()
    {
        var users = string.Join('\n', Enumerable.Range(0, 30).Select(i => $"\"u{i}\" \"{(i % 3 == 0 ? Scram("x") : "plain")}\""));
        var bench = new SessionBench("auth_type=md5\nscram_iterations=5\nmax_client_conn=10000", users);
        var asked = Enumerable.Range(0, 600).Count(i => Probe(bench, "ghost" + i).StartsWith("sasl", StringComparison.Ordinal));
        Assert.InRange(asked, 150, 250);
        Assert.Equal(Probe(bench, "ghost1"), Probe(bench, "ghost1"));
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("md5")]
    [InlineData("scram-sha-256")]
    public void A_name_that_auth_query_does_not_find_is_not_told_from_one_that_it_finds(string method)
    {
        var bench = new SessionBench($"auth_type={method}\nauth_user=asks", "\"asks\" \"\"");
        string Ask(string user, string? secret) => Probe(bench, user, login =>
        {
            Assert.Equal(LoginStep.Ask, login.OnStartup(V3, [.. Wire.Strings("user", user, "database", "d"), 0], false));
            if (secret is not null)
            {
                byte[] row =
                    [0, 2, .. Wire.Int32(user.Length), .. Encoding.ASCII.GetBytes(user), .. Wire.Int32(secret.Length),
                    .. Encoding.ASCII.GetBytes(secret)];
                Assert.Null(login.Query!.Take((byte)'D', row));
            }
            return login.OnAnswer();
        });
        Assert.Single(
            new[] { Ask("ghost", null), Ask("a", Scram("x", 4096)), Ask("spook", null), Ask("b", Scram("y", 4096)),
            Ask("ghost", null) }.Distinct());
    }

    [Fact]
    public void A_check_that_takes_longer_is_told_at_a_multiple_of_the_time()
    {
        var bench = new SessionBench("auth_type=plain", $"\"a\" \"{Scram("x")}\"");
        var login = bench.NewClient().Login!;
        login.OnStartup(V3, [.. Wire.Strings("user", "a", "database", "d"), 0], false);
        Assert.Equal(LoginStep.Derive, login.OnMessage((byte)'p', Wire.Strings("wrong")));
        login.Derivation!.Run();
        var beganUs = bench.Context.NowUs;
        bench.Context.NowUs += (2 * Limits.RefusalStepUs) + 1;
        Assert.Equal(LoginStep.DisconnectLater, login.OnDerived());
        Assert.Equal(beganUs + (3 * Limits.RefusalStepUs), login.RefusalUs);
    }

    [Theory]
    [InlineData("plain", "scram")]
    [InlineData("scram-sha-256", "plain")]
    public void No_keys_are_derived_on_the_loop(string method, string kind)
    {
        var bench =
            new SessionBench($"auth_type={method}\nscram_iterations=100000000",
            $"\"a\" \"{(kind == "plain" ? "right" : Scram("right").Replace("$5:", "$1000000:", StringComparison.Ordinal))}\"");
        var login = bench.NewClient().Login!;
        login.OnStartup(V3, [.. Wire.Strings("user", "a", "database", "d"), 0], false);
        if (method != "plain")
        {
            login.Output.Clear();
            login.OnMessage((byte)'p', [.. Wire.Strings("SCRAM-SHA-256"), .. Wire.Int32(11), .. "n,,n=,r=abc"u8]);
        }
        // At once: done here, it would take minutes.
        Assert.Equal(LoginStep.Derive, login.OnMessage((byte)'p', Wire.Strings("c=biws,r=abc,p=AAAA")));
        Assert.InRange(login.Derivation!.Iterations, 1_000_000, 100_000_000);
    }
}
