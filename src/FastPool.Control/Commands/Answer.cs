using System.Text;
using FastPool.Core.Sessions;
using FastPool.Protocol;

namespace FastPool.Control.Commands;

/// <summary>Messages for one query, handed on in parts so that a long listing needs no buffer of its length.</summary>
internal sealed class Answer(IConsoleReply reply)
{
    /// <summary>A part is handed on when it has grown beyond this.</summary>
    internal const int PartBytes = 32 * 1024;

    private const int FirstBytes = 1024;

    /// <summary>What the original formats a message into.</summary>
    private const int ErrorTextMax = 1023;

    public MessageBuffer Buffer { get; private set; } = new(FirstBytes);

    /// <summary>Between two rows.</summary>
    public void HandOnIfLong()
    {
        if (Buffer.Length < PartBytes) return;
        reply.Part(Buffer.WrittenMemory);
        Buffer = new MessageBuffer(PartBytes + FirstBytes);
    }

    /// <summary>CommandComplete and ReadyForQuery.</summary>
    public void Complete(string tag)
    {
        Buffer.Write(new CommandComplete { Tag = Encoding.Latin1.GetBytes(tag) });
        End();
    }

    /// <summary>The error and ReadyForQuery. The text is cut, not the session.</summary>
    public void Fail(string message, string sqlState)
    {
        WriteError(Buffer, message, sqlState);
        End();
    }

    public static void WriteError(MessageBuffer buffer, string message, string sqlState)
    {
        var text = message.Length > ErrorTextMax ? message[..ErrorTextMax] : message;
        buffer.WriteError("ERROR"u8, Encoding.Latin1.GetBytes(sqlState), Encoding.Latin1.GetBytes(text));
    }

    private void End()
    {
        Buffer.Write(PreparedMessages.ReadyForQueryIdle);
        reply.Answer(Buffer.WrittenMemory);
    }
}
