using FastPool.Base;
using FastPool.Native;

namespace FastPool.Io;

/// <summary>
/// TLS of one engine's endpoints: a transform between the bytes of the socket and those of the owner, with two buffers of
/// the loop's. The bytes of one receive are decrypted whole and delivered at once. The bytes that one delivery sends leave in as
/// few records and calls as it can. Made with the loop's first TLS connection.
/// </summary>
internal sealed class TlsCarrier(BufferPool buffers)
{
    private const int RecordBytesMax = 16 * 1024;
    private const int PlainAt = Limits.HeadroomBytes;

    /// <summary>A receive, and the record of which most had come before.</summary>
    private const int PlainBytes = Limits.ReceiveBytes + 2 * RecordBytesMax;

    private readonly byte[] _plain = BufferPool.NewPinned(PlainAt + PlainBytes);
    private readonly byte[] _gathered = BufferPool.NewPinned(RecordBytesMax);

    internal TlsTransfer Transfer { get; } = new(buffers);

    /// <inheritdoc cref="Engine.TlsCounts"/>
    internal int OwnCount { get; private set; }

    /// <inheritdoc cref="Engine.TlsCounts"/>
    internal int LibraryCount { get; private set; }

    private void Count(TlsLayer tls, int change)
    {
        if (!tls.IsEstablished) return;
        if (tls is TlsRecords) OwnCount += change;
        else LibraryCount += change;
    }

    /// <summary>Hands plaintext to the endpoint's owner, after its handshake; never more than one completion each.</summary>
    internal void Deliver(Engine engine, Endpoint endpoint, ReadOnlySpan<byte> cipher)
    {
        var tls = endpoint.Tls!;
        var wasEstablished = tls.IsEstablished;
        var outcome = tls.Receive(Transfer, cipher, _plain.AsSpan(PlainAt), out var count);
        if (!wasEstablished) Count(tls, 1);
        var isSound = SendOutput(engine, endpoint);
        if (outcome == TlsOutcome.Failed)
        {
            endpoint.OnTlsFailed(tls.Problem);
            return;
        }
        if (!isSound)
        {
            endpoint.OnEnded(Errno.EPIPE);
            return;
        }
        if (outcome == TlsOutcome.Established)
        {
            endpoint.OnSecured((TlsStream)tls);
            if (!ReferenceEquals(endpoint.Tls, tls)) return;
        }
        if (tls is TlsStream) endpoint.Tls = tls = Settle(tls);
        if (count > 0)
        {
            endpoint.OnReceived(_plain, PlainAt, count);
            if (!ReferenceEquals(endpoint.Tls, tls)) return;
        }
        if (tls.IsPeerClosed && !endpoint.IsPaused && !endpoint.IsHeldUp && !endpoint.IsParked) endpoint.OnEnded(0);
    }

    private TlsLayer Settle(TlsLayer tls)
    {
        var settled = tls.Settle();
        Count(tls, -1);
        Count(settled, 1);
        return settled;
    }

    /// <inheritdoc cref="TlsRecords.TryRestore"/>
    internal TlsRecords? TryRestore(ReadOnlySpan<byte> state)
    {
        var records = TlsRecords.TryRestore(state, Transfer);
        if (records is not null) Count(records, 1);
        return records;
    }

    internal void MoveAway(TlsLayer tls)
    {
        Count(tls, -1);
        tls.Leave(Transfer);
    }

    internal void MoveHere(TlsLayer tls)
    {
        tls.MoveTo(Transfer);
        Count(tls, 1);
    }

    /// <summary>It ends here, without a word to the peer.</summary>
    internal void Forget(Endpoint endpoint)
    {
        var tls = endpoint.Tls!;
        endpoint.Tls = null;
        Count(tls, -1);
        tls.Free(Transfer);
    }

    /// <summary>Begins a handshake as the side that speaks first.</summary>
    /// <returns>False when the connection is broken.</returns>
    internal bool Start(Engine engine, Endpoint endpoint) =>
        ((TlsStream)endpoint.Tls!).Start(Transfer) & SendOutput(engine, endpoint);

    /// <returns>False when the connection is broken.</returns>
    internal bool Send(Engine engine, Endpoint endpoint, ReadOnlySpan<byte> plain)
    {
        if (!endpoint.Tls!.IsEstablished) return true; // A last word before the handshake is done has no reader.
        while (!plain.IsEmpty)
        {
            var piece = plain[..Math.Min(plain.Length, TlsTransfer.PlainBytesMax)];
            if (!endpoint.Tls.Write(Transfer, piece) || !SendOutput(engine, endpoint)) return false;
            plain = plain[piece.Length..];
        }
        return true;
    }

    /// <summary>Small pieces share a record.</summary>
    /// <returns>False when the connection is broken.</returns>
    internal bool Send(Engine engine, Endpoint endpoint, ReadOnlySpan<Segment> segments)
    {
        var used = 0;
        foreach (var segment in segments)
        {
            var piece = segment.Buffer.AsSpan(segment.Start, segment.Length);
            if (used + piece.Length > _gathered.Length)
            {
                if (!Send(engine, endpoint, _gathered.AsSpan(0, used))) return false;
                used = 0;
            }
            if (piece.Length > _gathered.Length)
            {
                if (!Send(engine, endpoint, piece)) return false;
                continue;
            }
            piece.CopyTo(_gathered.AsSpan(used));
            used += piece.Length;
        }
        return Send(engine, endpoint, _gathered.AsSpan(0, used));
    }

    /// <summary>The connection is about to be closed: its peer is told, unless it has said so first or would not hear.</summary>
    internal void End(Engine engine, Endpoint endpoint)
    {
        var tls = endpoint.Tls!;
        endpoint.Tls = null;
        Count(tls, -1);
        if (!tls.IsPeerClosed && !endpoint.IsCongested && !endpoint.Has(EndpointFlags.PeerClosed)) tls.SayGoodbye(Transfer);
        SendOutput(engine, endpoint);
        tls.Free(Transfer);
    }

    private bool SendOutput(Engine engine, Endpoint endpoint)
    {
        var output = Transfer.Output;
        if (output.IsEmpty) return true;
        try
        {
            return engine.SendRaw(endpoint, output);
        }
        finally
        {
            Transfer.ClearOutput(); // Whatever comes of it: the next records are another connection's.
        }
    }
}
