using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace FastPool.Compat.Harness;

/// <summary>
/// The result of a login: the request (plain, md5, sasl or nothing), and <c>in</c>, <c>closed</c> or the error.
/// </summary>
internal sealed record LoginOutcome(string Asked, string Answer);

/// <summary>
/// A client that answers every request for a password as it is told, whatever libpq would think of it: empty ones, ones that are
/// longer than any message may be, through TLS or not.
/// </summary>
internal sealed class LoginClient : IDisposable
{
    /// <summary>Not a password, but a message beyond all limits.</summary>
    public const string Over = "over";

    private const int OverBytes = 70_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TcpClient _socket;
    private readonly Stream _stream;

    private LoginClient(TcpClient socket, Stream stream) => (_socket, _stream) = (socket, stream);

    /// <param name="certificate">To be shown; null: none is.</param>
    public static async Task<LoginClient> ConnectAsync(int port, bool hasTls, X509Certificate2? certificate = null)
    {
        var socket = new TcpClient { NoDelay = true };
        await socket.ConnectAsync("127.0.0.1", port);
        if (!hasTls) return new LoginClient(socket, socket.GetStream());
        await socket.GetStream().WriteAsync(Wire.Untyped(Wire.SslRequest));
        Assert.Equal('S', socket.GetStream().ReadByte());
        var tls = new SslStream(socket.GetStream());
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            RemoteCertificateValidationCallback = static (_, shown, _, _) => shown?.Subject == "CN=pooler",
            ClientCertificates = certificate is null ? null : [certificate],
        });
        return new LoginClient(socket, tls);
    }

    public static async Task<LoginOutcome> LoginAsync(int port, bool hasTls, string user, string database, string password)
    {
        using var client = await ConnectAsync(port, hasTls);
        return await client.LoginAsync(user, database, password);
    }

    public async Task<LoginOutcome> LoginAsync(string user, string database, string password)
    {
        var asked = "";
        Scram? scram = null;
        await SendAsync(Wire.Startup(("user", user), ("database", database)));
        while (await ReadAsync() is var (type, body))
        {
            switch (type)
            {
                case 'E':
                    return new LoginOutcome(asked, new Message('E', body) is var error
                    ? $"{error.Field('S')}/{error.Field('C')} {error.Field('M')}" : "");
                case 'Z': return new LoginOutcome(asked, "in");
                case 'R':
                    switch (BinaryPrimitives.ReadInt32BigEndian(body))
                    {
                        case 3:
                            asked = "plain";
                            await AnswerAsync(password == Over ? new byte[OverBytes] : Encoding.UTF8.GetBytes(password + "\0"));
                            break;
                        case 5:
                            asked = "md5";
                            await AnswerAsync(password == Over ? new byte[OverBytes] : password.Length == 0 ? [0]
                                : Respond(Md5(password, user), body.AsSpan(4, 4)));
                            break;
                        case 10:
                            asked = "sasl";
                            scram = new Scram(password);
                            await AnswerAsync(password == Over ? new byte[OverBytes] : Initial(scram.First));
                            break;
                        case 11:
                            await AnswerAsync(Encoding.UTF8.GetBytes(scram!.Final(Encoding.UTF8.GetString(body.AsSpan(4)))));
                            break;
                        case 12:
                            Assert.Equal(scram!.Signature, Encoding.UTF8.GetString(body.AsSpan(4)));
                            break;
                    }
                    break;
            }
        }
        return new LoginOutcome(asked, "closed");
    }

    public static byte[] Initial(string response, string mechanism = "SCRAM-SHA-256", int? length = null)
    {
        var bytes = Encoding.UTF8.GetBytes(response);
        return [.. Encoding.ASCII.GetBytes(mechanism + "\0"), .. Wire.Int32(length ?? bytes.Length), .. bytes];
    }

    /// <summary>The body that answers a request with that salt.</summary>
    public static byte[] Respond(string stored, ReadOnlySpan<byte> salt) =>
        Encoding.ASCII.GetBytes(Md5(stored[3..], salt) + "\0");

    public static string Md5(string password, string user) => Md5(password, Encoding.UTF8.GetBytes(user));

    private static string Md5(string first, ReadOnlySpan<byte> second) =>
        "md5" + Convert.ToHexStringLower(MD5.HashData([.. Encoding.UTF8.GetBytes(first), .. second]));

    public Task AnswerAsync(byte[] body) => SendAsync(Wire.Typed('p', body));

    public async Task SendAsync(byte[] bytes)
    {
        try
        {
            await _stream.WriteAsync(bytes);
        }
        catch (IOException)
        {
            // The other side has closed: what it said before is still to be read.
        }
    }

    public async Task<(char Type, byte[] Body)?> ReadAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            var head = new byte[5];
            await _stream.ReadExactlyAsync(head, patience.Token);
            var body = new byte[Wire.LengthOf(head) - head.Length];
            await _stream.ReadExactlyAsync(body, patience.Token);
            return ((char)head[0], body);
        }
        catch (IOException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
    }

    /// <summary>The client's side of SCRAM-SHA-256, and verifiers; the password as it is, unprepared.</summary>
    public sealed class Scram(string password)
    {
        private const string Bare = "n=,r=Zm9yIHRoZSB0ZXN0cw";

        public string First => "n,," + Bare;

        public string Signature { get; private set; } = "";

        public string Final(string serverFirst)
        {
            var parts = serverFirst.Split(',');
            var (client, server) = Keys(password, Convert.FromBase64String(parts[1][2..]), int.Parse(parts[2][2..]));
            var final = "c=biws," + parts[0];
            var message = Encoding.UTF8.GetBytes($"{Bare},{serverFirst},{final}");
            var proof = HMACSHA256.HashData(SHA256.HashData(client), message);
            for (var i = 0; i < proof.Length; i++) proof[i] ^= client[i];
            Signature = "v=" + Convert.ToBase64String(HMACSHA256.HashData(server, message));
            return $"{final},p={Convert.ToBase64String(proof)}";
        }

        public static string Verifier(string password, string salt = "salt of the tests", int iterations = 4096)
        {
            var bytes = Encoding.UTF8.GetBytes(salt);
            var (client, server) = Keys(password, bytes, iterations);
            return $"SCRAM-SHA-256${iterations}:{Convert.ToBase64String(bytes)}${Convert.ToBase64String(SHA256.HashData(client))}:{Convert.ToBase64String(server)}";
        }

        public static (byte[] Client, byte[] Server) Keys(string password, byte[] salt, int iterations)
        {
            var salted =
                Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(password), salt, iterations, HashAlgorithmName.SHA256, 32);
            return (HMACSHA256.HashData(salted, "Client Key"u8), HMACSHA256.HashData(salted, "Server Key"u8));
        }
    }
}
