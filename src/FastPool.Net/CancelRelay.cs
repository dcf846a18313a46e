using System.Buffers.Binary;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Native;
using FastPool.Protocol;

namespace FastPool.Net;

/// <summary>
/// Brings cancel requests to the server that runs the query of the client they name. The requester hears nothing but
/// the close, which comes when the request has been delivered.
/// </summary>
internal sealed class CancelRelay(PoolRegistry registry)
{
    private readonly List<CancelConnection>[] _underWay = [.. Enumerable.Range(0, registry.LoopCount).Select(_ => new List<CancelConnection>())];
    private readonly List<CancelConnection>[] _waiting = [.. Enumerable.Range(0, registry.LoopCount).Select(_ => new List<CancelConnection>())];


    internal void Begin(Loop loop, ClientConnection requester, ulong key)
    {
        if (registry.CancelKeys.Find(key) is not ClientSession target)
        {
            requester.Disconnect(new Ending("failed cancel request"));
            return;
        }
        var cancel = new CancelConnection(loop, requester);
        requester.Cancel = cancel;
        loop.LoggedIn(requester); // From here cancel_wait_timeout counts, not client_login_timeout.
        loop.Engine.Pause(requester);
        if (target.Loop == loop.Index) Aim(loop, cancel, target);
        else loop.Group[target.Loop].Post(new ActionLetter(other => Aim(other, cancel, target)));
    }

    /// <summary>On the target's loop: only there the link can be looked at.</summary>
    private void Aim(Loop loop, CancelConnection cancel, ClientSession target)
    {
        var server = target.Server;
        var refusal = target.IsConsole ? "cancel request for console client"
            : server is null ? "cancel request for idle client"
            : server.Phase == ServerPhase.SettingParameters ? "ignoring cancel request for server that is setting vars"
            : null;
        cancel.Prepare(loop, target, server);
        if (target.IsConsole) loop.Console.Cancel(target);
        if (refusal is not null)
        {
            cancel.EndRequester(refusal);
            return;
        }
        TryStart(loop, cancel);
    }

    private void TryStart(Loop loop, CancelConnection cancel)
    {
        var pool = cancel.Target!.Pool!;
        var size = pool.Limits.PoolSize;
        if (!pool.Cancels.TryTake(size > 0 ? Math.Max(1, 2 * size - pool.Counts.Servers) : 0))
        {
            _waiting[loop.Index].Add(cancel);
            return;
        }
        _underWay[loop.Index].Add(cancel);
        cancel.Start();
    }

    internal void Forget(Loop loop, CancelConnection cancel) => _underWay[loop.Index].Remove(cancel);

    /// <summary>Requests aimed at servers of that loop.</summary>
    internal IReadOnlyList<CancelView> ViewOf(int loop) => [.. _waiting[loop].Concat(_underWay[loop]).Select(cancel => cancel.View)];

    /// <summary>Tries again for those that found too many connections; gives up after cancel_wait_timeout.</summary>
    internal void Tick(Loop loop)
    {
        GiveUpOnSilence(loop);
        var waiting = _waiting[loop.Index];
        if (waiting.Count == 0) return;
        var timeoutUs = registry.Settings.CancelWaitTimeoutUs;
        foreach (var cancel in waiting.ToArray())
        {
            waiting.Remove(cancel);
            if (timeoutUs > 0 && loop.NowUs - cancel.SinceUs > timeoutUs) cancel.EndRequester("cancel_wait_timeout");
            else if (!cancel.IsStillAimed) cancel.EndRequester("not sending cancel request for client that is now idle");
            else TryStart(loop, cancel);
        }
    }

    /// <summary>A server that neither answers nor closes holds back the one that is to be canceled no longer than a login may take.</summary>
    private void GiveUpOnSilence(Loop loop)
    {
        var underWay = _underWay[loop.Index];
        var timeoutUs = registry.Settings.ServerConnectTimeoutUs;
        if (underWay.Count == 0 || timeoutUs <= 0) return;
        foreach (var cancel in underWay.ToArray())
        {
            if (loop.NowUs - cancel.StartUs > timeoutUs) cancel.GiveUp();
        }
    }
}

/// <summary>One cancel request: the connection of the requester on one side, a fresh one to the server on the other.</summary>
internal sealed class CancelConnection(Loop requesterLoop, ClientConnection requester) : Endpoint
{
    private const int RequestBytes = 16;

    private Loop _loop = null!; // The target's, from Prepare on.
    private ServerSession? _server;
    private NativeAddress _address;
    private bool _isAbandoned;
    private long _carrierId;
    private long _startWallUs;

    internal ClientSession? Target { get; private set; }

    internal long SinceUs { get; private set; }

    /// <summary>Begin of the connection to the server.</summary>
    internal long StartUs { get; private set; }

    internal bool IsStillAimed => Target!.Server == _server;

    internal void Prepare(Loop loop, ClientSession target, ServerSession? server)
    {
        _loop = loop;
        _server = server;
        if (server?.Transport is ServerConnection connection) _address = connection.Address;
        Target = target;
        SinceUs = loop.NowUs;
    }

    /// <summary>From here the server serves nobody else until the request is through.</summary>
    internal void Start()
    {
        _carrierId = _loop.Group.NextId();
        _startWallUs = _loop.Context.WallUs;
        StartUs = _loop.NowUs;
        _server!.CancelsInFlight++;
        if (_loop.Engine.Connect(this, _address) != 0) Finish("failed to send cancel request");
    }

    protected internal override void OnConnected(int errno)
    {
        if (errno != 0)
        {
            Finish("failed to send cancel request");
            return;
        }
        if (_isAbandoned)
        {
            Finish("client gave up on cancel request, so we also give up forwarding to server");
            return;
        }
        Span<byte> secret = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(secret, (uint)_server!.CancelKey);
        var request = new CancelRequest { ProcessId = (int)(_server.CancelKey >> 32), SecretKey = secret };
        Span<byte> bytes = stackalloc byte[RequestBytes];
        request.Write(bytes);
        if (!_loop.Engine.Send(this, bytes)) Finish("failed to send cancel request");
    }

    protected internal override void OnReceived(byte[] buffer, int start, int count)
    {
    }

    protected internal override void OnDrained()
    {
    }

    /// <summary>The server closes when it has acted on the request.</summary>
    protected internal override void OnEnded(int errno) => Finish("successfully sent cancel request");

    internal CancelView View => new(requester.Session, Target!.Pool, 0, _carrierId == 0 ? null
        : new CancelCarrier(_carrierId, _address.ToEndAddress(), IsOpen ? _loop.Engine.LocalAddress(this) : default, requester.Session.UnixPort, _startWallUs, Has(EndpointFlags.Connecting)));

    internal void GiveUp() => Finish(Has(EndpointFlags.Connecting) ? "connect failed" : "connect timeout");

    private void Finish(string reason)
    {
        _loop.Group.Cancels.Forget(_loop, this);
        _loop.Engine.Close(this);
        var server = _server!;
        server.Pool.Cancels.GiveBack();
        server.CancelsInFlight--;
        if (server.CancelsInFlight == 0 && server.Client is null && server.Transport is ServerConnection { IsClosed: false } connection) _loop.Release(connection);
        EndRequester(reason);
    }

    internal void EndRequester(string reason)
    {
        if (requesterLoop == _loop) requester.Disconnect(new Ending(reason));
        else requesterLoop.Post(new ActionLetter(_ => requester.Disconnect(new Ending(reason))));
    }

    /// <summary>The requester hung up before the request was through: a request that has not left stays here.</summary>
    internal void OnClientGone() => _isAbandoned = true;
}
