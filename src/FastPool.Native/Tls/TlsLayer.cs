namespace FastPool.Native;

/// <summary>
/// One connection's TLS: ciphertext in, plaintext out, and the other way round. It holds no more than a record that has come
/// in part. Belongs to the thread of the <see cref="TlsTransfer"/> that is given with each call; freed by the code that made
/// it.
/// </summary>
public abstract class TlsLayer
{
    /// <summary>Version, cipher and key exchange, as in the tls column; "" before the handshake is done.</summary>
    public abstract string Text { get; }

    /// <summary>The handshake is done: plaintext may be read and written.</summary>
    public abstract bool IsEstablished { get; }

    /// <summary>Neither side may say anything more.</summary>
    public abstract bool IsBroken { get; }

    /// <summary>The peer has said good-bye.</summary>
    public abstract bool IsPeerClosed { get; }

    /// <summary>Why it failed, as PgBouncer's log has it: <c>handshake failed: error:…</c>.</summary>
    public abstract string Problem { get; }

    /// <summary>
    /// Takes all the ciphertext. The bytes to send in return are in the transfer's output afterwards, whatever the outcome.
    /// </summary>
    /// <param name="plain">Room for the plaintext of all of it, and of a record that came in part before.</param>
    /// <param name="count">Bytes of plaintext.</param>
    public abstract TlsOutcome Receive(TlsTransfer transfer, ReadOnlySpan<byte> cipher, Span<byte> plain, out int count);

    /// <summary>Encrypts, at most <see cref="TlsTransfer.PlainBytesMax"/> at once, into the transfer's output.</summary>
    /// <returns>False when that cannot be; <see cref="Problem"/> says why.</returns>
    public abstract bool Write(TlsTransfer transfer, ReadOnlySpan<byte> plain);

    /// <summary>Says good-bye, into the transfer's output.</summary>
    public abstract void SayGoodbye(TlsTransfer transfer);

    /// <summary>
    /// The layer that carries the connection from now on. The library's object is freed with this when its part is over: then it
    /// is another than this one.
    /// </summary>
    public virtual TlsLayer Settle() => this;

    /// <summary>Goes on, on the thread of this transfer.</summary>
    public abstract void MoveTo(TlsTransfer transfer);

    /// <summary>Before that: nothing of it stays with this transfer.</summary>
    public virtual void Leave(TlsTransfer transfer)
    {
    }

    /// <summary>Forgets everything, without a word to the peer.</summary>
    public abstract void Free(TlsTransfer transfer);
}
