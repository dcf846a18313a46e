using FastPool.Base;
using FastPool.Native;

namespace FastPool.Io;

/// <summary>Streams that bring much: their sockets tell of them only when there is much to read.</summary>
public sealed partial class SocketEngine
{
    private const int BulkWaitMs = 1;

    private readonly List<Endpoint> _bulk = [];

    public override void Streams(Endpoint endpoint, int bytes)
    {
        if (endpoint.Has(EndpointFlags.Bulk)) return;
        if (endpoint.StreamedBytes == 0 || NowUs - endpoint.LastBulkUs > Limits.BulkWithinUs)
        {
            endpoint.LastBulkUs = NowUs; // Before it is bulk: the time from which its bytes are counted.
            endpoint.StreamedBytes = 0;
        }
        endpoint.StreamedBytes += bytes;
        if (endpoint.StreamedBytes < Limits.BulkBytes) return;
        endpoint.Flags |= EndpointFlags.Bulk;
        endpoint.LastBulkUs = NowUs;
        Sockets.TrySet(endpoint.Handle, SocketOption.ReceiveLowWater, Limits.BulkReceiveBytes);
        _bulk.Add(endpoint);
    }

    protected override void EndStreamed(Endpoint endpoint)
    {
        endpoint.StreamedBytes = 0;
        if (!endpoint.Has(EndpointFlags.Bulk)) return;
        endpoint.Flags &= ~EndpointFlags.Bulk;
        _bulk.Remove(endpoint);
        Sockets.TrySet(endpoint.Handle, SocketOption.ReceiveLowWater, 1);
    }

    /// <summary>Some bulk stream may pause. One that is not read for now waits for something else.</summary>
    private bool AwaitsBulk()
    {
        foreach (var endpoint in _bulk)
        {
            if (!endpoint.IsPaused && !endpoint.IsParked && !endpoint.IsHeldUp) return true;
        }
        return false;
    }

    /// <summary>A bulk stream that has paused may have brought its last bytes, fewer than the socket tells of.</summary>
    private void ReadPausedBulk(ITurnObserver observer)
    {
        for (var i = _bulk.Count - 1; i >= 0; i--)
        {
            var endpoint = _bulk[i];
            if (endpoint.IsPaused || endpoint.IsParked || endpoint.IsHeldUp || NowUs - endpoint.LastBulkUs < Limits.BulkPauseUs)
                continue;
            EndStream(endpoint);
            Serve(endpoint, observer);
            i = Math.Min(i, _bulk.Count);
        }
    }
}
