using System.Buffers.Binary;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>The case that the prepared-statement rules find in a Parse, Bind, Describe or Close.</summary>
public enum StatementCase : byte
{
    /// <summary>About no statement: forwarded as it is.</summary>
    Untouched,
    /// <summary>About the unnamed statement: see <see cref="ClientSession.ApplyUnnamed"/>.</summary>
    Unnamed,
    /// <summary>Not enough of it is here.</summary>
    Collect,
    /// <summary>About a named statement: a server is needed, then <see cref="ClientSession.ApplyStatement"/>.</summary>
    Named,
    /// <summary>Close of a named statement: no server is needed.</summary>
    Close,
    /// <summary>A Query or an Execute, which may drop statements by SQL.</summary>
    Command,
    Disconnect,
}

/// <summary>The names in a message of the extended protocol, found without reading the rest of it.</summary>
public readonly ref struct StatementNames
{
    private StatementNames(StatementCase kind, ReadOnlySpan<byte> name, int prefixLength, ReadOnlySpan<byte> portal)
    {
        Case = kind;
        Name = name;
        PrefixLength = prefixLength;
        Portal = portal;
    }

    public StatementCase Case { get; }

    public ReadOnlySpan<byte> Name { get; }

    /// <summary>Of a Bind.</summary>
    public ReadOnlySpan<byte> Portal { get; }

    /// <summary>Bytes from the start of the message to the end of the last name.</summary>
    public int PrefixLength { get; }

    /// <param name="message">The message, or its beginning.</param>
    /// <param name="length">Its whole length.</param>
    public static StatementNames Find(byte type, ReadOnlySpan<byte> message, int length) => type switch
    {
        FrontendMessage.Parse => FindInParse(message, length),
        FrontendMessage.Bind => FindInBind(message, length),
        FrontendMessage.Query or FrontendMessage.Execute => Of(StatementCase.Command),
        _ => FindInDescribeOrClose(type, message, length),
    };

    private static StatementNames FindInParse(ReadOnlySpan<byte> message, int length)
    {
        var body = message[MessageHeader.Size..];
        var end = body.IndexOf((byte)0);
        if (end < 0) return Unfinished(message, length);
        if (end == 0) return Of(StatementCase.Unnamed);
        return message.Length < length ? Of(StatementCase.Collect)
            : new(StatementCase.Named, body[..end], MessageHeader.Size + end + 1, default);
    }

    private static StatementNames FindInBind(ReadOnlySpan<byte> message, int length)
    {
        var body = message[MessageHeader.Size..];
        var portalEnd = body is [0, ..] ? 0 : body.IndexOf((byte)0); // Most name none.
        if (portalEnd < 0) return Unfinished(message, length);
        var rest = body[(portalEnd + 1)..];
        var end = rest.IndexOf((byte)0);
        if (end < 0) return Unfinished(message, length);
        if (end == 0) return new(StatementCase.Unnamed, default, 0, body[..portalEnd]);
        return new(StatementCase.Named, rest[..end], MessageHeader.Size + portalEnd + 1 + end + 1, body[..portalEnd]);
    }

    private static StatementNames FindInDescribeOrClose(byte type, ReadOnlySpan<byte> message, int length)
    {
        var body = message[MessageHeader.Size..];
        if (body is not [var kind, .. var name]) return Unfinished(message, length);
        if (kind != 'S') return Of(StatementCase.Untouched);
        var end = name.IndexOf((byte)0);
        if (end < 0) return Unfinished(message, length);
        if (end == 0) return Of(StatementCase.Unnamed);
        if (message.Length < length) return Of(StatementCase.Collect);
        return new(type == FrontendMessage.Close ? StatementCase.Close
            : StatementCase.Named, name[..end], MessageHeader.Size + 1 + end + 1, default);
    }

    private static StatementNames Of(StatementCase kind) => new(kind, default, 0, default);

    /// <summary>A name without its end: more may come, or the message is broken.</summary>
    private static StatementNames Unfinished(ReadOnlySpan<byte> message, int length) =>
        Of(message.Length < length ? StatementCase.Collect : StatementCase.Disconnect);

    /// <summary>Header and names as the server is to see them; what follows the prefix of the original comes behind.</summary>
    internal void WritePrefix(byte type, int originalLength, ReadOnlySpan<byte> serverName, MessageBuffer output)
    {
        var length = originalLength - Name.Length + serverName.Length;
        var size = PrefixLength - Name.Length + serverName.Length;
        var span = output.GetSpan(size);
        span[0] = type;
        BinaryPrimitives.WriteInt32BigEndian(span[1..], length - 1);
        var at = MessageHeader.Size;
        if (type == FrontendMessage.Bind)
        {
            Portal.CopyTo(span[at..]);
            at += Portal.Length;
            span[at++] = 0;
        }
        else if (type != FrontendMessage.Parse)
        {
            span[at++] = (byte)'S';
        }
        serverName.CopyTo(span[at..]);
        span[at + serverName.Length] = 0;
        output.Advance(size);
    }
}
