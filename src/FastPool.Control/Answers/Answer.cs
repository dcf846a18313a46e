using System.Text;
using FastPool.Core.Sessions;
using FastPool.Protocol;

namespace FastPool.Control.Answers;

/// <summary>Messages for one query, handed on in parts so that a long listing needs no buffer of its length.</summary>
/// <param name="form">Of an Execute; null: a simple query is answered.</param>
/// <param name="isInTransaction">The status that ReadyForQuery tells.</param>
internal sealed class Answer(IConsoleReply reply, ExtendedForm? form = null, bool isInTransaction = false)
{
    /// <summary>A part is handed on when it has grown beyond this.</summary>
    internal const int PartBytes = 32 * 1024;

    private const int FirstBytes = 1024;

    /// <summary>The size of the buffer into which PgBouncer formats a message.</summary>
    private const int ErrorTextMax = 1023;

    /// <summary>How columns are to be written, and that no description goes before them; null: simple query.</summary>
    public ExtendedForm? Form => form;

    public MessageBuffer Buffer { get; private set; } = new(FirstBytes);

    /// <summary>Between two rows.</summary>
    public void HandOnIfLong()
    {
        if (Buffer.Length < PartBytes) return;
        reply.Part(Buffer.WrittenMemory);
        Buffer = new MessageBuffer(PartBytes + FirstBytes);
    }

    /// <summary>The bytes written so far, then messages with descriptors.</summary>
    public void Send(IReadOnlyList<DescriptorMessage> messages, DescriptorCopies copies)
    {
        reply.Part(Buffer.WrittenMemory);
        Buffer = new MessageBuffer(FirstBytes);
        reply.Send(messages, copies);
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
        if (form is not null)
        {
            form.HasFailed = true;
            if (sqlState == ConsoleException.ProtocolViolation) sqlState = ConsoleException.WrongStatement;
        }
        WriteError(Buffer, message, sqlState);
        End();
    }

    public static void WriteError(MessageBuffer buffer, string message, string sqlState)
    {
        var text = message.Length > ErrorTextMax ? message[..ErrorTextMax] : message;
        buffer.WriteError("ERROR"u8, Encoding.Latin1.GetBytes(sqlState), Encoding.Latin1.GetBytes(text));
    }

    public static ReadOnlySpan<byte> ReadyForQuery(bool isInTransaction) =>
        isInTransaction ? PreparedMessages.ReadyForQueryInTransaction : PreparedMessages.ReadyForQueryIdle;

    /// <summary>EmptyQueryResponse and ReadyForQuery.</summary>
    public void CompleteEmpty()
    {
        Buffer.Write(PreparedMessages.EmptyQueryResponse);
        End();
    }

    private void End()
    {
        if (form is null) Buffer.Write(ReadyForQuery(isInTransaction)); // Else it answers the Sync.
        reply.Answer(Buffer.WrittenMemory);
    }
}
