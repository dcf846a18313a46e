using System.Security.Cryptography;
using System.Text;

namespace FastPool.Core.Auth;

/// <summary>
/// The server's half of SCRAM-SHA-256, spoken with a client. Two steps; each gives the bytes of the next SASL message, or
/// null with the text for the log. A mock verifier makes every proof fail without showing that the user is unknown.
/// </summary>
/// <param name="verifier">Salt and iterations are told at once; its keys may come later, see <see cref="Verifier"/>.</param>
public sealed class ScramServerExchange(ScramVerifier verifier, bool isMock, ReadOnlySpan<byte> nonce18,
    ScramBinding channel = default)
{
    public const string Mechanism = "SCRAM-SHA-256";
    /// <summary>Random bytes of our nonce; 24 characters as base64.</summary>
    public const int NonceLength = 18;

    private readonly string _ownNonce = ScramText.Encode(nonce18);
    private string _clientFirstBare = "";
    private string _serverFirst = "";
    private string _nonce = "";
    private byte[] _bindingExpected = [];

    /// <summary>
    /// The proof is checked against this: with its keys by <see cref="ServerFinal"/>, when its salt and iterations have been
    /// told.
    /// </summary>
    public ScramVerifier Verifier { get; set; } = verifier;

    /// <summary>Why the exchange failed, for the log.</summary>
    public string Problem { get; private set; } = "";

    /// <summary>
    /// The client's key, recovered from its proof: with it the pooler can log in to a server that has the same verifier.
    /// </summary>
    public byte[]? ClientKey { get; private set; }

    public byte[]? ServerFirst(ReadOnlySpan<byte> clientFirst)
    {
        var rest = clientFirst;
        if (rest.IsEmpty) return Fail("malformed SCRAM message (empty message)");
        if (rest[0] == 'p' && !channel.IsChosen)
        {
            return Fail(channel.IsOffered
                ? "malformed SCRAM message (client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data)"
                : "client requires SCRAM channel binding, but it is not supported");
        }
        if (rest[0] is (byte)'n' or (byte)'y' && channel.IsChosen)
            return Fail(
            "malformed SCRAM message (client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data)");
        switch (rest[0])
        {
            case (byte)'n': _bindingExpected = "biws"u8.ToArray(); break;
            // It believes that we have no channel binding: an attacker took our offer out of the list.
            case (byte)'y' when channel.IsOffered:
                return Fail(
                    "SCRAM channel binding negotiation error (the client supports SCRAM channel binding but thinks the server does not)");
            case (byte)'y': _bindingExpected = "eSws"u8.ToArray(); break;
            case (byte)'p':
                if (!rest.StartsWith(ScramBinding.Header[..^2])) return Fail("unsupported SCRAM channel-binding type");
                rest = rest[(ScramBinding.Header.Length - 3)..]; // The letter's place is taken by the type's last one.
                _bindingExpected = ScramText.Bytes(ScramText.Encode([.. ScramBinding.Header, .. channel.EndPoint!]));
                break;
            default: return Fail("malformed SCRAM message (unexpected channel-binding flag)");
        }
        if (rest.Length < 2 || rest[1] != ',') return Fail("malformed SCRAM message (comma expected)");
        rest = rest[2..];
        if (!rest.IsEmpty && rest[0] == 'a') return Fail("client uses authorization identity, but it is not supported");
        if (rest.IsEmpty || rest[0] != ',') return Fail("malformed SCRAM message (unexpected attribute in client-first-message)");
        rest = rest[1..];
        _clientFirstBare = Encoding.Latin1.GetString(rest);
        if (!rest.IsEmpty && rest[0] == 'm') return Fail("client requires an unsupported SCRAM extension");
        if (!ScramText.TryTake(ref rest, 'n', out _) || !ScramText.TryTake(ref rest, 'r', out var clientNonce))
            return Fail("malformed SCRAM message (attribute expected)");
        if (!ScramText.IsPrintable(clientNonce)) return Fail("non-printable characters in SCRAM nonce");
        _nonce = Encoding.Latin1.GetString(clientNonce) + _ownNonce;
        _serverFirst = $"r={_nonce},s={ScramText.Encode(Verifier.Salt)},i={Verifier.Iterations}";
        return ScramText.Bytes(_serverFirst);
    }

    public byte[]? ServerFinal(ReadOnlySpan<byte> clientFinal)
    {
        var rest = clientFinal;
        if (!ScramText.TryTake(ref rest, 'c', out var binding)) return Fail("malformed SCRAM message (attribute expected)");
        if (!binding.SequenceEqual(_bindingExpected))
            return Fail("unexpected SCRAM channel-binding attribute in client-final-message");
        if (!ScramText.TryTake(ref rest, 'r', out var nonce)) return Fail("malformed SCRAM message (attribute expected)");
        if (!nonce.SequenceEqual(ScramText.Bytes(_nonce))) return Fail("invalid SCRAM response (nonce does not match)");
        var proofAt = clientFinal.LastIndexOf(",p="u8);
        if (proofAt < 0) return Fail("malformed SCRAM message (proof expected)");
        if (!ScramText.TryDecode(clientFinal[(proofAt + 3)..], out var proof) || proof.Length != ScramVerifier.KeyLength)
            return Fail("malformed SCRAM message (malformed proof in client-final-message)");

        var authMessage =
            ScramText.Bytes($"{_clientFirstBare},{_serverFirst},{Encoding.Latin1.GetString(clientFinal[..proofAt])}");
        Span<byte> clientKey = stackalloc byte[ScramVerifier.KeyLength];
        HMACSHA256.HashData(Verifier.StoredKey, authMessage, clientKey);
        for (var i = 0; i < clientKey.Length; i++) clientKey[i] ^= proof[i];
        Span<byte> stored = stackalloc byte[ScramVerifier.KeyLength];
        SHA256.HashData(clientKey, stored);
        if (!CryptographicOperations.FixedTimeEquals(stored, Verifier.StoredKey) | isMock)
            return Fail("password authentication failed");
        ClientKey = clientKey.ToArray();
        return ScramText.Bytes("v=" + ScramText.Encode(HMACSHA256.HashData(Verifier.ServerKey, authMessage)));
    }

    private byte[]? Fail(string problem)
    {
        Problem = problem;
        return null;
    }
}
