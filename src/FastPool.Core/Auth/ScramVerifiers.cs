using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using FastPool.Core.Settings;

namespace FastPool.Core.Auth;

/// <summary>
/// Verifiers worked out from plain passwords, keys worked out for servers, and keys that clients proved: each costs thousands
/// of hashes or a client's password, so it is kept. A reload drops what it made obsolete. Any loop may ask.
/// </summary>
public sealed class ScramVerifiers(byte[] mockSecret)
{
    private const int EntriesMax = 65_536;
    private const int UnknownUsersMax = 4096;
    private const int MockEffortMax = 4096; // The usual iterations.

    private readonly ConcurrentDictionary<(string User, string Password, int Iterations), ScramVerifier> _adHoc = new();
    private readonly ConcurrentDictionary<(string User, int Iterations), ScramVerifier> _mocks = new();
    private readonly ConcurrentDictionary<string, ScramKeys> _proofs = new(); // By StoredKey: they fit that verifier and no other.
    private readonly ConcurrentDictionary<(string Password, string Salt, int Iterations), ScramKeys> _keys = new();

    /// <summary>For a user whose secret is a plain password (Latin-1 text of its bytes).</summary>
    public ScramVerifier AdHoc(string user, string password, int iterations)
    {
        if (_adHoc.TryGetValue((user, password, iterations), out var verifier)) return verifier;
        if (_adHoc.Count >= EntriesMax) _adHoc.Clear();
        verifier = ScramVerifier.FromPassword(Encoding.Latin1.GetBytes(password), iterations, HashOf(user)[..ScramVerifier.SaltLength]);
        return _adHoc.GetOrAdd((user, password, iterations), verifier);
    }

    /// <summary>For a login to a server under a plain password.</summary>
    public ScramKeys Keys(string password, byte[] salt, int iterations)
    {
        var key = (password, Convert.ToBase64String(salt), iterations);
        if (_keys.TryGetValue(key, out var keys)) return keys;
        if (_keys.Count >= EntriesMax) _keys.Clear();
        return _keys.GetOrAdd(key, ScramKeys.FromPassword(Encoding.Latin1.GetBytes(password), salt, iterations));
    }

    /// <summary>
    /// For a user that does not exist. Salt and effort are those of a user with a plain password, before and after a reload, so
    /// that names cannot be probed; the effort has an end, so that names made up by the thousand cost no more than that.
    /// </summary>
    public ScramVerifier Mock(string user, int iterations)
    {
        if (_mocks.TryGetValue((user, iterations), out var verifier)) return verifier;
        if (_mocks.Count >= UnknownUsersMax) _mocks.Clear();
        var hash = HashOf(user);
        verifier = ScramVerifier.FromPassword(hash, Math.Min(iterations, MockEffortMax), hash[..ScramVerifier.SaltLength]) with { Iterations = iterations };
        return _mocks.GetOrAdd((user, iterations), verifier);
    }

    /// <summary>Always the same for a name, and told by nothing else than this process.</summary>
    private byte[] HashOf(string user) => SHA256.HashData([.. Encoding.Latin1.GetBytes(user), .. mockSecret]);

    /// <summary>Keeps what a client proved against its stored verifier: logins to a server with the same verifier use it.</summary>
    public void KeepProof(ScramKeys keys) => _proofs[Convert.ToBase64String(SHA256.HashData(keys.ClientKey))] = keys;

    public ICollection<ScramKeys> Proofs => _proofs.Values;

    /// <returns>Null: nobody has proved that yet.</returns>
    public ScramKeys? Proof(ReadOnlySpan<byte> storedKey) => _proofs.GetValueOrDefault(Convert.ToBase64String(storedKey));

    /// <summary>After a reload.</summary>
    /// <param name="secrets">All that users have now, looked at only if there is something to forget: what was proved against another one is gone with it.</param>
    public void Forget(IEnumerable<Secret> secrets)
    {
        _adHoc.Clear();
        _mocks.Clear();
        _keys.Clear();
        if (_proofs.IsEmpty) return;
        var current = secrets.Where(static secret => secret.Kind == SecretKind.Scram).Select(static secret => Convert.ToBase64String(secret.StoredKey)).ToHashSet();
        foreach (var (storedKey, _) in _proofs)
        {
            if (!current.Contains(storedKey)) _proofs.TryRemove(storedKey, out _);
        }
    }
}
