namespace FastPool.Protocol;

/// <summary>
/// ParameterStatus (B): a setting that the server reports, at login and whenever it changes.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message('S', From.Backend)]
public readonly ref partial struct ParameterStatus
{
    [CString] public ReadOnlySpan<byte> Name { get; init; }
    [CString] public ReadOnlySpan<byte> Value { get; init; }
}
