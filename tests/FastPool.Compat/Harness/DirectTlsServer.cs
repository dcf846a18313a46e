using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace FastPool.Compat.Harness;

/// <summary>
/// A PostgreSQL that takes a handshake of TLS and nothing in plain, as from 17 on with sslnegotiation=direct: it stands before a
/// plain one and passes on.
/// </summary>
internal sealed class DirectTlsServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<TcpClient> _open = [];
    private readonly X509Certificate2 _certificate;
    private readonly int _target;
    private readonly bool _hasProtocol;

    /// <param name="target">A port of the loopback.</param>
    /// <param name="hasProtocol">It answers the client's ALPN.</param>
    public DirectTlsServer(Certificates certificates, int target, bool hasProtocol = true)
    {
        _certificate = X509Certificate2.CreateFromPem(
            File.ReadAllText(certificates.Certificate("server")), File.ReadAllText(certificates.Key("server")));
        (_target, _hasProtocol) = (target, hasProtocol);
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The name that each client called.</summary>
    public ConcurrentQueue<string> Names { get; } = new();

    /// <summary>Connections that did not begin with a handshake.</summary>
    public int PlainCount { get; private set; }

    private async Task AcceptAsync()
    {
        try
        {
            for (; ; ) _ = ServeAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var server = new TcpClient();
        _open.Add(client);
        _open.Add(server);
        try
        {
            await using var tls = new SslStream(client.GetStream());
            await tls.AuthenticateAsServerAsync((_, hello, _, _) =>
            {
                Names.Enqueue(hello.ServerName);
                return ValueTask.FromResult(new SslServerAuthenticationOptions
                {
                    ServerCertificate = _certificate,
                    ApplicationProtocols = _hasProtocol ? [new SslApplicationProtocol("postgresql")] : null,
                });
            }, null);
            if (_hasProtocol) Assert.Equal("postgresql", tls.NegotiatedApplicationProtocol.ToString());
            await server.ConnectAsync(IPAddress.Loopback, _target);
            var plain = server.GetStream();
            await Task.WhenAny(tls.CopyToAsync(plain), plain.CopyToAsync(tls));
        }
        catch (AuthenticationException)
        {
            PlainCount++;
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            // The pooler has left, which is what some tests are about.
        }
        finally
        {
            client.Close();
        }
    }

    public ValueTask DisposeAsync()
    {
        _listener.Stop();
        foreach (var client in _open) client.Close();
        return ValueTask.CompletedTask;
    }
}
