using System.Text;
using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Sessions.Handover;
using FastPool.Core.Settings;
using FastPool.Io;
using FastPool.Native;
using FastPool.Protocol;

namespace FastPool.Net;

/// <summary>
/// A server's socket and its session: frames what comes in, asks the session, and sends each run of bytes to the linked
/// client. Belongs to the loop that owns the session; moves with it.
/// </summary>
internal sealed partial class ServerConnection : MessageEndpoint, IServerEnd, IHubEnd
{
    private Loop _loop;
    private int _handleOnTheWay = -1;
    private bool _isCutShort;
    private bool _awaitsOwnCancel; // The query of the client that has gone is to be canceled, and the request is not sent yet.
    // It counts in its pool. A place has one owner: this connection, then the pool again, or the next attempt.
    private bool _hasPlace = true;
    private bool _awaitsTlsAnswer;
    private string? _problem; // More than the reason says, for error_details.
    private ServerTls? _tls; // Up to the end of the login.

    internal ServerConnection(Loop loop, ServerSession session)
    {
        _loop = loop;
        Session = session;
        session.Transport = this;
    }

    internal ServerSession Session { get; }

    /// <summary>The linked client's connection; null: none.</summary>
    internal ClientConnection? Client => (ClientConnection?)Other;

    internal static ServerConnection Of(PooledServer server) => (ServerConnection)((ServerSession)server).Transport;

    /// <summary>Place in the loop's list of servers.</summary>
    internal int Index { get; set; } = -1;

    void IServerEnd.OnBusy() => _loop.ServerList.Touch(Index);

    /// <summary>Where it connects to, for cancel requests of the same server.</summary>
    internal NativeAddress Address { get; set; }

    /// <summary>The other addresses to try if this connection fails; forgotten once the server is in.</summary>
    internal DialPlan? Plan { get; set; }

    internal bool IsClosed { get; private set; }

    /// <summary>When the present query of the pooler's own was sent.</summary>
    internal long OwnQueryUs { get; private set; }

    /// <summary>The reason if it is not answered.</summary>
    internal string OwnQueryFailure { get; private set; } = "";

    public override void OnConnected(int errno)
    {
        if (errno != 0)
        {
            _problem = "connect failed: " + Errno.Text(errno);
            Close("connect failed", mayTerminate: false);
            return;
        }
        Session.Local = _loop.Engine.LocalAddress(this);
        if (_loop.Registry.Settings.LogConnections) _loop.LogNewServer(Session.LogPrefix, Session.Local);
        BeginSession();
    }

    private void BeginLogin()
    {
        Session.Login!.Start();
        SendLogin();
    }

    public override void OnReceived(byte[] buffer, int start, int count)
    {
        Session.LastActivityUs = _loop.NowUs;
        _loop.Figures.ServerBytes += count;
        Take(buffer, start, count);
    }

    private protected override BufferPool Buffers => _loop.Buffers;

    private protected override Outbox Outbox => _loop.Outbox;

    private protected override Engine Engine => _loop.Engine;

    private protected override int BytesWanted(byte type, int length) =>
        Session.Login is null ? Session.BytesToJudge(type, length) : length;

    private protected override int Process(byte[] buffer, int position, int end)
    {
        if (Session.Login is not null) NoteAnswer();
        if (_awaitsTlsAnswer) return OnTlsAnswer(buffer.AsSpan(position, end - position)) ? end : position;
        if (Session.Login is not null) position = LogIn(buffer, position, end);
        return Session.Login is null && IsOpen ? Relay(buffer, position, end) : position;
    }

    // ---- traffic --------------------------------------------------------------------------------------------------

    /// <returns>How far it got: what is behind must be held.</returns>
    private int Relay(byte[] buffer, int position, int end)
    {
        var maxPacketSize = Session.Pool.Limits.MaxPacketSize;
        var from = position;
        var run = position;
        var isMidStream = BodyRemaining > 0;
        while (true)
        {
            if (BodyRemaining > 0)
            {
                var taken = Math.Min(BodyRemaining, end - position);
                if (IsBodySkipped)
                {
                    if (!Forward(buffer, run, position)) return end;
                    run = position + taken;
                }
                position += taken;
                BodyRemaining -= taken;
                if (BodyRemaining > 0) break;
            }

            if (Session.HasOwnReplies && !InjectOwnReplies(buffer, ref run, position)) return end;
            var unread = buffer.AsSpan(position, end - position);
            if (RowRun.MayBegin(unread, BackendMessage.DataRow) && Session.Phase == ServerPhase.Linked)
            {
                var skipped = SkipRows(unread, maxPacketSize, BackendMessage.DataRow, out var rows);
                position += skipped;
                unread = unread[skipped..];
                isMidStream |= rows > 0;
                _loop.Figures.ServerMessages += rows;
            }
            var status = MessageHeader.TryRead(unread, maxPacketSize, out var type, out var length);
            if (status == HeaderStatus.NeedMore) break;
            if (status == HeaderStatus.Bad || type == 0 || !MessageLengths.FitsServer(type, length))
            {
                if (Forward(buffer, run, position)) Close("bad pkt header", mayTerminate: true);
                return end;
            }
            isMidStream = type is BackendMessage.DataRow or BackendMessage.CopyData;
            if (isMidStream && Session.Phase == ServerPhase.Linked)
            {
                _loop.Figures.ServerMessages++;
                IsBodySkipped = false; // The bulk of all traffic: nothing to judge.
                BodyRemaining = length;
                continue;
            }
            if (length < unread.Length) unread = unread[..length];
            else if (length > unread.Length && unread.Length < Session.BytesToJudge(type, length)) break;
            var verdict = Session.Judge(type, unread);
            if (verdict == Verdict.FakesFirst) continue;
            _loop.Figures.ServerMessages++;
            switch (verdict)
            {
                case Verdict.Forward:
                    IsBodySkipped = false;
                    if (length > unread.Length) break;
                    position += length;
                    continue;
                case Verdict.Skip:
                    IsBodySkipped = true;
                    break;
                case Verdict.OwnNotification:
                    Session.Sign(buffer.AsSpan(position));
                    goto case Verdict.Forward;
                case Verdict.Unlistened:
                    if (!Forward(buffer, run, position)) return end;
                    CountSent(from, position + length);
                    from = run = position += length;
                    OnUnlistened();
                    if (!IsOpen) return end;
                    continue;
                case Verdict.Answered:
                    AuthQueries.OnAnswered(_loop, this);
                    if (!IsOpen) return end;
                    CountSent(from, position + length);
                    from = run = position += length;
                    continue;
                case Verdict.BeginFailed:
                    CountSent(from, position + length);
                    if (!Forward(buffer, run, position)) return end;
                    if (Client is { } left)
                    {
                        Session.Link.EndUnused();
                        left.OnBeginFailed();
                    }
                    if (!IsOpen) return end;
                    from = run = position += length;
                    continue;
                case Verdict.ParametersSet:
                case Verdict.Tested:
                case Verdict.RollBack:
                case Verdict.RolledBack:
                    CountSent(from, position + length);
                    Check.That(run == position);
                    if (verdict == Verdict.Tested) Return();
                    else if (verdict == Verdict.ParametersSet) GoOnLinked();
                    else if (verdict == Verdict.RollBack) SendQuery("ROLLBACK", ServerSession.NotRolledBack);
                    else Release(isTested: true);
                    if (!IsOpen) return end;
                    from = run = position += length;
                    continue;
                default:
                    if (Forward(buffer, run, position)) Close(Session.Ending.Reason, mayTerminate: true);
                    return end;
            }
            BodyRemaining = length;
        }
        CountSent(from, position);
        if (Has(EndpointFlags.AnswersPooler) && Session.Phase != ServerPhase.Questioned)
            _loop.Engine.SetAnswersPooler(this, false);
        if (isMidStream) _loop.Engine.Streams(this, end - from);
        else _loop.Engine.EndStream(this);
        if (!Forward(buffer, run, position)) return end;
        if (Session.Phase == ServerPhase.Linked && Client is { AwaitsReplies: true } waiting)
        {
            waiting.GoOnAfterReplies();
            if (!IsOpen) return end; // It could not be sent what the client said.
        }
        if (Session.Phase == ServerPhase.Linked) Session.Link.TryEnd();
        else if (Session.Hub is { } hub) hub.Flush();
        else if (Session.Phase == ServerPhase.Free && !Session.IsReady && !Session.IsDirty)
        {
            Session.MarkDirty();
            Session.Pool.Serve(_loop); // It is looked at soon: mostly it closes by itself before.
        }
        return position;
    }

    /// <summary>Replies that the pooler gives go out right behind the message that was before them.</summary>
    private bool InjectOwnReplies(byte[] buffer, ref int run, int position)
    {
        var replies = _loop.ToClient;
        replies.Clear();
        Session.TakeOwnReplies(replies);
        if (replies.Length == 0 || Client is not { } client) return true;
        _loop.Outbox.Add(buffer, run, position, client);
        run = position;
        if (_loop.Outbox.AddCopy(replies.WrittenSpan, _loop.Engine, client)) return true;
        return LoseClient(client);
    }

    /// <returns>Whether the server is still there: what is behind in the buffer must be read even without a client.</returns>
    private bool LoseClient(ClientConnection client)
    {
        client.Disconnect(new Ending("unexpected eof"));
        return IsOpen;
    }

    private void CountSent(int from, int to) => Session.Pool.Stats[_loop.Index].SentBytes += to - from;

    /// <returns>False when the server is gone by that.</returns>
    private bool Forward(byte[] buffer, int start, int end)
    {
        if (Client is not { } client) return true;
        return _loop.Outbox.FlushWith(buffer, start, end, _loop.Engine, client) || LoseClient(client);
    }

    /// <summary>A query of the pooler's own.</summary>
    internal void SendQuery(string text, string failure) => SendQuery(Encoding.Latin1.GetBytes(text), failure);

    private void SendQuery(byte[] text, string failure)
    {
        OwnQueryUs = _loop.NowUs;
        OwnQueryFailure = failure;
        var query = new Query { Text = text };
        var bytes = new byte[query.Size];
        query.Write(bytes);
        if ((Session.HasGivenNames && !SendNamesLeft()) || !_loop.Engine.Send(this, bytes)) Close(failure, mayTerminate: false);
    }

    /// <summary>The batch that brings the server to its client's variables and state, and a BEGIN that it has put off.</summary>
    internal void SendSet(string batch)
    {
        (OwnQueryUs, OwnQueryFailure) = (_loop.NowUs, "var change failed");
        if (Session.HasSetBatch) SendQuery(batch, "var change failed");
        foreach (var query in Session.QueriesBehindSet)
        {
            if (IsOpen) SendQuery(query, "var change failed");
        }
        if (IsOpen && Client is { Session.DeferredMessages: { IsEmpty: false } begin } && !_loop.Engine.Send(this, begin))
            Close("server connection closed", mayTerminate: false);
    }

    /// <summary>Names that the last client's commands have not dropped are closed.</summary>
    private bool SendNamesLeft()
    {
        var closes = new MessageBuffer();
        Session.TakeNamesLeft(closes);
        return _loop.Engine.Send(this, closes.WrittenSpan);
    }

    public override void OnDrained()
    {
        if (Client is not { } client || Session.Phase is not (ServerPhase.Linked or ServerPhase.Questioned)) return;
        client.OnServerDrained();
        if (ReferenceEquals(Client, client) && Session.Phase == ServerPhase.Linked) Session.Link.TryEnd();
    }

    void IServerEnd.Ask()
    {
        SendQuery(Session.BeginQuestion(), "session state query failed");
        if (IsOpen) _loop.Engine.SetAnswersPooler(this, true); // A client that reads slowly has nothing to do with the answer.
    }

    // ---- release --------------------------------------------------------------------------------------------------

    void IServerEnd.OnReleased(ILinkEnd client)
    {
        // It may have been paused for this server, whose drain it will not hear of any more.
        _loop.Engine.Resume((ClientConnection)client);
        _loop.Engine.Resume(this);
        Release();
    }

    void IServerEnd.OnClientGone(string? reason, bool isCutShort)
    {
        _isCutShort = isCutShort;
        IsBodySkipped = true; // The rest of a message to the client that has gone is dropped.
        if (!_loop.Engine.SendDeferredTo(this))
        {
            Close("server conn crashed?", mayTerminate: false);
        }
        else if (reason is not null)
        {
            Close(reason, mayTerminate: true);
        }
        else
        {
            _loop.Engine.Resume(this);
            Release();
        }
    }

    void IServerEnd.OnAbandoned(bool runsQuery, string reason)
    {
        IsBodySkipped = true;
        if (_loop.Outbox.IsFor(this)) // The end of a message of the client's may be among what is lost with it.
        {
            _isCutShort = true;
            Close(reason, mayTerminate: true);
            return;
        }
        if (!_loop.Engine.SendDeferredTo(this))
        {
            Close("server conn crashed?", mayTerminate: false);
            return;
        }
        _loop.Engine.Resume(this);
        (OwnQueryUs, OwnQueryFailure) = (_loop.NowUs, ServerSession.NotRolledBack);
        _awaitsOwnCancel = runsQuery;
        if (!runsQuery && Session.CancelsInFlight == 0)
        {
            GoOnAbandoned();
            return;
        }
        Session.Pool.BeginCancelWait(Session, _loop);
        if (runsQuery) _loop.CancelKept(Session);
    }

    /// <summary>From now on the request counts among those in flight.</summary>
    internal void OnOwnCancelSent() => _awaitsOwnCancel = false;

    /// <summary>The last cancel request that was under way is through, and acts no more.</summary>
    internal void OnCancelsOver()
    {
        if (IsClosed || Session is not { Client: null, Hub: null } || _awaitsOwnCancel) return;
        if (Session.Phase == ServerPhase.Abandoned) GoOnAbandoned();
        else Release();
    }

    /// <summary>All that the client has left under way comes to its end, then its transaction.</summary>
    private void GoOnAbandoned()
    {
        Session.Pool.BeginTest(Session, _loop);
        var marker = new MessageBuffer();
        if (!Session.TryWriteMarker(marker)) SendQuery("ROLLBACK", ServerSession.NotRolledBack);
        else if (!_loop.Engine.Send(this, marker.WrittenSpan)) Close("server conn crashed?", mayTerminate: false);
    }

    /// <summary>
    /// The client that had the server is through with it: cancel requests aimed at it come first, then the reset query, then
    /// the pool.
    /// </summary>
    /// <param name="isTested">The pool has it among those that run a query of the pooler's own.</param>
    internal void Release(bool isTested = false)
    {
        if (Session.CancelsInFlight > 0)
        {
            Session.Pool.BeginCancelWait(Session, _loop);
            return;
        }
        var query = Session.Pool.Limits.ServerResetQuery;
        if (Session.MustDiscard || (query.Length > 0 && Session.Kept is not null))
        {
            if (!string.IsNullOrWhiteSpace(Session.Pool.Database.Entry.ConnectQuery))
            {
                // DISCARD ALL would undo that too.
                Close("its last client has left something in the session", mayTerminate: true);
                return;
            }
            query = "DISCARD ALL";
        }
        if (query.Length == 0 && !Session.HasGivenNames)
        {
            Return();
            return;
        }
        if (!isTested) Session.Pool.BeginTest(Session, _loop);
        Session.BeginTest(ServerEvent.Reset);
        SendQuery(query, "reset query failed");
    }

    /// <summary>To the pool as it is: it has not been used since it was last clean.</summary>
    internal void Return() => Session.Pool.Return(Session, _loop);

    /// <param name="query">Of its host; empty: the pool's own.</param>
    internal void RunCheck(string query)
    {
        if (IsClosed) return;
        Session.BeginTest(ServerEvent.Check);
        if (query.Length > 0) Session.BeginHostCheck();
        else query = Session.Pool.Limits.ServerCheckQuery;
        SendQuery(query == "<empty>" ? "" : query, "test query failed");
    }

    // ---- end ------------------------------------------------------------------------------------------------------

    public override void OnEnded(int errno) => Close("server conn crashed?", mayTerminate: false);

    public override void OnBroken() => Close(Loop.InternalError, mayTerminate: false);

    /// <summary>
    /// The one door through which a server goes. Nothing is thrown out of it: the server is gone after it, whatever happens on
    /// the way.
    /// </summary>
    /// <param name="mayTerminate">The connection is sound: PostgreSQL is told with a Terminate.</param>
    /// <param name="isDeliberate">Ours to decide: a login that ends by it has not failed.</param>
    internal void Close(string reason, bool mayTerminate, bool isDeliberate = false)
    {
        if (IsClosed) return;
        IsClosed = true;
        var client = Client;
        var end = Ending.Cut(reason);
        var farewell = IsMidMessage || Session.HasToldEnd ? new Ending(end) : Ending.Told(end);
        try
        {
            CloseInOrder(end, mayTerminate, isDeliberate);
        }
        catch (Exception e)
        {
            _loop.Contain("closing a server", e);
            Abandon();
        }
        client?.Disconnect(farewell);
    }

    private void CloseInOrder(string reason, bool mayTerminate, bool isDeliberate)
    {
        _loop.LogClosing(Session, reason);
        if (mayTerminate && IsOpen && Session.RunsQuery && _loop.Registry.Settings.Own.CancelsAbandoned)
            _loop.CancelAbandoned(Session);
        // PostgreSQL would take the Terminate for the rest of that message, and perhaps run it.
        var isCutShort = _isCutShort || Client is { IsMidMessage: true };
        if (mayTerminate && !isCutShort && IsOpen && !IsCongested && !Has(EndpointFlags.Connecting))
            _loop.Engine.Send(this, PreparedMessages.Terminate);
        _loop.Engine.Close(this);
        DropHeld();
        Session.Login?.Abandon();
        Session.LoseHub(reason);
        Session.Link.LoseServer();
        Session.LetGoOfStatements();
        _loop.Forget(this);
        var isToTryAgain = !isDeliberate && Session.Login is { } failed && IsToTryAgain(failed);
        if (_isIn && !mayTerminate && !isDeliberate) Session.DoubtHost();
        LeaveHost(reason, isDeliberate || isToTryAgain);
        if (!isDeliberate && !isToTryAgain && Session.Login?.Useless is { } useless)
            _loop.PasswordWatch.Add(Session.Pool, useless);
        if (Session.Login is not { } login || isDeliberate) GiveBackPlace(null);
        else if (isToTryAgain && IsOvertaken) GiveBackPlace(null);
        else if (isToTryAgain && _loop.Dialer.TryAgain(_loop, this)) { }
        else if (login.Failure.ForWaiters is not null) GiveBackPlace(WithDetail(login.Failure, reason));
        else if (IsOvertaken) GiveBackPlace(null); // The pool has opened another meanwhile, and opens what it still wants.
        else if (!_loop.Dialer.TryNext(_loop, this))
            GiveBackPlace(WithDetail(Plan?.FailureOf(reason, _loop.NowUs) ?? new LoginFailure(reason, null), reason));
        LoseQuery();
    }

    /// <summary>Of a list the last error of each host is the detail, else what is known of this attempt.</summary>
    private LoginFailure WithDetail(LoginFailure failure, string reason)
    {
        var port = Plan?.Entry.Port ?? 0;
        var where = Session.Remote is { IsKnown: true, IsUnix: false } ? $"{Session.Remote}:{port}" : $"{HostName}:{port}";
        var detail = failure.OfEachHost is { } each ? $"Last errors of the servers: {each}."
            : $"Server {where}, user \"{Session.Pool.ServerUserName}\": {_problem ?? failure.Detail ?? reason}.";
        var told = failure.ForWaiters is { } refusal ? refusal with { Detail = detail } : null;
        return failure with { Detail = detail, ForWaiters = told };
    }

    /// <summary>The server wants another password, and there may be one.</summary>
    private bool IsToTryAgain(ServerLogin login)
    {
        if (login.Refused is not { } refused) return false;
        _loop.Shared.Passwords.Forget(refused);
        return !refused.IsFresh;
    }

    /// <summary>Its place in the pool is free, once.</summary>
    /// <param name="failure">Of its login; null: that has not failed.</param>
    private void GiveBackPlace(LoginFailure? failure)
    {
        if (!_hasPlace) return;
        _hasPlace = false;
        if (failure is null) Session.Pool.Remove(Session, _loop);
        else Session.Pool.LoginFailed(Session, failure, _loop);
    }

    /// <summary>Its place in the pool is that of the next attempt.</summary>
    internal void HandPlaceOn() => _hasPlace = false;

    /// <summary>Does the steps that <see cref="CloseInOrder"/> did not reach.</summary>
    private void Abandon()
    {
        _loop.Try(() => _loop.Engine.Close(this));
        _loop.Try(DropHeld);
        if (Session.Login is { } login) _loop.Try(login.Abandon);
        _loop.Try(() => LeaveHost(Loop.InternalError, isDeliberate: true));
        _loop.Try(() => Session.LoseHub(Loop.InternalError));
        _loop.Try(Session.Link.LoseServer);
        _loop.Try(Session.LetGoOfStatements);
        if (Index >= 0) _loop.Try(() => _loop.Forget(this));
        // With the pause of a failed login: what has thrown may throw again.
        _loop.Try(() => GiveBackPlace(Session.Login is null ? null : new LoginFailure(Loop.InternalError, null)));
        _loop.Try(LoseQuery);
    }

    private void LoseQuery()
    {
        if (Session.Query is not { } query) return;
        Session.EndQuery();
        AuthQueries.OnServerLost(_loop, query);
    }
}
