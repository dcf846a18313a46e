using System.Text;
using FastPool.Base;
using FastPool.Core.Auth;
using FastPool.Core.Settings;

namespace FastPool.Tests.Core.Auth;

public sealed class ScramTests
{
    private const int Iterations = 4096;

    private static readonly byte[] Nonce = new byte[ScramServerExchange.NonceLength];

    private static ScramVerifier VerifierOf(string password) =>
        ScramVerifier.FromPassword(Encoding.UTF8.GetBytes(password), 7, [1, 2, 3]);

    /// <summary>A client's side with its password.</summary>
    private sealed class Client(string password)
    {
        private readonly ScramClientExchange _exchange = new(Nonce);

        public string Problem => _exchange.Problem;

        public byte[] ClientFirst() => _exchange.ClientFirst();

        public byte[]? ClientFinal(ReadOnlySpan<byte> serverFirst) =>
            _exchange.TryTakeServerFirst(serverFirst)
                ? _exchange.ClientFinal(
                ScramKeys.FromPassword(Encoding.UTF8.GetBytes(password), _exchange.Salt, _exchange.Iterations)) : null;

        public bool CheckServerFinal(ReadOnlySpan<byte> serverFinal, out bool isWrong) =>
            _exchange.CheckServerFinal(serverFinal, out isWrong);
    }

    private static Client ClientWith(string password) => new(password);

    /// <summary>RFC 7677, section 3.</summary>
    [Fact]
    public void The_server_agrees_with_the_example_of_RFC_7677()
    {
        var salt = Convert.FromBase64String("W22ZaJ0SNY7soEsUEjb6gQ==");
        var verifier = ScramVerifier.FromPassword("pencil"u8, Iterations, salt);
        // The example's server nonce is no base64, so its bytes cannot be given; proof and signature are worked out from the
        // texts.
        const string authMessage =
            "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
            + "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        var signature =
            System.Security.Cryptography.HMACSHA256.HashData(verifier.ServerKey, Encoding.ASCII.GetBytes(authMessage));
        Assert.Equal("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", Convert.ToBase64String(signature));
        var keys = ScramKeys.FromPassword("pencil"u8, salt, Iterations);
        var proof = System.Security.Cryptography.HMACSHA256.HashData(verifier.StoredKey, Encoding.ASCII.GetBytes(authMessage));
        for (var i = 0; i < proof.Length; i++) proof[i] ^= keys.ClientKey[i];
        Assert.Equal("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", Convert.ToBase64String(proof));
    }

    [Fact]
    public void Client_and_server_with_the_same_password_convince_each_other()
    {
        var server = new ScramServerExchange(VerifierOf("pässword"), false, Nonce);
        var client = ClientWith("pässword");
        var final = server.ServerFinal(client.ClientFinal(server.ServerFirst(client.ClientFirst())!)!);
        Assert.NotNull(final);
        Assert.True(client.CheckServerFinal(final, out var isWrong));
        Assert.False(isWrong);
        Assert.Equal(ScramKeys.FromPassword(Encoding.UTF8.GetBytes("pässword"), [1, 2, 3], 7).ClientKey, server.ClientKey);
    }

    [Theory]
    [InlineData("right", "wrong", false)]
    [InlineData("right", "right", true)]
    public void A_wrong_password_and_an_unknown_user_fail_at_the_same_place(string known, string given, bool isMock)
    {
        var server = new ScramServerExchange(VerifierOf(known), isMock, Nonce);
        var client = ClientWith(given);
        Assert.Null(server.ServerFinal(client.ClientFinal(server.ServerFirst(client.ClientFirst())!)!));
        Assert.Equal("password authentication failed", server.Problem);
        Assert.Null(server.ClientKey);
    }

    [Fact]
    public void A_server_that_does_not_know_the_password_is_found_out()
    {
        var server = new ScramServerExchange(VerifierOf("one"), false, Nonce);
        var client = ClientWith("one");
        client.ClientFinal(server.ServerFirst(client.ClientFirst())!);
        Assert.False(
            client.CheckServerFinal(Encoding.ASCII.GetBytes("v=" + Convert.ToBase64String(new byte[32])), out var isWrong));
        Assert.True(isWrong);
        Assert.Equal("invalid server signature", client.Problem);
    }

    [Theory]
    [InlineData("", "malformed SCRAM message (empty message)")]
    [InlineData("p=tls-server-end-point,,n=,r=abc", "client requires SCRAM channel binding, but it is not supported")]
    [InlineData("x,,n=,r=abc", "malformed SCRAM message (unexpected channel-binding flag)")]
    [InlineData("n", "malformed SCRAM message (comma expected)")]
    [InlineData("n,a=ann,n=,r=abc", "client uses authorization identity, but it is not supported")]
    [InlineData("n,x,n=,r=abc", "malformed SCRAM message (unexpected attribute in client-first-message)")]
    [InlineData("n,,m=x,n=,r=abc", "client requires an unsupported SCRAM extension")]
    [InlineData("n,,r=abc", "malformed SCRAM message (attribute expected)")]
    [InlineData("n,,n=", "malformed SCRAM message (attribute expected)")]
    [InlineData("n,,n=,r=", "non-printable characters in SCRAM nonce")]
    [InlineData("n,,n=,r=a\u0001", "non-printable characters in SCRAM nonce")]
    public void A_client_first_message_that_is_not_one_is_refused(string message, string problem)
    {
        var server = new ScramServerExchange(VerifierOf("x"), false, Nonce);
        Assert.Null(server.ServerFirst(Encoding.Latin1.GetBytes(message)));
        Assert.Equal(problem, server.Problem);
    }

    [Theory]
    [InlineData("r={0},p=AAAA", "malformed SCRAM message (attribute expected)")]
    [InlineData("c=eSws,r={0},p=AAAA", "unexpected SCRAM channel-binding attribute in client-final-message")]
    [InlineData("c=biws,p=AAAA", "malformed SCRAM message (attribute expected)")]
    [InlineData("c=biws,r=other,p=AAAA", "invalid SCRAM response (nonce does not match)")]
    [InlineData("c=biws,r={0}", "malformed SCRAM message (proof expected)")]
    [InlineData("c=biws,r={0},p=AAAA", "malformed SCRAM message (malformed proof in client-final-message)")]
    [InlineData("c=biws,r={0},p=!", "malformed SCRAM message (malformed proof in client-final-message)")]
    public void A_client_final_message_that_is_not_one_is_refused(string message, string problem)
    {
        var server = new ScramServerExchange(VerifierOf("x"), false, Nonce);
        server.ServerFirst("n,,n=,r=abc"u8);
        Assert.Null(server.ServerFinal(Encoding.Latin1.GetBytes(string.Format(message, "abc" + Convert.ToBase64String(Nonce)))));
        Assert.Equal(problem, server.Problem);
    }

    [Theory]
    [InlineData("s=AQID,i=1", "malformed SCRAM message (attribute expected)")]
    [InlineData("r=foreign,s=AQID,i=1", "invalid SCRAM response (nonce mismatch)")]
    [InlineData("r={0},s=AQID,i=1", "invalid SCRAM response (nonce mismatch)")]
    [InlineData("r={0}x,s=!,i=1", "malformed SCRAM message (invalid salt)")]
    [InlineData("r={0}x,s=AQID,i=0", "malformed SCRAM message (invalid iteration count)")]
    [InlineData("r={0}x,s=AQID,i=-1", "malformed SCRAM message (invalid iteration count)")]
    [InlineData("r={0}x,s=AQID,i=1000001", "malformed SCRAM message (invalid iteration count)")]
    [InlineData("r={0}x,s=AQID,i=99999999999999999999", "malformed SCRAM message (invalid iteration count)")]
    [InlineData("r={0}\u00ff,s=AQID,i=1", "invalid SCRAM response (nonce mismatch)")]
    public void A_server_first_message_that_is_not_one_is_refused(string message, string problem)
    {
        var client = ClientWith("x");
        client.ClientFirst();
        Assert.Null(client.ClientFinal(Encoding.Latin1.GetBytes(string.Format(message, Convert.ToBase64String(Nonce)))));
        Assert.Equal(problem, client.Problem);
    }

    [Theory]
    [InlineData(1_000_000)]
    [InlineData(1)]
    public void As_many_iterations_as_a_million_are_asked_for(int iterations)
    {
        var client = new ScramClientExchange(Nonce);
        Assert.True(
            client.TryTakeServerFirst(Encoding.ASCII.GetBytes($"r={Convert.ToBase64String(Nonce)}x,s=AQID,i={iterations}")));
        Assert.Equal(iterations, client.Iterations);
        Assert.Equal([1, 2, 3], client.Salt);
    }

    [Theory]
    [InlineData(1024, true)]
    [InlineData(1028, false)]
    public void A_server_s_salt_has_an_end(int length, bool isTaken)
    {
        var client = new ScramClientExchange(Nonce);
        Assert.Equal(isTaken,
            client.TryTakeServerFirst(
            Encoding.ASCII.GetBytes($"r={Convert.ToBase64String(Nonce)}x,s={new string('A', length)},i=1")));
        if (!isTaken) Assert.Equal("malformed SCRAM message (invalid salt)", client.Problem);
    }

    [Fact]
    public void Keys_for_servers_are_kept_up_to_a_number_of_them()
    {
        var verifiers = new ScramVerifiers([1]);
        var keys = ScramKeys.FromPassword("x"u8, [1], 1);
        for (var i = 0; i < 3 * Limits.ServerKeysMax; i++) verifiers.KeepKeys("x", BitConverter.GetBytes(i), 1, keys);
        Assert.InRange(verifiers.KeysKept, 1, Limits.ServerKeysMax);
        Assert.Same(keys, verifiers.Keys("x", BitConverter.GetBytes((3 * Limits.ServerKeysMax) - 1), 1));
        Assert.Null(verifiers.Keys("x", BitConverter.GetBytes((3 * Limits.ServerKeysMax) - 1), 2));
        Assert.Null(verifiers.Keys("y", BitConverter.GetBytes((3 * Limits.ServerKeysMax) - 1), 1));
    }

    [Fact]
    public void A_server_nonce_may_be_as_long_as_a_message()
    {
        var client = ClientWith("x");
        var nonce = Convert.ToBase64String(Nonce) + new string('n', 60_000);
        Assert.Contains(nonce, Encoding.ASCII.GetString(client.ClientFinal(Encoding.ASCII.GetBytes($"r={nonce},s=AQID,i=1"))!),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Known_and_unknown_users_keep_their_salts_over_a_reload_and_nobody_shares_one()
    {
        var verifiers = new ScramVerifiers([1, 2, 3]);
        byte[][] Salts() => [Kept("ann").Salt, Kept("bob").Salt, verifiers.Decoy("ghost", 2).Salt];
        ScramVerifier Kept(string user) =>
            verifiers.KeepAdHoc(user, "same", 2, ScramKeys.FromPassword("same"u8, verifiers.SaltOf(user), 2));
        var before = Salts();
        verifiers.Forget([]);
        Assert.Equal(before, Salts());
        Assert.Equal(3, before.Select(Convert.ToHexString).Distinct().Count());
    }

    [Fact]
    public void An_unknown_user_s_verifier_looks_like_a_known_one_s_and_costs_no_iterations()
    {
        var verifier = new ScramVerifiers([1, 2, 3]).Decoy("ghost", int.MaxValue, 40); // Told, and not done.
        Assert.Equal((int.MaxValue, 40, 32, 32),
            (verifier.Iterations, verifier.Salt.Length, verifier.StoredKey.Length, verifier.ServerKey.Length));
        Assert.Equal(40, verifier.Salt.Chunk(4).Select(Convert.ToHexString).Distinct().Count() * 4);
        Assert.NotEqual(verifier.StoredKey, verifier.ServerKey);
        // By the same secret, in another process.
        Assert.Equal(verifier.Salt[..16], new ScramVerifiers([1, 2, 3]).Decoy("ghost", 4).Salt);
        Assert.NotEqual(verifier.Salt[..16], new ScramVerifiers([1, 2, 4]).Decoy("ghost", 4).Salt);
    }

    [Fact]
    public void Proved_keys_serve_their_verifier_alone_and_go_with_it()
    {
        var verifiers = new ScramVerifiers([1]);
        var (kept, dropped) = (ScramKeys.FromPassword("kept"u8, [1], 2), ScramKeys.FromPassword("dropped"u8, [1], 2));
        verifiers.KeepProof(kept);
        verifiers.KeepProof(dropped);
        var (keptVerifier, droppedVerifier) =
            (ScramVerifier.FromPassword("kept"u8, 2, [1]), ScramVerifier.FromPassword("dropped"u8, 2, [1]));
        Assert.Equal(kept, verifiers.Proof(keptVerifier.StoredKey));
        // The same password under another salt.
        Assert.Null(verifiers.Proof(ScramVerifier.FromPassword("kept"u8, 2, [2]).StoredKey));
        verifiers.Forget(
            [Secret.Of("plain"),
            Secret.Of(
            $"SCRAM-SHA-256$2:AQ==${Convert.ToBase64String(keptVerifier.StoredKey)}:{Convert.ToBase64String(keptVerifier.ServerKey)}")]);
        Assert.Equal(kept, verifiers.Proof(keptVerifier.StoredKey));
        Assert.Null(verifiers.Proof(droppedVerifier.StoredKey));
    }

    [Fact]
    public void An_unknown_user_always_has_the_same_salt()
    {
        var verifiers = new ScramVerifiers([1, 2, 3]);
        Assert.Equal(verifiers.Decoy("ghost", 10).Salt, verifiers.Decoy("ghost", 10).Salt);
        Assert.NotEqual(verifiers.Decoy("ghost", 10).Salt, verifiers.Decoy("spook", 10).Salt);
    }

    [Fact]
    public void A_verifier_recognises_its_password()
    {
        Assert.True(VerifierOf("a").Matches(ScramKeys.FromPassword("a"u8, [1, 2, 3], 7)));
        Assert.False(VerifierOf("a").Matches(ScramKeys.FromPassword("b"u8, [1, 2, 3], 7)));
    }
}
