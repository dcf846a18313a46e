namespace FastPool.Protocol;

/// <summary>SASLResponse (F): a further message of the SASL exchange. Source: PostgreSQL, Message Formats.</summary>
[Message('p', From.Frontend, ByContext = true)]
public readonly ref partial struct SASLResponse
{
    [Rest] public ReadOnlySpan<byte> Data { get; init; }
}
