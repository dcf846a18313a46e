using System.Security.Cryptography;
using System.Text;
using FastPool.Base;
using FastPool.Core.Auth;
using FastPool.Core.Settings;
using FastPool.Protocol;
using Microsoft.Extensions.Logging;

namespace FastPool.Core.Sessions;

/// <summary>
/// The proof of a name, by password or SCRAM. Whatever the name's secret is, and whether there is one, what is asked, told, and
/// when it is told is the same; keys are derived elsewhere.
/// </summary>
public sealed partial class ClientLogin
{
    /// <summary>PostgreSQL's default and ours, for users that have no secret.</summary>
    private static readonly SecretKinds Unknown = new(0, 0, 0, 0, 0);

    private byte[] _salt = [];
    private ScramServerExchange? _scram;
    private byte[] _finalMessage = [];
    private long _provedUs;

    /// <summary>Keys are being made of a password elsewhere.</summary>
    public KeyDerivation? Derivation { get; private set; }

    /// <summary>When a client that could not prove itself is to be told, on the loop's clock.</summary>
    public long RefusalUs { get; private set; }

    private LoginStep OnPassword(ReadOnlySpan<byte> body)
    {
        var end = body.IndexOf((byte)0);
        if (end < 0) return LoginStep.GoOn; // Too short to be read: the login times out.
        var given = body[..end];
        if (given.IsEmpty) return RefuseProof("empty password returned by client");
        if (_method is AuthType.Pam or AuthType.Ldap)
        {
            var authority = _method == AuthType.Pam ? PasswordAuthority.Pam : PasswordAuthority.Ldap;
            Check = new PasswordCheck(authority, client.UserName!, Encoding.Latin1.GetString(given),
                client.Remote.ToIPAddress()?.ToString() ?? "unix", _ldapOptions ?? "");
            return LoginStep.Check;
        }
        _provedUs = context.NowUs;
        if (_method == AuthType.Plain && _secret.Kind == SecretKind.Scram) return DeriveGiven(given);
        var isRight = _method == AuthType.Plain ? IsPlainRight(given) : IsMd5Right(given);
        return isRight && !IsDecoy ? Authenticated() : RefuseLater("password authentication failed");
    }

    /// <summary>A plain password against a verifier. A role may choose the iterations of its own one.</summary>
    private LoginStep DeriveGiven(ReadOnlySpan<byte> given)
    {
        if (_secret.Iterations > ScramClientExchange.IterationsMax)
        {
            context.Log.Failure(client.LogPrefix, $"SCRAM secret has too many iterations: {_secret.Iterations}");
            return RefuseLater("password authentication failed");
        }
        Derivation = new KeyDerivation(given.ToArray(), _secret.Salt, _secret.Iterations);
        return LoginStep.Derive;
    }

    /// <summary>The keys are there.</summary>
    public LoginStep OnDerived()
    {
        var derivation = Derivation!;
        Derivation = null;
        if (derivation.Keys is not { } keys)
            return RefuseLater(_scram is null ? "password authentication failed" : "SASL authentication failed");
        if (_scram is null)
            return ScramVerifier.Of(_secret).Matches(keys) ? Authenticated() : RefuseLater("password authentication failed");
        _scram.Verifier = context.Verifiers.KeepAdHoc(client.UserName!, _secret.Text, _scram.Verifier.Iterations, keys);
        return Prove(_finalMessage);
    }

    /// <summary>The answer is there.</summary>
    public LoginStep OnChecked()
    {
        var check = Check!;
        Check = null;
        foreach (var warning in check.Warnings) context.Log.Caution("", warning);
        if (!check.IsRight)
        {
            return RefuseName(
                check.Authority == PasswordAuthority.Pam ? "PAM authentication failed" : "LDAP authentication failed");
        }
        // For the server, which asks for the same one.
        if (client.Database is { } database) database.FetchedSecrets[client.UserName!] = Secret.OfPassword(check.Password);
        return Authenticated();
    }

    /// <summary>No password fits: the exchange goes on all the same, so that its failure does not tell the cause.</summary>
    private bool IsDecoy => _secret.Kind == SecretKind.Empty;

    /// <summary>
    /// With auth_type md5 these are the users whose secret is a verifier, and a like share of the made-up names.
    /// </summary>
    private bool IsAskedForScram => _secret.Kind switch
    {
        SecretKind.Scram => true,
        SecretKind.Empty => Kinds is var kinds && (kinds == Unknown || kinds.IsAskedForScram(Share)),
        _ => false,
    };

    /// <summary>The kinds of the real users' secrets. A made-up user must look like one of them.</summary>
    private SecretKinds Kinds => _hasAsked
        ? SecretKinds.Of(client.Database!.FetchedSecrets.Take(SecretKinds.SampleMax).Select(static pair => pair.Value))
        : context.Registry.Settings.UserList.Kinds;

    private double Share => context.Verifiers.ShareOf(client.UserName!);

    /// <summary>Salt and iterations of a user who has none: those of a plain password, or those of most verifiers.</summary>
    private ScramVerifier Decoy()
    {
        var kinds = Kinds;
        return kinds.HasVerifier(Share) ? context.Verifiers.Decoy(client.UserName!, kinds.Iterations, kinds.SaltLength)
            : context.Verifiers.Decoy(client.UserName!, Iterations);
    }

    private int Iterations => Math.Max(1, context.Registry.Settings.ScramIterations);

    private bool IsPlainRight(ReadOnlySpan<byte> given)
    {
        switch (_secret.Kind)
        {
            case SecretKind.Plain: return CryptographicOperations.FixedTimeEquals(Encoding.Latin1.GetBytes(_secret.Text), given);
            case SecretKind.Md5:
                return Md5Password.AreEqual(Encoding.Latin1.GetBytes(_secret.Text),
                Md5Password.Store(given, Encoding.Latin1.GetBytes(client.UserName!)));
            default: return false;
        }
    }

    private bool IsMd5Right(ReadOnlySpan<byte> given)
    {
        var stored = _secret.Kind == SecretKind.Md5
            ? Encoding.Latin1.GetBytes(_secret.Text)
            : Md5Password.Store(Encoding.Latin1.GetBytes(_secret.Text), Encoding.Latin1.GetBytes(client.UserName!));
        return Md5Password.AreEqual(Md5Password.Respond(stored, _salt), given);
    }

    private LoginStep OnSaslInitial(ReadOnlySpan<byte> body)
    {
        const int noResponse = -1;
        var end = body.IndexOf((byte)0);
        if (end < 0) return LoginStep.GoOn; // Too short to be read, as below: the login times out.
        var mechanism = body[..end]; // Looked at first: it may be a password.
        var isBound = Binding is not null && mechanism.SequenceEqual("SCRAM-SHA-256-PLUS"u8);
        if (!isBound && !mechanism.SequenceEqual("SCRAM-SHA-256"u8))
            return Refuse("client selected an invalid SASL authentication mechanism");
        if (!SASLInitialResponse.TryRead(body, out var initial) || initial.ResponseLength < noResponse
            || initial.ResponseLength > initial.Response.Length) return LoginStep.GoOn;
        var response = initial.ResponseLength == noResponse ? [] : initial.Response[..initial.ResponseLength];
        var verifier = _secret.Kind switch
        {
            SecretKind.Scram => ScramVerifier.Of(_secret),
            // Its own keys are derived when there is a proof to check.
            SecretKind.Plain => context.Verifiers.Decoy(client.UserName!, Iterations),
            _ => Decoy(),
        };
        _scram =
            new ScramServerExchange(verifier, isMock: IsDecoy
            || _secret.Kind == SecretKind.Md5, RandomBytes(ScramServerExchange.NonceLength), new ScramBinding(Binding, isBound));
        if (_scram.ServerFirst(response) is not { } reply) return FailSasl();
        _phase = Phase.SaslResponse;
        Output.Write(new AuthenticationSASLContinue { Data = reply });
        return LoginStep.GoOn;
    }

    private LoginStep OnSaslResponse(ReadOnlySpan<byte> body)
    {
        _provedUs = context.NowUs;
        if (_secret.Kind == SecretKind.Plain)
        {
            if (context.Verifiers.AdHoc(client.UserName!, _secret.Text, _scram!.Verifier.Iterations) is not { } verifier)
            {
                _finalMessage = body.ToArray();
                Derivation =
                    new KeyDerivation(Encoding.Latin1.GetBytes(_secret.Text), _scram.Verifier.Salt, _scram.Verifier.Iterations);
                return LoginStep.Derive;
            }
            _scram.Verifier = verifier;
        }
        return Prove(body);
    }

    private LoginStep Prove(ReadOnlySpan<byte> body)
    {
        if (_scram!.ServerFinal(body) is not { } reply) return FailSasl();
        Output.Write(new AuthenticationSASLFinal { Data = reply });
        if (_secret.Kind == SecretKind.Scram) context.Verifiers.KeepProof(new ScramKeys(_scram.ClientKey!, _secret.ServerKey));
        return Authenticated();
    }

    private LoginStep FailSasl()
    {
        context.Log.Failure(client.LogPrefix, _secret.Kind == SecretKind.Md5 ? "SCRAM authentication failed: user has MD5 secret"
            : _scram!.Problem);
        return RefuseLater("SASL authentication failed");
    }

    /// <summary>
    /// A proof has failed. The time to find that out differs with the secret, and is nothing for a made-up name. So all of
    /// them are told at a fixed time after they came, or at a multiple of it.
    /// </summary>
    private LoginStep RefuseLater(string message)
    {
        RefuseProof(message);
        var steps = 1 + (context.NowUs - _provedUs) / Limits.RefusalStepUs;
        RefusalUs = _provedUs + steps * Limits.RefusalStepUs;
        return LoginStep.DisconnectLater;
    }
}
