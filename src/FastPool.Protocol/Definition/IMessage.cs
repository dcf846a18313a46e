namespace FastPool.Protocol;

/// <summary>
/// The members that the generator gives to every message, for code that is generic over them: writers, fakes, tests.
/// </summary>
public interface IMessage<TSelf>
    where TSelf : IMessage<TSelf>, allows ref struct
{
    /// <summary>Reads what follows the length word. The spans of the message point into <paramref name="body"/>.</summary>
    /// <returns>False when the body is not exactly this message; it never throws.</returns>
    static abstract bool TryRead(ReadOnlySpan<byte> body, out TSelf message);

    /// <summary>Bytes of the whole packet, header included.</summary>
    int Size { get; }

    /// <summary>Writes the whole packet, header included.</summary>
    /// <returns>The bytes written: <see cref="Size"/>.</returns>
    /// <exception cref="ArgumentException">
    /// The destination is shorter than <see cref="Size"/>, or a property cannot be sent.
    /// </exception>
    int Write(Span<byte> destination);
}
