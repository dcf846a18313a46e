using System.Text;
using FastPool.Core.Settings;
using FastPool.Protocol;

namespace FastPool.Core.Auth;

/// <summary>
/// Proves to one server who we are: authentication requests in, answers out. Source: PostgreSQL, Start-up; spec, auth.md 6.
/// </summary>
/// <param name="secret">Looked up when the server asks.</param>
/// <param name="random">A nonce of so many bytes.</param>
public sealed class ServerProof(string user, Func<Secret> secret, ScramVerifiers verifiers, Func<int, byte[]> random)
{
    private const string WrongType = "server login failed: wrong password type";

    private ScramClientExchange? _scram;
    private ScramKeys? _provedKeys;
    private string _password = "";

    /// <summary>For the log, when a request could not be answered; "" where the reason says it all.</summary>
    public string Problem { get; private set; } = "";

    /// <summary>The error for clients that wait for the server; null: a retry may help.</summary>
    public string? Told { get; private set; }

    /// <summary>Keys that are to be derived before anything more is taken in: then comes <see cref="OnDerived"/>.</summary>
    public KeyDerivation? Derivation { get; private set; }

    /// <summary>Takes the body of an Authentication message.</summary>
    /// <param name="endPoint">The channel that SCRAM may be bound to; null: plain, or nothing.</param>
    /// <returns>False: the connection is to be closed.</returns>
    public bool TryAnswer(ReadOnlySpan<byte> body, byte[]? endPoint, MessageBuffer output)
    {
        if (!AuthenticationRequest.TryRead(body, out var request)) return false;
        switch (request.Kind)
        {
            case AuthenticationCode.Ok: return true;
            case AuthenticationCode.CleartextPassword:
                output.Write(new PasswordMessage { Password = Encoding.Latin1.GetBytes(secret().Text) });
                return true;
            case AuthenticationCode.MD5Password: return OnMd5(request.Data, output);
            case AuthenticationCode.SASL: return OnSasl(request.Data, endPoint, output);
            case AuthenticationCode.SASLContinue: return OnSaslContinue(request.Data, output);
            case AuthenticationCode.SASLFinal: return OnSaslFinal(request.Data);
            default: return Fail($"unknown/unsupported auth method: {request.Kind}");
        }
    }

    private bool OnMd5(ReadOnlySpan<byte> salt, MessageBuffer output)
    {
        if (salt.Length < Md5Password.SaltLength) return false;
        var known = secret();
        if (known.Kind == SecretKind.Scram) return Fail("cannot do MD5 authentication: wrong password type", WrongType);
        var stored = known.Kind == SecretKind.Md5
            ? Encoding.Latin1.GetBytes(known.Text)
            : Md5Password.Store(Encoding.Latin1.GetBytes(known.Text), Encoding.Latin1.GetBytes(user));
        output.Write(new PasswordMessage { Password = Md5Password.Respond(stored, salt[..Md5Password.SaltLength]) });
        return true;
    }

    private bool OnSasl(ReadOnlySpan<byte> mechanisms, byte[]? endPoint, MessageBuffer output)
    {
        var isOffered = false;
        var isBoundOffered = false;
        var walk = new SaslMechanisms(mechanisms);
        while (walk.MoveNext())
        {
            isOffered |= walk.Current.SequenceEqual("SCRAM-SHA-256"u8);
            isBoundOffered |= walk.Current.SequenceEqual("SCRAM-SHA-256-PLUS"u8);
        }
        var binding = new ScramBinding(endPoint, IsChosen: isBoundOffered && endPoint is not null);
        if (!isOffered && !binding.IsChosen)
        {
            const string none = "none of the server's SASL authentication mechanisms are supported";
            return Fail(none, "server login failed: " + none);
        }
        if (_scram is not null) return Fail("protocol error: duplicate AuthenticationSASL request");

        var known = secret();
        if (known.Kind == SecretKind.Md5) return Fail("cannot do SCRAM authentication: wrong password type", WrongType);
        var passedOn = verifiers.Proof(known.StoredKey);
        if (known.Kind == SecretKind.Scram && passedOn is null)
            return Fail(
                "cannot do SCRAM authentication: password is SCRAM secret but client authentication did not provide SCRAM keys",
                WrongType);

        (_provedKeys, _password) = known.Kind == SecretKind.Scram ? (passedOn, "") : (null, known.Text);
        _scram = new ScramClientExchange(random(ScramServerExchange.NonceLength), binding);
        var first = _scram.ClientFirst();
        output.Write(
            new SASLInitialResponse
            {
                Mechanism = binding.IsChosen ? "SCRAM-SHA-256-PLUS"u8
            : "SCRAM-SHA-256"u8,
                ResponseLength = first.Length,
                Response = first
            });
        return true;
    }

    private bool OnSaslContinue(ReadOnlySpan<byte> data, MessageBuffer output)
    {
        if (_scram is null) return Fail("protocol error: AuthenticationSASLContinue out of order");
        if (!_scram.TryTakeServerFirst(data)) return Fail(_scram.Problem);
        if ((_provedKeys ?? verifiers.Keys(_password, _scram.Salt, _scram.Iterations)) is { } keys) Finish(keys, output);
        else Derivation = new KeyDerivation(Encoding.Latin1.GetBytes(_password), _scram.Salt, _scram.Iterations);
        return true;
    }

    /// <summary>The keys are there: the login goes on.</summary>
    /// <returns>False: the connection is to be closed.</returns>
    public bool OnDerived(MessageBuffer output)
    {
        var derivation = Derivation!;
        Derivation = null;
        if (derivation.Keys is not { } keys) return Fail("SCRAM keys could not be derived");
        verifiers.KeepKeys(_password, derivation.Salt, derivation.Iterations, keys);
        Finish(keys, output);
        return true;
    }

    private void Finish(ScramKeys keys, MessageBuffer output) =>
        output.Write(new SASLResponse { Data = _scram!.ClientFinal(keys) });

    private bool OnSaslFinal(ReadOnlySpan<byte> data)
    {
        if (_scram is null) return Fail("protocol error: AuthenticationSASLFinal out of order");
        if (_scram.CheckServerFinal(data, out var isSignatureWrong)) return true;
        return Fail(_scram.Problem, isSignatureWrong ? "server login failed: invalid server signature" : null);
    }

    private bool Fail(string problem, string? told = null)
    {
        (Problem, Told) = (problem, told);
        return false;
    }
}
