using System.Runtime.CompilerServices;
using FastPool.Base;
using FastPool.Core.Auth;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Sessions.Handover;
using FastPool.Core.Settings;
using FastPool.Io;
using FastPool.Native;
using FastPool.Protocol;

namespace FastPool.Net;

/// <summary>
/// A client's socket and its session: frames what comes in, asks the session, and sends each run of bytes where the
/// verdict says. Holds bytes only while a message is cut, a server is awaited, or the client is slow.
/// </summary>
internal sealed partial class ClientConnection : MessageEndpoint, IListener
{
    private const int ConsoleQueriesMax = 16;

    /// <summary>The first byte of a ClientHello; no packet of the startup family is so long as to begin with it.</summary>
    private const byte TlsHandshakeRecord = 0x16;

    private Loop _loop;
    private int _consoleQueries;
    private bool _isLeaving;

    internal ClientConnection(Loop loop, ClientSession session)
    {
        _loop = loop;
        Session = session;
        session.Transport = this;
    }

    internal ClientSession Session { get; }

    /// <summary>The linked server's connection; null: none.</summary>
    internal ServerConnection? Server => (ServerConnection?)Other;

    internal static ClientConnection Of(ClientSession client) => (ClientConnection)client.Transport;

    /// <summary>Place in the loop's list of clients.</summary>
    internal int Index { get; set; } = -1;

    /// <summary>Place in the loop's list of logins; -1: logged in.</summary>
    internal int LoginIndex { get; set; } = -1;

    /// <summary>It is one of <see cref="BoundClients"/>.</summary>
    internal bool IsBound { get; set; }

    /// <summary>It came to cancel: it says nothing more, and is closed when the request is through.</summary>
    internal bool BringsCancel { get; set; }

    /// <summary>The request on its way; null: there is none, or it is still looking for its target's loop.</summary>
    internal ICancel? Cancel { get; set; }

    public override void OnReceived(byte[] buffer, int start, int count)
    {
        Session.RequestUs = _loop.NowUs;
        _loop.ClientList.Peers.Touch(Index); // Its time-outs are only put off.
        _loop.Figures.ClientBytes += count;
        Take(buffer, start, count);
    }

    private protected override BufferPool Buffers => _loop.Buffers;

    private protected override Outbox Outbox => _loop.Outbox;

    private protected override Engine Engine => _loop.Engine;

    protected override bool IsAnsweredHere => true;

    private protected override int Process(byte[] buffer, int position, int end)
    {
        if (Session.Login is not null)
        {
            position = LogIn(buffer, position, end);
            if (Session.Login is not null || Session.State != ClientState.Active) return position;
        }
        if (Session.IsReadingPast)
        {
            position = ReadPast(buffer, position, end);
            if (Session.IsReadingPast || !IsOpen) return position;
        }
        return Relay(buffer, position, end);
    }

    // ---- traffic --------------------------------------------------------------------------------------------------

    /// <returns>How far it got: what is behind must be held.</returns>
    private int Relay(byte[] buffer, int position, int end)
    {
        var maxPacketSize = Session.Pool!.Limits.MaxPacketSize;
        var from = position;
        var run = position;
        var isMidStream = BodyRemaining > 0;
        var server = Server;
        while (true)
        {
            if (BodyRemaining > 0)
            {
                var taken = Math.Min(BodyRemaining, end - position);
                if (IsBodySkipped)
                {
                    Forward(buffer, run, position);
                    if (!IsOpen) return end;
                    run = position + taken;
                }
                position += taken;
                BodyRemaining -= taken;
                if (BodyRemaining > 0) break;
            }

            var unread = buffer.AsSpan(position, end - position);
            if (Session.IsInCopyIn && server is { Session.Copy.IsOn: true })
            {
                var skipped = SkipRows(unread, maxPacketSize, FrontendMessage.CopyData, out var rows);
                position += skipped;
                unread = unread[skipped..];
                isMidStream |= rows > 0;
                if (rows > 0) server.Session.Copy.NoteData();
                _loop.Figures.ClientMessages += rows;
                Session.CountForwarded(skipped);
            }
            var status = MessageHeader.TryRead(unread, maxPacketSize, out var type, out var length);
            if (status == HeaderStatus.NeedMore) break;
            if (_consoleQueries > 0 && type != FrontendMessage.Query && !_loop.Registry.Settings.Own.ConsoleExtended)
            {
                _loop.Engine.Pause(this); // Its earlier requests are answered first, even if this is its farewell.
                return position;
            }
            var verdict = server is { Session.Outstanding.Count: >= Limits.OutstandingMax } ? Session.RefuseMore()
                : status == HeaderStatus.Bad || !MessageLengths.FitsClient(type, length) ? Session.RefuseHeader(unread)
                : type == 0 ? Session.RefuseStartup(MessageHeader.ReadCode(unread))
                : Session.Judge(type, length);
            isMidStream = type == FrontendMessage.CopyData;
            switch (verdict)
            {
                case Verdict.Forward:
                    if (length > unread.Length && Session.WantsWhole(type, length))
                    {
                        Forward(buffer, run, position);
                        return position;
                    }
                    if (server is null)
                    {
                        // Waits for a server, or for its variables to be set; nothing of the run is left, for it had no server
                        // either.
                        if (!TryLink()) return position;
                        server = Server!;
                    }
                    if (!TryFence(server, buffer, ref run, position)) return end;
                    Session.CountForwarded(length);
                    _loop.Figures.ClientMessages++;
                    server.Session.LookAt(type, unread, length);
                    IsBodySkipped = false;
                    var hasMore = server.Session.Expect(type);
                    if (length > unread.Length) break;
                    position += length;
                    if (!hasMore) continue;
                    if (!Gather(buffer, run, position) || !AddBehind(server))
                    {
                        LoseServer();
                        return end;
                    }
                    run = position;
                    continue;
                case Verdict.Skip:
                    IsBodySkipped = true;
                    break;
                case Verdict.Tracked:
                    switch (RelayTracked(buffer, ref run, ref position, end, type, length))
                    {
                        case Step.GoOn:
                            server = Server;
                            continue;
                        case Step.Hold:
                            Forward(buffer, run, position);
                            return position;
                        default:
                            return end;
                    }
                case Verdict.MayDefer:
                    if (IsHeldUp || length > unread.Length) return position;
                    _loop.ToClient.Clear();
                    if (!Session.TryAnswer(unread[..length], _loop.ToClient))
                    {
                        if (Session.HasNames) goto case Verdict.Tracked;
                        goto case Verdict.Forward;
                    }
                    _loop.Figures.ClientMessages++;
                    run = position += length;
                    if (!Send(_loop.ToClient.WrittenSpan)) return end;
                    continue;
                case Verdict.Console:
                    var next = RelayToConsole(buffer, position, end, type, length);
                    if (next == position || next == end || !IsOpen) return next;
                    run = position = next;
                    continue;
                default:
                    Forward(buffer, run, position);
                    if (IsOpen) Disconnect(Session.Ending);
                    return end;
            }
            BodyRemaining = length;
        }
        if (isMidStream) _loop.Engine.Streams(this, position - from);
        else _loop.Engine.EndStream(this);
        Forward(buffer, run, position);
        return position;
    }

    private enum Step : byte
    {
        GoOn,
        /// <summary>The bytes from the position on must be held.</summary>
        Hold,
        /// <summary>The client is gone.</summary>
        Ended,
    }

    /// <summary>
    /// A Parse, Bind, Describe or Close while statements are tracked: the named ones get the server's name in place of the
    /// client's.
    /// </summary>
    private Step RelayTracked(byte[] buffer, ref int run, ref int position, int end, byte type, int length)
    {
        if (IsHeldUp) return Step.Hold; // The rewritten statements before it are not taken yet: no more are made.
        var message = buffer.AsSpan(position, Math.Min(length, end - position));
        if (Server is null && type == FrontendMessage.Bind && message.Length == length)
        {
            // Any Bind needs a server: if it has to wait, its names are not looked for twice. A broken one ends its client, and
            // the server goes back as it came.
            Session.BeginTracked();
            if (!TryLink()) return Step.Hold;
        }
        var names = StatementNames.Find(type, message, length);
        switch (names.Case)
        {
            case StatementCase.Collect when length > Limits.CollectedMessageBytes:
                Session.RefuseHeader(message);
                return EndAfter(buffer, run, position);
            case StatementCase.Collect:
                return Step.Hold;
            case StatementCase.Disconnect:
                Session.RefuseStatement(type);
                return EndAfter(buffer, run, position);
            case StatementCase.Command when length > message.Length && Session.WantsWhole(type, length):
                return Step.Hold;
            case not StatementCase.Untouched when Session.MustAwaitReplies(type, message, names):
                _loop.Engine.Pause(this);
                AwaitsReplies = true;
                return Step.Hold;
            case StatementCase.Close:
                if (Server is { } closing && !TryFence(closing, buffer, ref run, position)) return Step.Ended;
                _loop.ToClient.Clear();
                Session.ApplyClose(names, _loop.ToClient);
                Session.CountForwarded(length);
                if (!Gather(buffer, run, position)) return LoseServer();
                run = position += length;
                return _loop.ToClient.Length == 0 || Send(_loop.ToClient.WrittenSpan) ? Step.GoOn : Step.Ended;
        }

        Session.BeginTracked();
        if (length > message.Length && Session.WantsWhole(type, length)) return Step.Hold;
        if (Server is null && !TryLink()) return Step.Hold;
        var server = Server!;
        if (!TryFence(server, buffer, ref run, position)) return Step.Ended;
        var (toServer, toClient) = (_loop.ToServer, _loop.ToClient);
        toServer.Clear();
        Session.CountForwarded(length);
        _loop.Figures.ClientMessages++;
        IsBodySkipped = false;
        if (names.Case is StatementCase.Untouched or StatementCase.Unnamed or StatementCase.Command)
        {
            server.Session.LookAt(type, message, length);
            var isExpected = names.Case switch
            {
                StatementCase.Unnamed => Session.ApplyUnnamed(type, names, message, length, toServer),
                StatementCase.Command => Session.ApplyCommand(type, message, length, toServer),
                _ => false,
            };
            if (toServer.Length > 0)
            {
                if (!Gather(buffer, run, position) || !_loop.Outbox.AddCopy(toServer.WrittenSpan, _loop.Engine, server))
                    return LoseServer();
                run = position;
                toServer.Clear(); // It may be huge.
            }
            if (!isExpected && server.Session.Expect(type))
            {
                position += length; // It is whole: what belongs behind it has been found in it.
                if (!Gather(buffer, run, position) || !AddBehind(server)) return LoseServer();
                run = position;
                return Step.GoOn;
            }
            BodyRemaining = length;
            return Step.GoOn;
        }

        toClient.Clear();
        var consumed = Session.ApplyStatement(type, message, length, names, toServer, toClient);
        if (consumed == 0) return EndAfter(buffer, run, position);
        var rest = position + consumed;
        if (run == position && _loop.Outbox.IsEmpty && rest >= toServer.Length)
        {
            run = rest - toServer.Length; // Nothing before it in this buffer is wanted any more: one run, one plain send.
            toServer.WrittenSpan.CopyTo(buffer.AsSpan(run));
        }
        else
        {
            if (!Gather(buffer, run, position) || !_loop.Outbox.AddCopy(toServer.WrittenSpan, _loop.Engine, server))
                return LoseServer();
            run = rest;
        }
        toServer.Clear(); // It may be huge.
        position = rest;
        BodyRemaining = length - consumed;
        return toClient.Length == 0 || Send(toClient.WrittenSpan) ? Step.GoOn : Step.Ended;
    }

    /// <summary>Syncs that may never be answered do not go on into what the client says next.</summary>
    /// <returns>False when the server is gone.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryFence(ServerConnection server, byte[] buffer, ref int run, int position) =>
        !server.Session.Copy.IsOffBeat || !server.Session.IsFenceDue || TrySendFence(server, buffer, ref run, position);

    private bool TrySendFence(ServerConnection server, byte[] buffer, ref int run, int position)
    {
        if (!Gather(buffer, run, position) || !_loop.Outbox.AddCopy(CopyTracker.Fence, _loop.Engine, server))
        {
            LoseServer();
            return false;
        }
        server.Session.Copy.AddFence();
        run = position;
        return true;
    }

    private Step EndAfter(byte[] buffer, int run, int position)
    {
        Forward(buffer, run, position);
        if (IsOpen) Disconnect(Session.Ending);
        return Step.Ended;
    }

    private Step LoseServer()
    {
        Server!.Close("server connection closed", mayTerminate: false);
        return Step.Ended;
    }

    /// <summary>Messages of the pooler's right behind one of the client's.</summary>
    /// <returns>False when the server is gone.</returns>
    private bool AddBehind(ServerConnection server)
    {
        _loop.ToServer.Clear();
        server.Session.WriteBehind(_loop.ToServer);
        return _loop.Outbox.AddCopy(_loop.ToServer.WrittenSpan, _loop.Engine, server);
    }

    /// <returns>False when the server is gone.</returns>
    private bool Gather(byte[] buffer, int start, int end) =>
        Server is not { } server || _loop.Outbox.AddRun(buffer, start, end, _loop.Engine, server);

    private void Forward(byte[] buffer, int start, int end)
    {
        if (Server is not { } server) return;
        var outbox = _loop.Outbox;
        if (start == end && outbox.IsEmpty) return;
        var isSound = outbox.FlushWith(buffer, start, end, _loop.Engine, server);
        if (!isSound) server.Close("server connection closed", mayTerminate: false);
        // It may have been the client's last message, which the server reads past: the rest of a COPY that failed.
        else server.Session.Link.TryEnd();
    }

    /// <summary>Gets a server from the pool.</summary>
    /// <returns>False: it waits, for the server or for the variables, or it is gone.</returns>
    private bool TryLink()
    {
        Session.WaitStartUs = _loop.NowUs;
        var granted = Session.Pool!.Acquire(Session, _loop);
        if (granted is null)
        {
            BeginWait();
            return false;
        }
        Session.NoteNoWait();
        return Link(ServerConnection.Of(granted));
    }

    /// <returns>False: the variables must be set first, or the server is lost.</returns>
    private bool Link(ServerConnection server)
    {
        if (server.Session.Link.Begin(Session) is not { } batch) return true;
        _loop.Engine.Pause(this);
        server.SendSet(batch);
        return false;
    }

    /// <summary>The pool has a server for this client that waited.</summary>
    internal void OnGranted(ServerConnection server)
    {
        if (_isWaitCanceled)
        {
            server.Return();
            EndCanceledWait();
            return;
        }
        EndWait();
        _loop.ClientList.Peers.Touch(Index); // While it waited it may have been found quiet.
        Session.NoteWait();
        if (!Session.HasWelcome && !SendWelcome(server.Session.OwnWelcome!)) server.Return();
        else if (Link(server)) GoOn();
    }

    private void BeginWait()
    {
        Session.State = ClientState.Waiting;
        _loop.Engine.Pause(this);
    }

    private void EndWait()
    {
        Session.State = ClientState.Active;
        _loop.Engine.Resume(this);
    }

    /// <summary>Handles what was held, then reads again, unless it must wait anew.</summary>
    internal void GoOn()
    {
        if (!IsOpen) return;
        _loop.Engine.Resume(this);
        TryTakeHeld();
    }

    public override void OnDrained()
    {
        if (_parts is not null) SendParts();
        TryTakeHeld();
    }

    /// <summary>The next step depends on replies that are not here, see <see cref="ClientSession.MustAwaitReplies"/>.</summary>
    internal bool AwaitsReplies { get; private set; }

    /// <summary>Some have come: it looks again.</summary>
    internal void GoOnAfterReplies()
    {
        AwaitsReplies = false;
        GoOn();
    }

    /// <summary>The server has taken everything.</summary>
    internal void OnServerDrained() => TryTakeHeld();

    /// <summary>Sends messages of ours.</summary>
    /// <returns>False when the client is gone by that.</returns>
    internal bool Send(ReadOnlySpan<byte> messages)
    {
        if (!IsOpen) return false;
        if (_loop.Engine.Send(this, messages)) return true;
        Disconnect(new Ending("unexpected eof"));
        return false;
    }

    // ---- end ------------------------------------------------------------------------------------------------------

    public override void OnEnded(int errno) => Disconnect(new Ending(Session.Login is null ? "client unexpected eof" : ""));

    /// <summary>
    /// A client that hangs up while it waits leaves the queue at once, or the console's PAUSE. A cancel request is delivered all
    /// the same: some drivers do not wait.
    /// </summary>
    public override void OnPeerClosedWhilePaused()
    {
        if (!BringsCancel && (Session.State == ClientState.Waiting || Session.Login is not null || Session.IsConsole)) OnEnded(0);
    }

    /// <summary>
    /// The one door through which a client goes. Nothing is thrown out of it: the client is gone after it, whatever happens on
    /// the way. An empty reason leaves no line in the log.
    /// </summary>
    internal void Disconnect(Ending ending)
    {
        if (!IsOpen || _isLeaving) return;
        _isLeaving = true;
        try
        {
            LeaveInOrder(ending);
        }
        catch (Exception e)
        {
            _loop.Contain("closing a client", e);
            Abandon();
        }
    }

    private void LeaveInOrder(Ending ending)
    {
        var server = Server;
        _loop.LogClosing(Session, ending);
        if (ending.Message is not null && !IsCongested && server is not { IsMidMessage: true })
            _loop.Engine.Send(this, PoolerErrors.Fatal(ending, _loop.Registry.Settings.Own.HasErrorDetails));
        AbandonDescriptors();
        _loop.Engine.Close(this);
        DropHeld();
        Session.Link?.LoseClient();
        if (Session.IsConsole) _loop.Console.Forget(Session);
        if (Session is { NeedsOwnServer: true, State: ClientState.Waiting }) CloseOwnLogin();
        if (Session.Login?.Check is { } check) CheckerOf(check).Abandon(check);
        Session.Login?.Derivation?.Abandon();
        if (Session.Login?.Query is { } query) AuthQueries.OnRequesterGone(_loop, query, _loop.ServerList);
        Cancel?.OnRequesterClosed();
        Session.Leave(_loop);
        _loop.Forget(this);
    }

    /// <summary>
    /// Does the steps that <see cref="LeaveInOrder"/> did not reach. It is unknown what the server has got: it goes too.
    /// </summary>
    private void Abandon()
    {
        _loop.Try(() => _loop.Engine.Close(this));
        _loop.Try(DropHeld);
        Server?.Close(Loop.InternalError, mayTerminate: false);
        if (Session.IsConsole) _loop.Try(() => _loop.Console.Forget(Session));
        if (Session.Login?.Check is { } check) _loop.Try(() => CheckerOf(check).Abandon(check));
        if (Session.Login?.Derivation is { } derivation) _loop.Try(derivation.Abandon);
        if (Session.Login?.Query is { } query) _loop.Try(() => AuthQueries.OnRequesterGone(_loop, query, _loop.ServerList));
        if (Cancel is { } cancel) _loop.Try(cancel.OnRequesterClosed);
        if (Session.State != ClientState.Closed) _loop.Try(() => Session.Leave(_loop));
        if (Index >= 0) _loop.Try(() => _loop.Forget(this));
    }

    /// <summary>The server goes too: it is unknown what it has got.</summary>
    public override void OnBroken()
    {
        Server?.Close(Loop.InternalError, mayTerminate: false); // It takes its client along.
        Disconnect(Ending.Told(Loop.InternalError));
    }

    /// <summary>The server that is being opened for this client alone is of no use any more.</summary>
    private void CloseOwnLogin()
    {
        foreach (var server in _loop.ServerList)
        {
            if (server.Session.OnlyClient != Session) continue;
            server.Close("replication client disconnected", mayTerminate: false, isDeliberate: true);
            return;
        }
    }
}
