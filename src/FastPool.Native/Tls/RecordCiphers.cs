using System.Security.Cryptography;
using FastPool.Base;

namespace FastPool.Native;

/// <summary>
/// The cipher contexts of one thread. A context takes a kilobyte, and giving it a key costs half as much as a short record; so
/// the connections that were busy last have theirs, and the idle ones have none. Belongs to its thread.
/// </summary>
internal sealed unsafe class RecordCiphers
{
    internal const int TagBytes = 16;

    /// <summary>A copy of so many bytes costs less than a call, and their cipher no more than a microsecond.</summary>
    private const int ShortBytes = 1024;
    private const int PlacesMax = 128;
    private const int GetTag = 0x10;
    private const int SetTag = 0x11;

    private readonly Place[] _places = new Place[PlacesMax];
    private int _nextPlace;
    private Context _trial;

    private struct Place
    {
        internal TlsRecords? Owner;
        internal Context Sealing;
        internal Context Opening;
    }

    /// <summary>Of one direction.</summary>
    private struct Context
    {
        internal nint Handle;
        internal RecordSuite Suite;

        /// <summary>The key in it is the present one of the place's owner.</summary>
        internal bool IsOwners;

        /// <summary>There is a key in it, of the owner or of another.</summary>
        internal bool HasKey;
    }

    /// <summary>The library has the cipher, and does not forbid it.</summary>
    internal bool Knows(RecordSuite suite)
    {
        if (_trial.Suite == suite || TryPrepare(ref _trial, suite, isSealing: true)) return true;
        OpenSsl.ERR_clear_error();
        return false;
    }

    /// <summary>
    /// Encrypts content and type with the keys' next nonce, for the record whose header is <paramref name="header"/>, and counts.
    /// The output is as long as both, and the tag.
    /// </summary>
    /// <returns>False when the library does not do it.</returns>
    internal bool TrySeal(TlsRecords owner, RecordSuite suite, RecordKeys* keys, byte* header, ReadOnlySpan<byte> content,
        byte type, byte* output)
    {
        ref var context = ref PlaceOf(owner, isSealing: true).Sealing;
        int written;
        if (!TryBegin(ref context, suite, keys, header, isSealing: true)) return false;
        keys->Sequence++; // This nonce is used up, even if the call fails.
        if (content.Length <= ShortBytes)
        {
            content.CopyTo(new Span<byte>(output, content.Length));
            output[content.Length] = type;
            if (OpenSsl.UpdateShort(context.Handle, output, &written, output, content.Length + 1) != 1) return false;
        }
        else
        {
            fixed (byte* bytes = content)
            {
                if (OpenSsl.EVP_CipherUpdate(context.Handle, output, &written, bytes, content.Length) != 1) return false;
            }
            output += written;
            if (OpenSsl.UpdateShort(context.Handle, output, &written, &type, 1) != 1) return false;
        }
        output += written;
        if (OpenSsl.EVP_CipherFinal_ex(context.Handle, output, &written) != 1) return false;
        return OpenSsl.EVP_CIPHER_CTX_ctrl(context.Handle, GetTag, TagBytes, output + written) == 1;
    }

    /// <summary>Decrypts the body of a record with the keys' next nonce, and counts.</summary>
    /// <param name="body">With the tag.</param>
    /// <param name="plain">As long as the body without the tag. On failure there is nothing in it.</param>
    /// <returns>False: it was not sealed with this key, for this place in the stream.</returns>
    internal bool TryOpen(TlsRecords owner, RecordSuite suite, RecordKeys* keys, byte* header, ReadOnlySpan<byte> body,
        Span<byte> plain)
    {
        Check.That(body.Length >= TagBytes && plain.Length == body.Length - TagBytes);
        ref var context = ref PlaceOf(owner, isSealing: false).Opening;
        int written;
        if (!TryBegin(ref context, suite, keys, header, isSealing: false)) return false;
        keys->Sequence++;
        fixed (byte* input = body, output = plain)
        {
            byte rest;
            if ((plain.Length <= ShortBytes
                ? plain.Length == 0 || OpenSsl.UpdateShort(context.Handle, output, &written, input, plain.Length) == 1
                : OpenSsl.EVP_CipherUpdate(context.Handle, output, &written, input, plain.Length) == 1)
                && OpenSsl.EVP_CIPHER_CTX_ctrl(context.Handle, SetTag, TagBytes, input + plain.Length) == 1
                && OpenSsl.EVP_CipherFinal_ex(context.Handle, &rest, &written) == 1) return true;
        }
        OpenSsl.ERR_clear_error();
        plain.Clear();
        return false;
    }

    private static bool TryBegin(ref Context context, RecordSuite suite, RecordKeys* keys, byte* header, bool isSealing)
    {
        if (context.Suite != suite && !TryPrepare(ref context, suite, isSealing)) return false;
        var nonce = stackalloc byte[RecordKeys.NonceBytes];
        keys->WriteNonce(nonce);
        var key = context.IsOwners ? null : keys->Key;
        context.HasKey = true; // Even if the call fails.
        if (OpenSsl.BeginRecord(context.Handle, 0, 0, key, nonce, isSealing ? 1 : 0) != 1) return false;
        context.IsOwners = true;
        int written;
        return OpenSsl.UpdateShort(context.Handle, null, &written, header, TlsRecords.HeaderBytes) == 1;
    }

    private static bool TryPrepare(ref Context context, RecordSuite suite, bool isSealing)
    {
        if (context.Handle == 0) context.Handle = OpenSsl.EVP_CIPHER_CTX_new();
        if (context.Handle == 0) return false;
        Wipe(ref context);
        context.Suite = RecordSuite.None;
        if (OpenSsl.EVP_CipherInit_ex(context.Handle, suite.Cipher(), 0, null, null, isSealing ? 1 : 0) != 1) return false;
        context.Suite = suite;
        return true;
    }

    /// <summary>
    /// The owner's contexts. Where it has none, it gets the place that was taken longest ago; the key there of the direction that
    /// is wanted is replaced at once, the other is wiped.
    /// </summary>
    private ref Place PlaceOf(TlsRecords owner, bool isSealing)
    {
        ref var own = ref _places[owner.CipherPlace];
        if (ReferenceEquals(own.Owner, owner)) return ref own;
        ref var taken = ref _places[_nextPlace];
        taken.Owner = owner;
        owner.CipherPlace = (byte)_nextPlace;
        _nextPlace = (_nextPlace + 1) % PlacesMax;
        taken.Sealing.IsOwners = taken.Opening.IsOwners = false;
        Wipe(ref isSealing ? ref taken.Opening : ref taken.Sealing);
        return ref taken;
    }

    /// <summary>The keys of one direction are others from now on.</summary>
    internal void ForgetKey(TlsRecords owner, bool isSealing)
    {
        ref var own = ref _places[owner.CipherPlace];
        if (ReferenceEquals(own.Owner, owner)) Wipe(ref isSealing ? ref own.Sealing : ref own.Opening);
    }

    /// <summary>Contexts with a key in them, of the owner or of another.</summary>
    internal int KeyCount =>
        _places.Count(static place => place.Sealing.HasKey) + _places.Count(static place => place.Opening.HasKey);

    /// <summary>The connection ends, or leaves this thread: none of its keys stays here.</summary>
    internal void Release(TlsRecords owner)
    {
        ref var own = ref _places[owner.CipherPlace];
        if (!ReferenceEquals(own.Owner, owner)) return;
        own.Owner = null;
        Wipe(ref own.Sealing);
        Wipe(ref own.Opening);
    }

    private static void Wipe(ref Context context)
    {
        if (!context.HasKey) return;
        context.HasKey = context.IsOwners = false;
        var zeros = stackalloc byte[RecordKeys.KeyBytesMax];
        CryptographicOperations.ZeroMemory(new Span<byte>(zeros, RecordKeys.KeyBytesMax));
        _ = OpenSsl.EVP_CipherInit_ex(context.Handle, 0, 0, zeros, zeros, -1);
    }
}
