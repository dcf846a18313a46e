using System.Text;
using FastPool.Control.Answers;
using FastPool.Core.Sessions;
using FastPool.Protocol;

namespace FastPool.Control.Commands;

/// <summary>
/// The extended protocol of one console session: statements and portals by name, one message after the other. While a
/// command waits, what follows it waits too; after an error everything is skipped up to the next Sync. Control thread.
/// </summary>
internal sealed class ExtendedSession(ClientSession client, ShowCommand show, Action<ConsoleRequest> run)
{
    /// <summary>Of statements and portals each; far more than any driver keeps.</summary>
    private const int NamesMax = 256;

    private const string InvalidStatementName = "26000";
    private const string InvalidCursorName = "34000";
    private const string DuplicateStatement = "42P05";
    private const string NotSupported = "0A000";
    private const string TooMany = "54000";

    private readonly Dictionary<string, string> _statements = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Portal> _portals = new(StringComparer.Ordinal);
    private readonly Queue<Message> _messages = new();
    private bool _isBusy;
    private bool _isSkipping;

    /// <summary>Between BEGIN and COMMIT or ROLLBACK: drivers look whether it is so, though it means nothing here.</summary>
    public bool IsInTransaction { get; private set; }

    /// <summary>One of <see cref="DriverWords"/> was said.</summary>
    public void Note(string tag) =>
        IsInTransaction = tag is "BEGIN" or "START TRANSACTION" || (IsInTransaction && tag is not ("COMMIT" or "ROLLBACK"));

    /// <summary>A message of the client's, in its turn.</summary>
    public void Take(byte type, byte[] body, IConsoleReply reply)
    {
        _messages.Enqueue(new Message(type, body, reply));
        GoOn();
    }

    private void GoOn()
    {
        while (!_isBusy && _messages.TryDequeue(out var message)) Handle(message);
    }

    private void Handle(Message message)
    {
        if (message.Type == FrontendMessage.Execute && !_isSkipping)
        {
            Execute(message);
            return;
        }
        var buffer = new MessageBuffer();
        try
        {
            if (message.Type == FrontendMessage.Sync) EndSeries(buffer);
            else if (!_isSkipping) Write(message, buffer);
        }
        catch (ConsoleException error)
        {
            _isSkipping = true;
            Answer.WriteError(buffer, error.Message, error.SqlState);
        }
        message.Reply.Answer(buffer.WrittenMemory);
    }

    private void EndSeries(MessageBuffer buffer)
    {
        _isSkipping = false;
        _portals.Clear(); // Each series is a transaction of its own.
        buffer.Write(Answer.ReadyForQuery(IsInTransaction));
    }

    private void Write(Message message, MessageBuffer buffer)
    {
        switch (message.Type)
        {
            case FrontendMessage.Parse: Prepare(message.Body, buffer); break;
            case FrontendMessage.Bind: BindPortal(message.Body, buffer); break;
            case FrontendMessage.Describe: Describe(message.Body, buffer); break;
            case FrontendMessage.Close: Close(message.Body, buffer); break;
            case FrontendMessage.Flush: break; // Everything is answered at once.
            default: throw new ConsoleException($"unsupported packet type for admin console: {message.Type}");
        }
    }

    private void Prepare(byte[] body, MessageBuffer buffer)
    {
        if (!Parse.TryRead(body, out var parse)) throw Broken("Parse");
        var name = Text(parse.Statement);
        if (name.Length > 0 && _statements.ContainsKey(name))
            throw new ConsoleException($"prepared statement \"{name}\" already exists", DuplicateStatement);
        if (_statements.Count >= NamesMax) throw new ConsoleException("too many prepared statements", TooMany);
        _statements[name] = Text(parse.Query);
        buffer.Write(PreparedMessages.ParseComplete);
    }

    private void BindPortal(byte[] body, MessageBuffer buffer)
    {
        if (!Bind.TryRead(body, out var bind)) throw Broken("Bind");
        if (!_statements.TryGetValue(Text(bind.Statement), out var query)) throw UnknownStatement(bind.Statement);
        var name = Text(bind.Portal);
        if (_portals.Count >= NamesMax && !_portals.ContainsKey(name)) throw new ConsoleException("too many portals", TooMany);
        _portals[name] = new Portal(query, ReadFormats(bind.Arguments));
        buffer.Write(PreparedMessages.BindComplete);
    }

    /// <summary>Formats of parameters, parameters, of which there must be none, formats of columns.</summary>
    private static short[] ReadFormats(ReadOnlySpan<byte> arguments)
    {
        var reader = new BodyReader(arguments);
        if (!reader.TryReadInt16(out var parameterFormats) || parameterFormats < 0
            || !reader.TryReadBytes(parameterFormats * sizeof(short), out _)) throw Broken("Bind");
        if (!reader.TryReadInt16(out var parameters)) throw Broken("Bind");
        if (parameters != 0) throw new ConsoleException("commands of the admin console take no parameters", NotSupported);
        if (!reader.TryReadInt16(out var count) || count < 0) throw Broken("Bind");
        var formats = new short[count];
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadInt16(out formats[i]) || formats[i] is not (0 or 1)) throw Broken("Bind");
        }
        return formats;
    }

    private void Describe(byte[] body, MessageBuffer buffer)
    {
        if (!Protocol.Describe.TryRead(body, out var describe)) throw Broken("Describe");
        Portal portal;
        if (describe.Kind == (byte)'S')
        {
            if (!_statements.TryGetValue(Text(describe.Name), out var query)) throw UnknownStatement(describe.Name);
            portal = new Portal(query, []);
            buffer.Write("t\0\0\0\u0006\0\0"u8); // ParameterDescription: none.
        }
        else if (!_portals.TryGetValue(Text(describe.Name), out portal!))
        {
            throw UnknownPortal(describe.Name);
        }
        if (!TryDescribe(portal, buffer)) buffer.Write(PreparedMessages.NoData);
    }

    private bool TryDescribe(Portal portal, MessageBuffer buffer)
    {
        var statement = ConsoleStatement.Parse(portal.Query);
        var isShow = statement.Kind == StatementKind.Command
            && (statement.Word.Equals("SHOW", StringComparison.OrdinalIgnoreCase)
            || statement.Word.Equals("SELECT", StringComparison.OrdinalIgnoreCase));
        return isShow && show.TryDescribe(statement.Argument, buffer, portal.Formats);
    }

    private void Close(byte[] body, MessageBuffer buffer)
    {
        if (!Protocol.Close.TryRead(body, out var close)) throw Broken("Close");
        if (close.Kind == (byte)'S') _statements.Remove(Text(close.Name));
        else _portals.Remove(Text(close.Name));
        buffer.Write(PreparedMessages.CloseComplete);
    }

    private void Execute(Message message)
    {
        if (!Protocol.Execute.TryRead(message.Body, out var execute)
            || !_portals.TryGetValue(Text(execute.Portal), out var portal))
        {
            _isSkipping = true;
            var buffer = new MessageBuffer();
            Answer.WriteError(buffer, $"portal \"{Text(execute.Portal)}\" does not exist", InvalidCursorName);
            message.Reply.Answer(buffer.WrittenMemory);
            return;
        }
        _isBusy = true;
        var form = new ExtendedForm(portal.Formats);
        run(new ConsoleRequest(client, portal.Query, new EndingReply(message.Reply, () => EndExecute(form)),
            form)
        { Session = this });
    }

    private void EndExecute(ExtendedForm form)
    {
        _isBusy = false;
        _isSkipping = form.HasFailed;
        GoOn();
    }

    private static ConsoleException Broken(string message) => new($"broken {message} packet");

    private static ConsoleException UnknownStatement(ReadOnlySpan<byte> name) =>
        new($"prepared statement \"{Text(name)}\" does not exist", InvalidStatementName);

    private static ConsoleException UnknownPortal(ReadOnlySpan<byte> name) =>
        new($"portal \"{Text(name)}\" does not exist", InvalidCursorName);

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    private sealed record Message(byte Type, byte[] Body, IConsoleReply Reply);

    private sealed record Portal(string Query, short[] Formats);

    /// <summary>Passes everything on, and tells when the command is through.</summary>
    private sealed class EndingReply(IConsoleReply reply, Action onEnd) : IConsoleReply
    {
        public void Part(ReadOnlyMemory<byte> messages) => reply.Part(messages);

        public void Answer(ReadOnlyMemory<byte> messages)
        {
            reply.Answer(messages);
            onEnd();
        }

        public void Send(IReadOnlyList<DescriptorMessage> messages, DescriptorCopies copies) => reply.Send(messages, copies);

        public void Disconnect(string reason) => reply.Disconnect(reason);
    }
}
