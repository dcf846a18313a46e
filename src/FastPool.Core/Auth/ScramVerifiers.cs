using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace FastPool.Core.Auth;

/// <summary>
/// Verifiers worked out from plain passwords, and keys worked out for servers: each costs thousands of hashes, so it is
/// done once. Dropped when the userlist is read again. Any loop may ask.
/// </summary>
public sealed class ScramVerifiers(byte[] mockSecret)
{
    private const int EntriesMax = 65_536;

    private readonly ConcurrentDictionary<(string Password, int Iterations), ScramVerifier> _adHoc = new();
    private readonly ConcurrentDictionary<string, ScramKeys> _proofs = new();
    private readonly ConcurrentDictionary<(string Password, string Salt, int Iterations), ScramKeys> _keys = new();

    /// <summary>For a user whose secret is a plain password (Latin-1 text of its bytes).</summary>
    public ScramVerifier AdHoc(string password, int iterations, Func<byte[]> newSalt)
    {
        if (_adHoc.TryGetValue((password, iterations), out var verifier)) return verifier;
        if (_adHoc.Count >= EntriesMax) _adHoc.Clear();
        verifier = ScramVerifier.FromPassword(Encoding.Latin1.GetBytes(password), iterations, newSalt());
        return _adHoc.GetOrAdd((password, iterations), verifier);
    }

    /// <summary>For a login to a server under a plain password.</summary>
    public ScramKeys Keys(string password, byte[] salt, int iterations)
    {
        var key = (password, Convert.ToBase64String(salt), iterations);
        if (_keys.TryGetValue(key, out var keys)) return keys;
        if (_keys.Count >= EntriesMax) _keys.Clear();
        return _keys.GetOrAdd(key, ScramKeys.FromPassword(Encoding.Latin1.GetBytes(password), salt, iterations));
    }

    /// <summary>For a user that does not exist: the salt is always the same for a name, so that names cannot be probed.</summary>
    public ScramVerifier Mock(string user, int iterations)
    {
        var name = Encoding.Latin1.GetBytes(user);
        var input = new byte[name.Length + mockSecret.Length];
        name.CopyTo(input, 0);
        mockSecret.CopyTo(input, name.Length);
        var hash = SHA256.HashData(input);
        return new ScramVerifier(iterations, hash[..ScramVerifier.SaltLength], SHA256.HashData(hash), hash);
    }

    /// <summary>Keeps what a client of that name proved against its stored verifier: logins to a server with the same verifier use it.</summary>
    public void KeepProof(string user, ScramKeys keys) => _proofs[user] = keys;

    public IEnumerable<KeyValuePair<string, ScramKeys>> Proofs => _proofs;

    public ScramKeys? Proof(string user) => _proofs.GetValueOrDefault(user);

    public void Forget()
    {
        _adHoc.Clear();
        _keys.Clear();
    }
}
