using System.Buffers.Binary;
using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Io;
using FastPool.Native;
using FastPool.Protocol;

namespace FastPool.Net;

/// <summary>
/// One cancel request: the connection of the requester on one side, if there is one, a fresh one on the other, which is plain
/// unless the server takes nothing in plain. Belongs to the loop that carries it; the requester may be of another.
/// </summary>
internal abstract class CancelConnection : Endpoint, ICancel
{
    private const string FailedToSend = "failed to send cancel request";
    private const int HeadBytes = 12; // Length, code, process id.
    private const string Delivered = "successfully sent cancel request";

    private readonly Loop _requesterLoop;
    private readonly ClientConnection? _requester;
    private long _carrierId;
    private long _startWallUs;
    private bool _holdsTarget;
    private volatile bool _isAbandoned;

    /// <param name="requester">Null: the pooler itself.</param>
    protected CancelConnection(CancelRelay relay, Loop loop, Loop requesterLoop, ClientConnection? requester)
    {
        Relay = relay;
        Loop = loop;
        _requesterLoop = requesterLoop;
        _requester = requester;
        requester?.Cancel = this;
        SinceUs = loop.NowUs;
    }

    protected CancelRelay Relay { get; }

    /// <summary>The carrier's.</summary>
    protected Loop Loop { get; }

    internal long SinceUs { get; }

    /// <summary>Begin of the present connection.</summary>
    internal long StartUs { get; private set; }

    /// <summary>Another connection is tried no earlier than this.</summary>
    internal long RetryAtUs { get; private set; }

    /// <summary>The requester's connection has been closed by the pooler. Written by its loop, read by the carrier's.</summary>
    internal bool IsAbandoned => _isAbandoned;

    internal bool IsSent { get; private set; }

    /// <summary>Where its place is taken from.</summary>
    internal abstract ConnectionBudget Places { get; }

    /// <returns>False while too many are on their way to the same place.</returns>
    internal abstract bool TryTakePlace();

    internal abstract void GiveBackPlace();

    /// <summary>Why it need not be delivered any more; null: it must.</summary>
    internal abstract string? ReasonToDrop { get; }

    internal abstract CancelView View { get; }

    /// <summary>Finds out where to connect to and calls <see cref="Connect"/>.</summary>
    protected abstract void Begin();

    /// <summary>The key that is sent: process id, then secret.</summary>
    protected abstract ReadOnlySpan<byte> Key { get; }

    /// <summary>No server is held back until the other side has acted.</summary>
    protected virtual bool MayForgetOnceSent => false;

    /// <summary>Whether another address is left to be tried at once.</summary>
    protected virtual bool HasOtherAddress => false;

    /// <summary>The reason of a connection that turns out to be of no use.</summary>
    protected abstract string GaveUp { get; }

    protected abstract string LogPrefix { get; }

    protected abstract EndAddress Remote { get; }

    protected abstract int UnixPort { get; }

    protected CancelCarrier? Carrier => _carrierId == 0 ? null
        : new CancelCarrier(_carrierId, Remote, IsOpen ? Loop.Engine.LocalAddress(this)
            : default, UnixPort, _startWallUs, !IsSent);

    protected ClientSession? Requester => _requester?.Session;

    protected long CarrierId => _carrierId;

    internal void Start()
    {
        _carrierId = Loop.Shared.NextId();
        _startWallUs = Loop.Context.WallUs;
        StartUs = Loop.NowUs;
        Begin();
    }

    protected void Connect(NativeAddress address)
    {
        if (Loop.Engine.Connect(this, address) != 0) OnConnectFailed("connect failed");
    }

    public override void OnConnected(int errno)
    {
        if (errno != 0)
        {
            OnConnectFailed("connect failed");
            return;
        }
        if (Loop.Registry.Settings.LogConnections) Loop.LogNewServer(LogPrefix, Loop.Engine.LocalAddress(this));
        if (IsAbandoned)
        {
            Close(GaveUp);
            return;
        }
        if (ReasonToDrop is { } reason)
        {
            Close(GaveUp);
            EndRequester(reason);
            return;
        }
        try
        {
            if (!BeginsTls()) SendRequest();
        }
        catch (TlsContextException e)
        {
            Loop.Context.Log.Caution("", "TLS connect error: " + e.Message);
            OnConnectFailed("server conn crashed?");
        }
    }

    /// <summary>The other side takes nothing in plain: a handshake has begun, behind which the request goes.</summary>
    protected virtual bool BeginsTls() => false;

    public override void OnSecured(TlsStream handshake)
    {
        if (ReasonToDrop is not { } reason)
        {
            SendRequest();
            return;
        }
        Close(GaveUp);
        EndRequester(reason);
    }

    public override void OnTlsFailed(string problem)
    {
        if (IsSent)
        {
            Finish(Delivered); // The server has closed without a good-bye, as it does.
            return;
        }
        Loop.Context.Log.Caution("", "TLS handshake error: " + problem);
        OnConnectFailed("server conn crashed?");
    }

    private void SendRequest()
    {
        var request = new CancelRequest { ProcessId = BinaryPrimitives.ReadInt32BigEndian(Key), SecretKey = Key[4..] };
        var bytes = new byte[request.Size]; // As long as the server made its key.
        request.Write(bytes);
        IsSent = true;
        _holdsTarget = true;
        OnSending();
        if (!Loop.Engine.Send(this, bytes)) Finish(FailedToSend);
    }

    /// <summary>From here the request may act.</summary>
    protected virtual void OnSending()
    {
    }

    /// <summary>It has acted, or never will.</summary>
    protected virtual void OnOver()
    {
    }

    public override void OnReceived(byte[] buffer, int start, int count)
    {
    }

    public override void OnBroken()
    {
        if (_carrierId != 0) Finish(Loop.InternalError);
        else EndRequester(Loop.InternalError);
    }

    public override void OnDrained()
    {
    }

    /// <summary>The other side closes when it has acted on the request.</summary>
    public override void OnEnded(int errno)
    {
        if (IsSent) Finish(errno == Errno.EPIPE ? FailedToSend : Delivered);
        else OnConnectFailed("server conn crashed?");
    }

    /// <summary>It takes too long.</summary>
    internal void GiveUp()
    {
        if (IsSent) Finish("connect timeout");
        else OnConnectFailed(Has(EndpointFlags.Connecting) ? "connect failed" : "connect timeout");
    }

    protected void OnConnectFailed(string reason)
    {
        if (HasOtherAddress)
        {
            Loop.Engine.Close(this);
            LogClosing(reason);
            Start();
            return;
        }
        RetryAtUs = StartUs + Loop.Registry.Settings.ServerLoginRetryUs;
        Close(reason, isToRetry: !IsAbandoned);
    }

    private void Finish(string reason)
    {
        Close(reason);
        EndRequester(reason);
    }

    private void Close(string reason, bool isToRetry = false)
    {
        Loop.Try(() => Loop.Engine.Close(this));
        Loop.Try(LetGoOfTarget);
        Loop.Try(() => LogClosing(reason));
        _carrierId = 0;
        Relay.OnClosed(Loop, this, isToRetry);
    }

    private void LetGoOfTarget()
    {
        if (!_holdsTarget) return;
        _holdsTarget = false;
        OnOver();
    }

    private void LogClosing(string reason)
    {
        if (Loop.Registry.Settings.LogDisconnections) Loop.LogClosing(LogPrefix, reason, StartUs);
    }

    internal void EndRequester(string reason)
    {
        if (_requester is not { } requester) _isAbandoned = true;
        else if (_requesterLoop == Loop) requester.Disconnect(new Ending(reason));
        else _requesterLoop.Post(new ActionLetter(_ => requester.Disconnect(new Ending(reason))));
    }

    /// <summary>The requester's connection was closed before the request was through: what has not left stays here.</summary>
    public void OnRequesterClosed()
    {
        if (IsAbandoned) return;
        _isAbandoned = true;
        if (_requesterLoop == Loop) LetGo();
        else Loop.Post(new ActionLetter(_ => LetGo(), this));
    }

    private void LetGo()
    {
        if (_carrierId != 0 && (!IsSent || MayForgetOnceSent)) Close(GaveUp);
    }
}
