using FastPool.Life;
using FastPool.Native;

namespace FastPool.MakeAuth;

/// <summary>TLS of a <see cref="DirectConnection"/>: the pooler's own transform, over calls that wait.</summary>
internal sealed class DirectTls : IDisposable
{
    private const int CipherBytes = 16 * 1024;
    private const int RecordBytesMax = 16 * 1024;

    internal delegate int ReceiveBytes(Span<byte> room);

    internal delegate void SendBytes(ReadOnlySpan<byte> bytes);

    private readonly TlsTransfer _transfer = new();
    private readonly TlsStream _stream;
    private readonly SendBytes _send;
    private readonly ReceiveBytes _receive;
    private readonly byte[] _cipher = new byte[CipherBytes];
    private readonly byte[] _plain = new byte[CipherBytes + 2 * RecordBytesMax];
    private int _plainStart;
    private int _plainEnd;

    private DirectTls(TlsContext context, string host, SendBytes send, ReceiveBytes receive)
    {
        (_send, _receive) = (send, receive);
        _stream =
            new TlsStream(context, _transfer, server: null, serverName: System.Net.IPAddress.TryParse(host, out _) ? null : host);
    }

    /// <summary>The channel that SCRAM may be bound to.</summary>
    internal byte[]? EndPoint => _stream.EndPoint();

    /// <summary>The handshake, and a look at the server's certificate as sslmode wants it.</summary>
    internal static DirectTls Begin(ConnectionOptions options, string host, SendBytes send, ReceiveBytes receive)
    {
        var tls = new DirectTls(ContextOf(options), host, send, receive);
        try
        {
            tls.Shake();
            if (options.SslMode == "verify-full" && !tls._stream.IsPeer(host))
                throw new FatalError($"server certificate does not match host name \"{host}\"");
            return tls;
        }
        catch
        {
            tls.Dispose();
            throw;
        }
    }

    private static TlsContext ContextOf(ConnectionOptions options)
    {
        var root = options.SslRootCert;
        var isVerified = options.SslMode.StartsWith("verify-", StringComparison.Ordinal)
            || (options.SslMode == "require" && root.Length > 0);
        if (isVerified && root.Length == 0)
            throw new FatalError(
            "root certificate file does not exist: name it by sslrootcert, or change sslmode to disable server certificate verification");
        try
        {
            return new TlsContext(new TlsContextOptions
            {
                IsServer = false,
                Verify = isVerified ? TlsVerify.Required : TlsVerify.None,
                CaFile = isVerified && root != "system" ? root : "",
                CertFile = options.SslCert,
                KeyFile = options.SslCert.Length > 0 ? options.SslKey : "",
            });
        }
        catch (TlsContextException failure)
        {
            throw new FatalError($"could not set up SSL ({failure.Fault}): {failure.Message}");
        }
    }

    private void Shake()
    {
        var isGood = _stream.Start(_transfer);
        Flush();
        while (isGood && !_stream.IsEstablished)
        {
            var received = _receive(_cipher);
            if (received == 0) throw new FatalError("SSL error: the server closed the connection in the handshake");
            isGood = _stream.Receive(_transfer, _cipher.AsSpan(0, received), _plain, out _plainEnd) != TlsOutcome.Failed;
            Flush();
        }
        if (!isGood) throw new FatalError("SSL error: " + _stream.Problem);
    }

    /// <returns>0 at the end.</returns>
    internal int Receive(Span<byte> room)
    {
        while (_plainStart == _plainEnd)
        {
            if (_stream.IsPeerClosed) return 0;
            var received = _receive(_cipher);
            if (received == 0) return 0;
            var outcome = _stream.Receive(_transfer, _cipher.AsSpan(0, received), _plain, out _plainEnd);
            _plainStart = 0;
            Flush();
            if (outcome == TlsOutcome.Failed) throw new FatalError("SSL error: " + _stream.Problem);
        }
        var count = Math.Min(room.Length, _plainEnd - _plainStart);
        _plain.AsSpan(_plainStart, count).CopyTo(room);
        _plainStart += count;
        return count;
    }

    internal void Send(ReadOnlySpan<byte> plain)
    {
        if (!_stream.Write(_transfer, plain)) throw new FatalError("SSL error: " + _stream.Problem);
        Flush();
    }

    private void Flush()
    {
        if (!_transfer.Output.IsEmpty) _send(_transfer.Output);
        _transfer.ClearOutput();
    }

    public void Dispose() => _stream.Free(_transfer);
}
