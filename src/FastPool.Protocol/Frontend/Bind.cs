namespace FastPool.Protocol;

/// <summary>
/// Bind (F): statement + arguments → portal. Since the arguments come last and are not read, the start of a body that
/// holds both names is enough to read this message.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message('B', From.Frontend)]
public readonly ref partial struct Bind
{
    [CString] public ReadOnlySpan<byte> Portal { get; init; } // Empty: the unnamed portal.
    [CString] public ReadOnlySpan<byte> Statement { get; init; } // Empty: the unnamed statement.
    [Rest] public ReadOnlySpan<byte> Arguments { get; init; } // Passed on unread.
}
