using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using FastPool.Native;
using FastPool.Protocol;

namespace FastPool.Net;

/// <summary>A client of the admin console: its queries go to the control plane, one after another.</summary>
internal sealed partial class ClientConnection
{
    /// <summary>The bytes that wait until descriptors have been sent; null: none are on their way.</summary>
    private Queue<(Action Say, DescriptorCopies? Copies)>? _afterDescriptors;

    private int RelayToConsole(byte[] buffer, int position, int end, byte type, int length)
    {
        if (IsHeldUp || _parts is not null) return position; // One answer at most is kept for a client that does not read.
        if (_consoleQueries >= ConsoleQueriesMax)
        {
            _loop.Engine.Pause(this);
            return position;
        }
        var isExtended = type != FrontendMessage.Query && _loop.Registry.Settings.Own.ConsoleExtended;
        if (!isExtended && type == FrontendMessage.Close
            && StatementNames.Find(type, buffer.AsSpan(position, Math.Min(length, end - position)),
            length) is { Case: not StatementCase.Untouched } names)
        {
            if (names.Case == StatementCase.Collect) return position;
            if (names.Case == StatementCase.Close && Session.Pool!.Limits.MaxPreparedStatements > 0)
            {
                Send(PreparedMessages.CloseComplete);
                return position + length;
            }
        }
        if (type is not FrontendMessage.Query && !isExtended)
        {
            Send(_loop.Console.RefuseMessage(Session, type));
            Disconnect(Ending.Told("bad packet"));
            return end;
        }
        if (length > Limits.LoginMessageBytes)
        {
            Disconnect(Ending.Told("incomplete pkt"));
            return end;
        }
        if (end - position < length) return position;
        var body = buffer.AsSpan(position + MessageHeader.Size, length - MessageHeader.Size);
        if (isExtended)
        {
            if (++_consoleQueries == ConsoleQueriesMax) _loop.Engine.Pause(this);
            _loop.Console.ExecuteExtended(Session, type, buffer[(position + MessageHeader.Size)..(position + length)],
                new ConsoleReply(_loop, this));
            return position + length;
        }
        var text = body.IndexOf((byte)0);
        if (text < 0)
        {
            Disconnect(Ending.Told("incomplete query"));
            return end;
        }
        if (++_consoleQueries == ConsoleQueriesMax) _loop.Engine.Pause(this);
        _loop.Console.Execute(Session, System.Text.Encoding.Latin1.GetString(body[..text]), new ConsoleReply(_loop, this));
        return position + length;
    }

    /// <summary>
    /// Each message by itself, with the descriptors that belong to it. Their reader may be slow, and only the call that sends
    /// them takes them. So a thread of its own waits for the reader, and the console's further answers to it come after that.
    /// </summary>
    internal void SendDescriptors(IReadOnlyList<DescriptorMessage> messages, DescriptorCopies copies)
    {
        var isUnderWay = false;
        try
        {
            if (!IsOpen) return;
            _loop.Engine.SendDeferredTo(this);
            if (IsCongested)
            {
                OnDescriptorsSent(Errno.EAGAIN);
                return;
            }
            var loop = _loop;
            DescriptorSender.Begin(Handle, messages, copies, errno =>
                loop.Post(new ActionLetter(_ => OnDescriptorsSent(errno), this)));
            isUnderWay = true;
            _afterDescriptors = new();
        }
        finally
        {
            if (!isUnderWay) copies.Dispose();
        }
    }

    private void OnDescriptorsSent(int errno)
    {
        var waiting = _afterDescriptors;
        _afterDescriptors = null;
        if (errno != 0 && IsOpen)
        {
            _loop.Context.Log.Failure("", "send_one_fd: sendmsg error: " + Errno.Text(errno));
            Disconnect(new Ending("send_one_fd failed"));
        }
        if (waiting is null) return;
        try
        {
            while (IsOpen && waiting.TryDequeue(out var next)) InOrder(next.Say, next.Copies);
        }
        finally
        {
            foreach (var unsaid in waiting) unsaid.Copies?.Dispose();
        }
    }

    /// <summary>The reader is gone: the thread need not wait for it.</summary>
    private void AbandonDescriptors()
    {
        if (_afterDescriptors is not null) Sockets.Shutdown(Handle);
    }

    /// <summary>Sends the console's answer, after the descriptors that are on their way.</summary>
    /// <param name="say">Once.</param>
    /// <param name="copies">The copies to let go of if the answer is not sent.</param>
    internal void InOrder(Action say, DescriptorCopies? copies = null)
    {
        if (_afterDescriptors is null) say();
        else _afterDescriptors.Enqueue((say, copies));
    }

    /// <summary>Parts of an answer that the client has not come to: a long listing is sent as it is read.</summary>
    private Queue<ReadOnlyMemory<byte>>? _parts;

    /// <summary>A part of an answer; more follow.</summary>
    internal void OnConsolePart(ReadOnlyMemory<byte> messages)
    {
        if (IsCongested || _parts is not null) (_parts ??= new Queue<ReadOnlyMemory<byte>>()).Enqueue(messages);
        else Send(messages.Span);
    }

    /// <summary>The last part of an answer.</summary>
    internal void OnConsoleAnswer(ReadOnlyMemory<byte> messages)
    {
        _consoleQueries--;
        if (!messages.IsEmpty) OnConsolePart(messages);
        GoOn();
    }

    private void SendParts()
    {
        while (!IsCongested && _parts is not null)
        {
            if (!_parts.TryDequeue(out var part)) _parts = null;
            else if (!Send(part.Span)) return;
        }
    }
}
