using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Pipelines.Sockets.Unofficial;

namespace FastPool.Compat.Harness;

/// <summary>
/// Stands between client and pooler or between pooler and PostgreSQL, and can delay, cut, reset and split what passes.
/// Its settings may change while connections pass through.
/// </summary>
internal sealed class FaultProxy : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly ConcurrentDictionary<Socket, Socket> _pairs = new();
    private readonly int _target;

    /// <param name="target">A port of the loopback.</param>
    /// <param name="address">Where it listens; null: 127.0.0.1.</param>
    /// <param name="port">0: any.</param>
    public FaultProxy(int target, IPAddress? address = null, int port = 0)
    {
        _target = target;
        Port = port > 0 ? port : Machine.FreePort();
        _listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _listener.Bind(new IPEndPoint(address ?? IPAddress.Loopback, Port));
        _listener.Listen(100);
        _ = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>Bytes passed on at a time; 0 as they come.</summary>
    public int SegmentBytes { get; set; }

    /// <summary>A pause before each piece.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Resets a connection after so many bytes towards the side that connected; 0 never.</summary>
    public long ResetAfterBytes { get; set; }

    /// <summary>Takes connections and closes them at once.</summary>
    public bool RefuseNew { get; set; }

    /// <summary>Takes everything, connections too, and passes nothing on.</summary>
    public bool IsSwallowing { get; set; }

    public int ConnectionCount => _pairs.Count;

    /// <summary>Closes all connections in the ordinary way.</summary>
    public void Cut() => CloseAll(reset: false);

    /// <summary>Resets all connections.</summary>
    public void Reset() => CloseAll(reset: true);

    /// <summary>New connections are refused from now on; those that are there stay.</summary>
    public void StopListening() => _listener.Dispose();

    public ValueTask DisposeAsync()
    {
        StopListening();
        Cut();
        return ValueTask.CompletedTask;
    }

    private void CloseAll(bool reset)
    {
        foreach (var (near, far) in _pairs)
            Close(near, far, reset);
    }

    private void Close(Socket near, Socket far, bool reset)
    {
        _pairs.TryRemove(near, out _);
        foreach (var socket in new[] { near, far })
        {
            try
            {
                if (reset)
                    socket.LingerState = new LingerOption(true, 0);
                else
                    socket.Shutdown(SocketShutdown.Both);
                socket.Close();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
            }
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            for (; ; )
                _ = CarryAsync(await _listener.AcceptAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task CarryAsync(Socket near)
    {
        var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (RefuseNew)
            {
                near.Close();
                return;
            }

            await far.ConnectAsync(new IPEndPoint(IPAddress.Loopback, _target));
            near.NoDelay = far.NoDelay = true;
            _pairs[near] = far;
            var nearConnection = SocketConnection.Create(near);
            var farConnection = SocketConnection.Create(far);
            var there = PumpAsync(nearConnection.Input, farConnection.Output, 0, near, far);
            var back = PumpAsync(farConnection.Input, nearConnection.Output, ResetAfterBytes, near, far);
            await Task.WhenAny(there, back);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
        }
        finally
        {
            Close(near, far, reset: false);
        }
    }

    private async Task PumpAsync(PipeReader from, PipeWriter to, long resetAfter, Socket near, Socket far)
    {
        long passed = 0;
        try
        {
            for (; ; )
            {
                var result = await from.ReadAsync();
                foreach (var memory in result.Buffer)
                {
                    if (IsSwallowing)
                        break;
                    for (var at = 0; at < memory.Length;)
                    {
                        var count = SegmentBytes > 0 ? Math.Min(SegmentBytes, memory.Length - at) : memory.Length - at;
                        if (Delay > TimeSpan.Zero)
                            await Task.Delay(Delay);
                        await to.WriteAsync(memory.Slice(at, count));
                        at += count;
                        passed += count;
                        if (resetAfter > 0 && passed >= resetAfter)
                        {
                            Close(near, far, reset: true);
                            return;
                        }
                    }
                }

                from.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                    break;
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or InvalidOperationException
            or ConnectionAbortedException or ConnectionResetException)
        {
        }
    }
}
