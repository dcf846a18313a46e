namespace FastPool.Protocol;

/// <summary>
/// Authentication… (B): any authentication request by its code, for those that are not known and for the choice among
/// those that are.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message('R', From.Backend, ByContext = true)]
public readonly ref partial struct AuthenticationRequest
{
    [Int32] public int Kind { get; init; } // One of AuthenticationCode.
    [Rest] public ReadOnlySpan<byte> Data { get; init; }
}
