using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FastPool.Base;

namespace FastPool.Core.Auth;

/// <summary>
/// The client's half of SCRAM-SHA-256, spoken with PostgreSQL. Keys come from a password (worked out for the server's
/// salt, which may take long and is the caller's to do) or were kept from a client that proved itself.
/// </summary>
public sealed class ScramClientExchange(ReadOnlySpan<byte> nonce18, ScramBinding channel = default)
{
    /// <summary>More iterations than any sane server asks for.</summary>
    public const int IterationsMax = 1_000_000;

    private readonly string _clientFirstBare = "n=,r=" + ScramText.Encode(nonce18);
    private ScramKeys? _keys;
    private byte[] _authMessage = [];
    private string? _serverFirst;
    private string _nonce = "";

    /// <summary>The server's first message: the keys are to be made of it.</summary>
    public byte[] Salt { get; private set; } = [];

    /// <inheritdoc cref="Salt"/>
    public int Iterations { get; private set; }

    public string Problem { get; private set; } = "";

    /// <summary>
    /// y tells the server that we could bind but saw no offer: if it made one, an attacker in between has removed it.
    /// </summary>
    private string Header =>
        channel.IsChosen ? Encoding.Latin1.GetString(ScramBinding.Header) : channel.IsOffered ? "y,," : "n,,";

    public byte[] ClientFirst() => ScramText.Bytes(Header + _clientFirstBare);

    /// <returns>False with <see cref="Problem"/>; else <see cref="ClientFinal"/> is next, with the keys for <see cref="Salt"/>
    /// and <see cref="Iterations"/>.</returns>
    public bool TryTakeServerFirst(ReadOnlySpan<byte> serverFirst)
    {
        if (_serverFirst is not null) return Fail("protocol error: duplicate AuthenticationSASLContinue message");
        var rest = serverFirst;
        if (!ScramText.TryTake(ref rest, 'r', out var nonce)) return Fail("malformed SCRAM message (attribute expected)");
        var own = _clientFirstBare.AsSpan(5);
        if (nonce.Length <= own.Length || Encoding.Latin1.GetString(nonce[..own.Length]) != own.ToString())
            return Fail("invalid SCRAM response (nonce mismatch)");
        if (!ScramText.IsPrintable(nonce)) return Fail("invalid SCRAM response (nonce mismatch)");
        if (!ScramText.TryTake(ref rest, 's', out var saltText) || saltText.Length > Limits.ScramSaltTextBytes
            || !ScramText.TryDecode(saltText, out var salt)) return Fail("malformed SCRAM message (invalid salt)");
        if (!ScramText.TryTake(ref rest, 'i', out var iterationsText)
            || !int.TryParse(iterationsText, NumberStyles.None, CultureInfo.InvariantCulture, out var iterations)
            || iterations is < 1 or > IterationsMax)
        {
            return Fail("malformed SCRAM message (invalid iteration count)");
        }

        (Salt, Iterations) = (salt, iterations);
        _serverFirst = Encoding.Latin1.GetString(serverFirst);
        _nonce = Encoding.Latin1.GetString(nonce);
        return true;
    }

    public byte[] ClientFinal(ScramKeys keys)
    {
        _keys = keys;
        byte[] bound = [.. ScramText.Bytes(Header), .. channel.IsChosen ? channel.EndPoint! : []];
        var withoutProof = $"c={ScramText.Encode(bound)},r=" + _nonce;
        _authMessage = ScramText.Bytes($"{_clientFirstBare},{_serverFirst},{withoutProof}");
        var proof = HMACSHA256.HashData(SHA256.HashData(_keys.ClientKey), _authMessage);
        for (var i = 0; i < proof.Length; i++) proof[i] ^= _keys.ClientKey[i];
        return ScramText.Bytes($"{withoutProof},p={ScramText.Encode(proof)}");
    }

    /// <returns>False with <see cref="Problem"/> when the server does not know the password either.</returns>
    public bool CheckServerFinal(ReadOnlySpan<byte> serverFinal, out bool isSignatureWrong)
    {
        isSignatureWrong = false;
        var rest = serverFinal;
        if (_keys is null) return Fail("protocol error: AuthenticationSASLFinal out of order");
        if (ScramText.TryTake(ref rest, 'e', out var error))
            return Fail("error received from server in SCRAM exchange: " + Encoding.Latin1.GetString(error));
        if (!ScramText.TryTake(ref rest, 'v', out var text) || !ScramText.TryDecode(text, out var signature))
            return Fail("malformed SCRAM message (invalid server signature)");
        isSignatureWrong =
            !CryptographicOperations.FixedTimeEquals(signature, HMACSHA256.HashData(_keys.ServerKey, _authMessage));
        return !isSignatureWrong || Fail("invalid server signature");
    }

    private bool Fail(string problem)
    {
        Problem = problem;
        return false;
    }
}
