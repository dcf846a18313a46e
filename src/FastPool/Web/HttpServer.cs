using System.Net;
using FastPool.Base;
using FastPool.Core.Settings;
using FastPool.Logs;
using FastPool.Native;
using Microsoft.Extensions.Logging;

namespace FastPool.Web;

/// <summary>
/// A few short answers over HTTP for monitoring: one thread, one epoll set, GET and HEAD, one request a connection. A client
/// that is slow, silent or talks nonsense holds one of <see cref="ConnectionsMax"/> places for some seconds, and holds up no
/// other client.
/// </summary>
internal sealed class HttpServer : IDisposable
{
    internal const int ConnectionsMax = 32;

    private const int Backlog = 64;
    private const int EventsMax = 16;
    private const int StackBytes = 256 * 1024;
    private const ulong ListenerData = ulong.MaxValue;
    private const int LookMs = 1000;

    private readonly EpollSet _set = new(EventsMax);
    private readonly Dictionary<int, HttpConnection> _connections = [];
    private readonly List<int> _listeners = [];
    private readonly Func<HttpRequest, HttpResponse> _answer;
    private readonly Clock _clock;
    private readonly ILogger _log;
    private readonly ListenAddress _address;
    private bool _hasComplained;
    private bool _isResting;
    private volatile bool _isStopped;

    internal HttpServer(ListenAddress address, Func<HttpRequest, HttpResponse> answer, Clock clock, ILogger log)
    {
        _address = address;
        _answer = answer;
        _clock = clock;
        _log = log;
    }

    /// <summary>Listens, and serves on a thread of its own. An address in use may be free later: try again.</summary>
    /// <returns>True when it serves, now or already, or is not to any more.</returns>
    internal bool TryStart()
    {
        if (_listeners.Count > 0 || _isStopped) return true;
        foreach (var address in Addresses()) TryListen(address);
        if (_listeners.Count == 0)
        {
            _hasComplained = true;
            return false;
        }
        new Thread(Run, StackBytes) { Name = "metrics", IsBackground = true }.Start();
        return true;
    }

    /// <summary>Leaves the address to another process, within a second. Any thread.</summary>
    internal void Stop() => _isStopped = true;

    private IPAddress[] Addresses()
    {
        if (_address.Ip is { } ip) return [ip];
        if (_address.Name is not { } name) return [IPAddress.Any, IPAddress.IPv6Any];
        try
        {
            return [.. Dns.GetHostAddresses(name).Distinct()];
        }
        catch (System.Net.Sockets.SocketException)
        {
            if (!_hasComplained) _log.Line(LogLevel.Warning, $"cannot listen on {_address} for metrics: no such name");
            return [];
        }
    }

    private void TryListen(IPAddress ip)
    {
        var address = NativeAddress.Ip(ip, _address.Port);
        var handle = Sockets.TryOpen(address.Family);
        var call = "socket";
        var result = handle;
        if (handle >= 0)
        {
            Sockets.TrySet(handle, SocketOption.ReuseAddress, 1);
            if (address.Family == SocketFamily.V6) Sockets.TrySet(handle, SocketOption.V6Only, 1);
            call = "bind";
            result = Sockets.TryBind(handle, address);
        }
        if (result >= 0)
        {
            call = "listen";
            result = Sockets.TryListen(handle, Backlog);
        }
        if (result >= 0 && _set.TryAdd(handle, Readiness.In, ListenerData) == 0)
        {
            _listeners.Add(handle);
            _log.Line(LogLevel.Information, $"metrics on http://{new IPEndPoint(ip, Sockets.LocalAddress(handle).Port)}/");
            return;
        }
        if (handle >= 0) Sockets.Close(handle);
        if (!_hasComplained)
            _log.Line(LogLevel.Warning,
            $"cannot listen on {new IPEndPoint(ip, _address.Port)} for metrics: {call}(): {Errno.Text(-result)}");
    }

    private void Run()
    {
        while (!_isStopped)
        {
            try
            {
                Turn(LookMs);
            }
            catch (Exception failure)
            {
                _log.Line(LogLevel.Error, $"metrics: {failure}"); // Nobody's metrics are worth the process.
            }
        }
        foreach (var listener in _listeners) Sockets.Close(listener);
        foreach (var connection in _connections.Values.ToArray()) End(connection);
    }

    /// <summary>Waits for input and deals with it; ends what has taken too long.</summary>
    internal void Turn(int waitMs)
    {
        var count = _set.Wait(_connections.Count > 0 ? waitMs : Math.Max(waitMs, LookMs));
        if (_isResting) ListenOn();
        for (var i = 0; i < count; i++)
        {
            var (_, data) = _set.Event(i);
            if (data == ListenerData) Accept();
            else if (_connections.TryGetValue((int)data, out var connection)) GoOn(connection);
        }
        if (_connections.Count == 0) return;
        var now = _clock.NowUs;
        foreach (var connection in _connections.Values.Where(connection => connection.DeadlineUs < now).ToArray())
            End(connection);
    }

    private void Accept()
    {
        foreach (var listener in _listeners)
        {
            var handle = Sockets.TryAccept(listener, out _);
            if (handle is -Errno.EMFILE or -Errno.ENFILE) Rest(); // The listeners stay readable meanwhile.
            if (handle < 0) continue;
            // The connection nearest to its end makes room.
            if (_connections.Count >= ConnectionsMax) End(_connections.Values.MinBy(static connection => connection.DeadlineUs)!);
            var connection = new HttpConnection(handle, _clock.NowUs);
            _connections[handle] = connection;
            if (_set.TryAdd(handle, Readiness.In | Readiness.PeerClosed, (ulong)handle) != 0) End(connection);
        }
    }

    /// <summary>No descriptor for a newcomer: listens again after the next wait.</summary>
    private void Rest()
    {
        _isResting = true;
        foreach (var listener in _listeners) _set.Remove(listener);
    }

    private void ListenOn()
    {
        _isResting = false;
        foreach (var listener in _listeners) _set.TryAdd(listener, Readiness.In, ListenerData);
    }

    /// <summary>A fault while an answer is made costs that one connection.</summary>
    private void GoOn(HttpConnection connection)
    {
        try
        {
            Serve(connection);
        }
        catch
        {
            End(connection);
            throw;
        }
    }

    private void Serve(HttpConnection connection)
    {
        var step = connection.IsAnswering ? connection.Send() : connection.Receive();
        if (step == HttpStep.Answer)
        {
            connection.Answer(connection.Refusal ?? _answer(connection.Request), _clock.NowUs);
            step = connection.Send();
            if (step == HttpStep.Wait)
            {
                _set.Remove(connection.Handle);
                _set.TryAdd(connection.Handle, Readiness.Out, (ulong)connection.Handle);
            }
        }
        if (step == HttpStep.End) End(connection);
    }

    private void End(HttpConnection connection)
    {
        _connections.Remove(connection.Handle);
        Sockets.Close(connection.Handle); // Leaves the epoll set by itself.
    }

    public void Dispose() => _set.Dispose();
}
