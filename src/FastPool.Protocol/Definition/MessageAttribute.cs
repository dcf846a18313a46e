namespace FastPool.Protocol;

/// <summary>
/// Declares a message: FastPool.Generators writes its TryRead, Size and Write from the properties in their order of declaration.
/// Source of the layouts: PostgreSQL, Message Formats.
/// </summary>
[AttributeUsage(AttributeTargets.Struct)]
public sealed class MessageAttribute : Attribute
{
    /// <summary>A typed packet: the type byte, the length, the body.</summary>
    public MessageAttribute(char type, From from)
    {
        Type = type;
        From = from;
    }

    /// <summary>An untyped packet, of the time before the login: the length, the body, which begins with the code word.</summary>
    public MessageAttribute(From from) => From = from;

    /// <summary>The type byte; NUL for an untyped packet.</summary>
    public char Type { get; }

    public From From { get; }

    /// <summary>
    /// The constant Int32 with which the body begins: the kind of an authentication request, the code of an untyped packet.
    /// It is read and written with the message and has no property.
    /// </summary>
    public int Code { get; init; }

    /// <summary>Other messages share this type, and only the state of the conversation tells which one it is.</summary>
    public bool ByContext { get; init; }
}
