namespace FastPool.Protocol;

/// <summary>
/// NegotiateProtocolVersion (B): not all that the StartupMessage asked for is known here.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message('v', From.Backend)]
public readonly ref partial struct NegotiateProtocolVersion
{
    [Int32] public int NewestVersion { get; init; } // The newest protocol that is spoken, as version word.
    [Int32] public int OptionCount { get; init; }
    [Rest] public ReadOnlySpan<byte> Options { get; init; } // The names of unknown _pq_. options, a C string each.
}
