using System.Net;
using System.Text;
using FastPool.Blocking;
using FastPool.Core.Auth;
using FastPool.Core.Settings;
using FastPool.Life;
using FastPool.Native;
using FastPool.Native.Process;
using FastPool.Net;
using FastPool.Protocol;
using FastPool.Takeover;

namespace FastPool.MakeAuth;

/// <summary>One connection to PostgreSQL whose calls wait: for a command of this program, never for the pooler.</summary>
internal sealed class DirectConnection : IDisposable
{
    private const int ReceiveBytes = 64 * 1024;

    private readonly ConnectionOptions _options;
    private readonly string _host;
    private readonly int _port;
    private readonly int _socket;
    private readonly long _deadlineMs;
    private readonly MessageInbox _inbox = new(ReceiveBytes, "invalid data from the server");
    private DirectTls? _tls;

    private DirectConnection(ConnectionOptions options, string host, int port, int socket, long deadlineMs)
    {
        _options = options;
        _host = host;
        _port = port;
        _socket = socket;
        _deadlineMs = deadlineMs;
    }

    /// <summary>Tries each server, and each way of encryption that sslmode allows, until one lets us in.</summary>
    /// <exception cref="FatalError">None did; the text is that of the last.</exception>
    internal static DirectConnection Open(ConnectionOptions options)
    {
        FatalError? last = null;
        foreach (var (host, address, port) in options.Servers)
        {
            foreach (var encryption in WaysOf(options.SslMode, isUnix: address.StartsWith('/')))
            {
                try
                {
                    return Open(options, host, address, port, encryption);
                }
                catch (FatalError failure)
                {
                    last = failure;
                }
            }
        }
        throw last!;
    }

    private enum Encryption
    {
        None,
        /// <summary>Where the server has none, go on without.</summary>
        Asked,
        Demanded,
    }

    private static Encryption[] WaysOf(string mode, bool isUnix) => mode switch
    {
        "disable" => [Encryption.None],
        _ when isUnix => [Encryption.None],
        "allow" => [Encryption.None, Encryption.Demanded],
        "prefer" => [Encryption.Asked, Encryption.None],
        _ => [Encryption.Demanded],
    };

    private static DirectConnection Open(ConnectionOptions options, string host, string address, int port, Encryption encryption)
    {
        var deadlineMs = options.TimeoutMs < 0 ? long.MaxValue : Environment.TickCount64 + options.TimeoutMs;
        var connection = new DirectConnection(options, host, port, Connect(address, port, deadlineMs), deadlineMs);
        try
        {
            if (encryption != Encryption.None) connection.Encrypt(encryption == Encryption.Demanded);
            connection.LogIn();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    // ---- connection -------------------------------------------------------------------------------------------------

    private static int Connect(string address, int port, long deadlineMs)
    {
        var problem = "no address";
        foreach (var target in AddressesOf(address, port))
        {
            var socket = Sockets.TryOpen(target.Family);
            if (socket < 0) throw new FatalError($"could not create socket: {Errno.Text(socket)}");
            var result = Sockets.TryConnect(socket, target);
            if (result == -Errno.EINPROGRESS)
            {
                result = DescriptorPassing.WaitWritable(socket, RestOf(deadlineMs)) ? -Sockets.TakeError(socket)
                    : -Errno.ETIMEDOUT;
            }
            if (result >= 0)
            {
                Sockets.MakeBlocking(socket);
                return socket;
            }
            Sockets.Close(socket);
            problem = Errno.Text(result);
        }
        throw new FatalError($"connection to server at \"{address}\", port {port} failed: {problem}");
    }

    private static IEnumerable<NativeAddress> AddressesOf(string address, int port)
    {
        if (address.StartsWith('/') || address.StartsWith('@'))
            return NativeAddress.Unix($"{address}/.s.PGSQL.{port}") is { } unix ? [unix]
            : throw new FatalError($"Unix-domain socket path \"{address}\" is too long");
        try
        {
            return Dns.GetHostAddresses(ByteText.ToNative(address)).Select(found => NativeAddress.Ip(found, port));
        }
        catch (Exception e) when (e is System.Net.Sockets.SocketException or ArgumentException)
        {
            throw new FatalError($"could not translate host name \"{address}\" to address");
        }
    }

    private static int RestOf(long deadlineMs) =>
        deadlineMs == long.MaxValue ? -1 : (int)Math.Clamp(deadlineMs - Environment.TickCount64, 0, int.MaxValue);

    private void Encrypt(bool isDemanded)
    {
        SendRaw(PreparedMessages.SSLRequest);
        var answer = new byte[1]; // Not a byte more: what comes behind it must be TLS.
        if (ReceiveRaw(answer) != 1) throw new FatalError("server closed the connection unexpectedly");
        switch (answer[0])
        {
            case (byte)'S':
                _tls = DirectTls.Begin(_options, _host, SendRaw, ReceiveRaw);
                break;
            case (byte)'N' when !isDemanded: break;
            case (byte)'N': throw new FatalError("server does not support SSL, but SSL was required");
            default: throw new FatalError("received invalid response to SSL negotiation");
        }
    }

    // ---- login and query --------------------------------------------------------------------------------------------

    private void LogIn()
    {
        var output = new MessageBuffer();
        var parameters =
            new StringBuilder(
            $"user\0{_options.User}\0database\0{_options.Database}\0client_encoding\0UTF8\0application_name\0{_options.ApplicationName}\0");
        if (_options.Options is { } options) parameters.Append("options\0").Append(options).Append('\0');
        output.Write(
            new StartupMessage
            {
                ProtocolVersion = (int)RequestCode.Protocol3,
                Parameters = Encoding.Latin1.GetBytes(parameters.Append('\0').ToString())
            });
        var proof = new ServerProof(_options.User, Password, new ScramVerifiers([]), RandomBytes);
        while (true)
        {
            Send(output);
            switch (Receive(out var body))
            {
                case BackendMessage.Authentication:
                    if (!proof.TryAnswer(body, _tls?.EndPoint, output))
                        throw new FatalError(proof.Problem.Length > 0 ? proof.Problem : "malformed authentication request");
                    if (proof.Derivation is not { } derivation) break;
                    derivation.Run();
                    _ = proof.OnDerived(output);
                    break;
                case BackendMessage.ErrorResponse: throw ErrorOf(body);
                case BackendMessage.ReadyForQuery: return;
            }
        }
    }

    private Secret Password() =>
        Secret.OfPassword(_options.PasswordFor(_host, _port) ?? throw new FatalError("fe_sendauth: no password supplied"));

    private static byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        new KernelRandom().Fill(bytes);
        return bytes;
    }

    /// <summary>Runs one statement; NULL is null, text is one char a byte.</summary>
    /// <exception cref="FatalError">The server's error, or the end of the connection.</exception>
    internal IReadOnlyList<string?[]> Query(string sql)
    {
        var output = new MessageBuffer();
        output.Write(new Query { Text = Encoding.Latin1.GetBytes(sql) });
        Send(output);
        var rows = new List<string?[]>();
        while (true)
        {
            switch (Receive(out var body))
            {
                case BackendMessage.DataRow: rows.Add(RowOf(body)); break;
                case BackendMessage.ErrorResponse: throw ErrorOf(body);
                case BackendMessage.ReadyForQuery: return rows;
            }
        }
    }

    private static string?[] RowOf(ReadOnlySpan<byte> body)
    {
        var row = new List<string?>();
        if (!DataRow.TryRead(body, out var message)) throw new FatalError("malformed row from the server");
        var columns = new DataRowColumns(message);
        while (columns.MoveNext()) row.Add(columns.IsNull ? null : Encoding.Latin1.GetString(columns.Value));
        return columns.IsMalformed ? throw new FatalError("malformed row from the server") : [.. row];
    }

    private static FatalError ErrorOf(ReadOnlySpan<byte> body)
    {
        var fields = new ErrorFields(body);
        return new FatalError($"{Encoding.Latin1.GetString(fields.Severity)}:  {Encoding.Latin1.GetString(fields.Message)}");
    }

    // ---- bytes ------------------------------------------------------------------------------------------------------

    private byte Receive(out ReadOnlySpan<byte> body)
    {
        byte type;
        while (!_inbox.TryTake(out type, out body))
        {
            var received = _tls is null ? ReceiveRaw(_inbox.Room) : _tls.Receive(_inbox.Room);
            if (received == 0) throw new FatalError("server closed the connection unexpectedly");
            _inbox.Add(received);
        }
        return type;
    }

    private void Send(MessageBuffer output)
    {
        if (output.Length == 0) return;
        if (_tls is null) SendRaw(output.WrittenSpan);
        else _tls.Send(output.WrittenSpan);
        output.Clear();
    }

    /// <returns>0 at the end.</returns>
    private int ReceiveRaw(Span<byte> room)
    {
        if (!DescriptorPassing.WaitReadable(_socket, RestOf(_deadlineMs))) throw new FatalError("timeout expired");
        var received = Descriptor.Read(_socket, room);
        return received >= 0 ? received : throw new FatalError($"could not receive data from server: {Errno.Text(received)}");
    }

    private void SendRaw(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var sent = Sockets.TrySend(_socket, bytes);
            if (sent <= 0) throw new FatalError($"could not send data to server: {Errno.Text(sent)}");
            bytes = bytes[sent..];
        }
    }

    public void Dispose()
    {
        _tls?.Dispose();
        Sockets.Close(_socket);
    }
}
