namespace FastPool.Protocol;

/// <summary>CopyFail (F): the client gives the COPY up. Source: PostgreSQL, Message Formats.</summary>
[Message('f', From.Frontend)]
public readonly ref partial struct CopyFail
{
    [CString] public ReadOnlySpan<byte> Message { get; init; }
}
