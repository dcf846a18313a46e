namespace FastPool.Protocol;

/// <summary>
/// StartupMessage (F): the first message of a session, an untyped packet whose code word is the protocol version.
/// All other untyped packets have a code of their own; the version tells this one, see <see cref="RequestCode.IsStartup"/>.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message(From.Frontend, ByContext = true)]
public readonly ref partial struct StartupMessage
{
    [Int32] public int ProtocolVersion { get; init; } // Major in the upper half, minor in the lower: 0x00030000 is 3.0.
    [Rest] public ReadOnlySpan<byte> Parameters { get; init; } // Read them with StartupParameters.
}
