using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using FastPool.Base;
using FastPool.Core.Settings;

namespace FastPool.Core.Auth;

/// <summary>
/// Verifiers worked out from plain passwords, keys worked out for servers, and keys that clients proved: each costs thousands
/// of hashes or a client's password, so it is kept. A reload drops what it made obsolete. Any loop may ask.
/// </summary>
public sealed class ScramVerifiers(byte[] decoySecret)
{
    private const int EntriesMax = 65_536;
    // The first byte tells apart the things made of a name; smaller ones number the pieces of a salt.
    private const byte StoredKeyPart = 253;
    private const byte ServerKeyPart = 254;
    private const byte KindPart = 255;

    private readonly ConcurrentDictionary<Digest, ScramVerifier> _adHoc = new();
    // Keyed by StoredKey: they fit that verifier and no other.
    private readonly ConcurrentDictionary<string, ScramKeys> _proofs = new();
    private readonly ConcurrentDictionary<Digest, ScramKeys> _keys = new();
    private byte[] _decoySecret = decoySecret;

    /// <summary>A key of fixed size, because peers choose the length of salts.</summary>
    private readonly record struct Digest(Int128 First, Int128 Second)
    {
        internal static Digest Of(string text, ReadOnlySpan<byte> salt, int iterations)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var bytes = Encoding.Latin1.GetBytes(text);
            Span<byte> numbers = stackalloc byte[8];
            BinaryPrimitives.WriteInt32BigEndian(numbers, bytes.Length);
            BinaryPrimitives.WriteInt32BigEndian(numbers[4..], iterations);
            hash.AppendData(numbers);
            hash.AppendData(bytes);
            hash.AppendData(salt);
            Span<byte> result = stackalloc byte[SHA256.HashSizeInBytes];
            hash.GetHashAndReset(result);
            return new Digest(BinaryPrimitives.ReadInt128BigEndian(result), BinaryPrimitives.ReadInt128BigEndian(result[16..]));
        }
    }

    /// <summary>
    /// The secret from which salts are made, for names that have none of their own. The same after a restart, so that changing
    /// salts do not betray made-up names. Before the first login.
    /// </summary>
    public void UseSecret(byte[] secret) => _decoySecret = secret;

    // ---- clients ----------------------------------------------------------------------------------------------------

    /// <summary>The salt of a name that has none of its own: always the same, and told by nothing else than the secret.</summary>
    public byte[] SaltOf(string user, int length = ScramVerifier.SaltLength)
    {
        var salt = new byte[length];
        for (var at = 0; at < length; at += SHA256.HashSizeInBytes)
        {
            var part = HashOf((byte)(at / SHA256.HashSizeInBytes), user);
            part.AsSpan(0, Math.Min(part.Length, length - at)).CopyTo(salt.AsSpan(at));
        }
        return salt;
    }

    /// <summary>For a user whose secret is a plain password (Latin-1 text of its bytes).</summary>
    /// <returns>Null: its keys have to be derived, and given to <see cref="KeepAdHoc"/>.</returns>
    public ScramVerifier? AdHoc(string user, string password, int iterations) =>
        _adHoc.GetValueOrDefault(Digest.Of(password, SaltOf(user), iterations));

    /// <inheritdoc cref="AdHoc"/>
    public ScramVerifier KeepAdHoc(string user, string password, int iterations, ScramKeys keys)
    {
        if (_adHoc.Count >= EntriesMax) _adHoc.Clear();
        var verifier = ScramVerifier.FromKeys(keys, iterations, SaltOf(user));
        return _adHoc.GetOrAdd(Digest.Of(password, verifier.Salt, iterations), verifier);
    }

    /// <summary>
    /// For a user that does not exist, or whose secret fits no exchange: it looks like one of those that exist, and no password
    /// fits it. Its keys are made without iterations, so that made-up names cost what real ones do.
    /// </summary>
    public ScramVerifier Decoy(string user, int iterations, int saltLength = ScramVerifier.SaltLength) =>
        new(iterations, SaltOf(user, saltLength), HashOf(StoredKeyPart, user), HashOf(ServerKeyPart, user));

    /// <summary>A number below 1 that a name always has: which kind of user a made-up one looks like.</summary>
    public double ShareOf(string user) => BinaryPrimitives.ReadUInt32BigEndian(HashOf(KindPart, user)) / (uint.MaxValue + 1.0);

    private byte[] HashOf(byte part, string user) =>
        HMACSHA256.HashData(_decoySecret, (byte[])[part, .. Encoding.Latin1.GetBytes(user)]);

    /// <summary>
    /// Keeps what a client proved against its stored verifier: logins to a server with the same verifier use it.
    /// </summary>
    public void KeepProof(ScramKeys keys) => _proofs[Convert.ToBase64String(SHA256.HashData(keys.ClientKey))] = keys;

    public ICollection<ScramKeys> Proofs => _proofs.Values;

    /// <returns>Null: no client has proved that yet.</returns>
    public ScramKeys? Proof(ReadOnlySpan<byte> storedKey) => _proofs.GetValueOrDefault(Convert.ToBase64String(storedKey));

    // ---- servers ----------------------------------------------------------------------------------------------------

    /// <summary>For a login to a server under a plain password.</summary>
    /// <returns>Null: they have to be derived, and given to <see cref="KeepKeys"/>.</returns>
    public ScramKeys? Keys(string password, byte[] salt, int iterations) =>
        _keys.GetValueOrDefault(Digest.Of(password, salt, iterations));

    /// <inheritdoc cref="Keys"/>
    public void KeepKeys(string password, byte[] salt, int iterations, ScramKeys keys)
    {
        if (_keys.Count >= Limits.ServerKeysMax) _keys.Clear();
        _keys[Digest.Of(password, salt, iterations)] = keys;
    }

    /// <summary>How many are kept, for tests and figures.</summary>
    public int KeysKept => _keys.Count;

    /// <summary>After a reload.</summary>
    /// <param name="secrets">All that users have now, looked at only if there is something to forget: what was proved against
    /// another one is gone with it.</param>
    public void Forget(IEnumerable<Secret> secrets)
    {
        _adHoc.Clear();
        _keys.Clear();
        if (_proofs.IsEmpty) return;
        var current = secrets.Where(static secret => secret.Kind == SecretKind.Scram)
            .Select(static secret => Convert.ToBase64String(secret.StoredKey)).ToHashSet();
        foreach (var (storedKey, _) in _proofs)
        {
            if (!current.Contains(storedKey)) _proofs.TryRemove(storedKey, out _);
        }
    }
}
