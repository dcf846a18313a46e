using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace FastPool.Compat.Harness;

/// <summary>A client inside TLS that speaks the protocol by hand, and may stop in the middle of a record.</summary>
internal sealed class TlsRawClient : IAsyncDisposable
{
    private readonly TcpClient _socket = new();
    private readonly CutStream _cut;
    private readonly SslStream _tls;

    private TlsRawClient(int port)
    {
        _socket.Connect("127.0.0.1", port);
        _socket.NoDelay = true;
        _cut = new CutStream(_socket.GetStream());
        _tls = new SslStream(_cut, leaveInnerStreamOpen: false, IsThePooler);
    }

    private static bool IsThePooler(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) =>
        certificate?.Subject == "CN=pooler";

    public static async Task<TlsRawClient> LoginAsync(int port, string user = "user_trust", string database = Postgres.Database)
    {
        var client = new TlsRawClient(port);
        await client._cut.WriteAsync(Wire.Untyped(80877103));
        Assert.Equal('S', client._cut.ReadByte());
        await client._tls.AuthenticateAsClientAsync("localhost");
        await client._tls.WriteAsync(Wire.Startup(("user", user), ("database", database)));
        await client.ReplyAsync();
        return client;
    }

    /// <summary>A query of which only so many bytes leave, as ciphertext; the rest goes out by <see cref="GoOnAsync"/>.</summary>
    public async Task BeginQueryAsync(string sql, int bytes)
    {
        _cut.Left = bytes;
        await _tls.WriteAsync(Wire.Query(sql));
    }

    public async Task<Reply> GoOnAsync()
    {
        await _cut.ReleaseAsync();
        return await ReplyAsync();
    }

    public async Task<Reply> QueryAsync(string sql)
    {
        await _tls.WriteAsync(Wire.Query(sql));
        return await ReplyAsync();
    }

    private async Task<Reply> ReplyAsync()
    {
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var reply = new Reply();
        while (reply.Status == ' ')
        {
            var head = new byte[5];
            await _tls.ReadExactlyAsync(head, soon.Token);
            var body = new byte[BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(1)) - 4];
            await _tls.ReadExactlyAsync(body, soon.Token);
            reply.Add(new Message((char)head[0], body));
        }
        return reply;
    }

    public async ValueTask DisposeAsync()
    {
        await _tls.DisposeAsync();
        _socket.Dispose();
    }

    /// <summary>Lets so many bytes pass, and keeps the rest.</summary>
    private sealed class CutStream(Stream inner) : Stream
    {
        private byte[] _kept = [];

        /// <summary>Negative: all may pass.</summary>
        public int Left { get; set; } = -1;

        public async Task ReleaseAsync()
        {
            Left = -1;
            var kept = _kept;
            _kept = [];
            await inner.WriteAsync(kept);
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var passing = Left < 0 ? buffer.Length : Math.Min(Left, buffer.Length);
            if (Left >= 0) Left -= passing;
            _kept = [.. _kept, .. buffer[passing..].Span];
            await inner.WriteAsync(buffer[..passing], cancellationToken);
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            inner.ReadAsync(buffer, cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

        public override void Flush() => inner.Flush();

        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
