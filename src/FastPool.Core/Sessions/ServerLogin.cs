using System.Text;
using FastPool.Core.Auth;
using FastPool.Core.Pools;
using FastPool.Core.Settings;
using FastPool.Protocol;
using Microsoft.Extensions.Logging;

namespace FastPool.Core.Sessions;

/// <summary>
/// A server connection from the StartupMessage to its first ReadyForQuery: whole messages in, replies and a step out.
/// Dropped once the server is in.
/// </summary>
public sealed class ServerLogin(ServerSession server, SessionContext context)
{
    private const int CancelKeyMin = 8;

    private readonly List<byte> _untracked = [];
    private ScramClientExchange? _scram;
    private bool _isInConnectQuery;

    /// <summary>The loop's: to be sent, and cleared, after each step.</summary>
    public MessageBuffer Output => context.LoginOutput;

    /// <summary>Why it failed, once a step said so.</summary>
    public LoginFailure Failure { get; private set; } = new("server conn crashed?", null);

    /// <summary>Set when the handshake is done; null: plain.</summary>
    public TlsPeer? Tls { get; set; }

    public WelcomeParameters Welcome => new([.. _untracked], server.Parameters);

    public void Start()
    {
        var entry = server.Pool.Database.Entry;
        var parameters = new List<byte>();
        Append(parameters, "database", entry.DbName);
        Append(parameters, "client_encoding", entry.ClientEncoding);
        Append(parameters, "datestyle", entry.DateStyle);
        Append(parameters, "timezone", entry.TimeZone);
        Append(parameters, "application_name", entry.ApplicationName);
        if (server.OnlyClient is ClientSession client) AppendReplication(parameters, client);
        Append(parameters, "user", server.Pool.ServerUserName);
        parameters.Add(0);
        Output.Write(new StartupMessage { ProtocolVersion = (int)RequestCode.Protocol3, Parameters = parameters.ToArray() });
    }

    /// <summary>A server of its own begins with the client's variables, so that none has to be set later.</summary>
    private void AppendReplication(List<byte> parameters, ClientSession client)
    {
        Append(parameters, "replication", client.Replication == ReplicationKind.Logical ? "database" : "yes");
        for (var i = 0; i < context.Tracked.Count; i++) Append(parameters, context.Tracked[i], client.Parameters[i]);
        Append(parameters, "options", client.ReplicationOptions);
    }

    private static void Append(List<byte> parameters, string name, string? value)
    {
        if (value is null) return;
        parameters.AddRange(Encoding.Latin1.GetBytes(name));
        parameters.Add(0);
        parameters.AddRange(Encoding.Latin1.GetBytes(value));
        parameters.Add(0);
    }

    /// <returns>Forward: go on; ParametersSet: the login is done; Disconnect: see <see cref="Failure"/>.</returns>
    public Verdict OnMessage(byte type, ReadOnlySpan<byte> body)
    {
        switch (type)
        {
            case BackendMessage.Authentication: return OnAuthentication(body);
            case BackendMessage.ParameterStatus: return OnParameterStatus(body);
            case BackendMessage.BackendKeyData:
                if (_isInConnectQuery) return Verdict.Forward;
                if (body.Length < CancelKeyMin) return Fail("bad cancel key");
                server.CancelKey = System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(body);
                server.LongCancelKey = body.Length > CancelKeyMin ? body.ToArray() : null;
                return Verdict.Forward;
            case BackendMessage.NoticeResponse: return Verdict.Forward;
            case BackendMessage.ErrorResponse: return OnError(body);
            case BackendMessage.ReadyForQuery: return OnReady();
            default:
                if (_isInConnectQuery) return Verdict.Forward;
                context.Log.Failure(server.LogPrefix, $"unknown pkt from server: '{(char)type}'");
                return Fail("unknown pkt from server");
        }
    }

    private Verdict OnParameterStatus(ReadOnlySpan<byte> body)
    {
        if (!ParameterStatus.TryRead(body, out var status)) return Fail("broken ParameterStatus packet");
        if (server.TryTrack(status.Name, status.Value)) return Verdict.Forward;
        var message = new byte[status.Size];
        status.Write(message);
        _untracked.AddRange(message);
        return Verdict.Forward;
    }

    private Verdict OnReady()
    {
        if (_isInConnectQuery || server.Pool.Database.Entry.ConnectQuery is not { } query) return Verdict.ParametersSet;
        _isInConnectQuery = true;
        Output.Write(new Query { Text = Encoding.Latin1.GetBytes(query) });
        return Verdict.Forward;
    }

    private Verdict OnError(ReadOnlySpan<byte> body)
    {
        var error = ServerError.Read(body);
        if (_isInConnectQuery)
        {
            context.Log.ServerError("S: error while executing exec_on_query", error.Severity, error.Message);
            return Verdict.Forward;
        }
        if (server.OnlyClient is not null)
        {
            context.Log.ServerError("S: login failed", error.Severity, error.Message);
            return FailAll("login failed", "login failed");
        }
        context.Log.ServerLoginFailed(error.Severity, error.Message);
        var isStartingUp = error.SqlState == "57P03";
        Failure = new LoginFailure(Ending.Cut(error.Message), isStartingUp ? null : new Refusal(error.Message, error.SqlState.Length == 5 ? error.SqlState : "08P01"));
        return Verdict.Disconnect;
    }

    private Verdict OnAuthentication(ReadOnlySpan<byte> body)
    {
        if (!AuthenticationRequest.TryRead(body, out var request)) return Fail("failed to answer authreq");
        switch (request.Kind)
        {
            case AuthenticationCode.Ok: return Verdict.Forward;
            case AuthenticationCode.CleartextPassword: return SendPassword(Encoding.Latin1.GetBytes(Secret.Text));
            case AuthenticationCode.MD5Password: return OnMd5(request.Data);
            case AuthenticationCode.SASL: return OnSasl(request.Data);
            case AuthenticationCode.SASLContinue: return OnSaslContinue(request.Data);
            case AuthenticationCode.SASLFinal: return OnSaslFinal(request.Data);
            default:
                context.Log.Failure(server.LogPrefix, $"unknown/unsupported auth method: {request.Kind}");
                return Fail("failed to answer authreq");
        }
    }

    /// <summary>The forced user's own password, else what PAM or LDAP has just found right, else what userlist or auth_query have under the server-side name.</summary>
    private Secret Secret
    {
        get
        {
            var entry = server.Pool.Database.Entry;
            if (entry.ForcedUser is not null && !string.IsNullOrEmpty(entry.Password)) return Secret.Of(entry.Password);
            var fetched = server.Pool.Database.FetchedSecrets.GetValueOrDefault(server.Pool.ServerUserName);
            if (fetched is { IsProved: true }) return fetched;
            return context.Registry.Settings.UserList.TryGet(server.Pool.ServerUserName, out var secret) ? secret : fetched ?? Secret.Empty;
        }
    }

    private Verdict SendPassword(byte[] password)
    {
        Output.Write(new PasswordMessage { Password = password });
        return Verdict.Forward;
    }

    private Verdict OnMd5(ReadOnlySpan<byte> salt)
    {
        if (salt.Length < Md5Password.SaltLength) return Fail("failed to answer authreq");
        var secret = Secret;
        if (secret.Kind == SecretKind.Scram) return WrongPasswordType("cannot do MD5 authentication: wrong password type");
        var stored = secret.Kind == SecretKind.Md5
            ? Encoding.Latin1.GetBytes(secret.Text)
            : Md5Password.Store(Encoding.Latin1.GetBytes(secret.Text), Encoding.Latin1.GetBytes(server.Pool.ServerUserName));
        return SendPassword(Md5Password.Respond(stored, salt[..Md5Password.SaltLength]));
    }

    private Verdict OnSasl(ReadOnlySpan<byte> mechanisms)
    {
        var isOffered = false;
        var isBoundOffered = false;
        var walk = new SaslMechanisms(mechanisms);
        while (walk.MoveNext())
        {
            isOffered |= walk.Current.SequenceEqual("SCRAM-SHA-256"u8);
            isBoundOffered |= walk.Current.SequenceEqual("SCRAM-SHA-256-PLUS"u8);
        }
        var binding = new ScramBinding(Tls?.EndPoint, IsChosen: isBoundOffered && Tls?.EndPoint is not null);
        if (!isOffered && !binding.IsChosen)
        {
            const string none = "none of the server's SASL authentication mechanisms are supported";
            context.Log.Failure(server.LogPrefix, none);
            return FailAll("server login failed: " + none);
        }
        if (_scram is not null) return FailExchange("protocol error: duplicate AuthenticationSASL request");

        var secret = Secret;
        if (secret.Kind == SecretKind.Md5) return WrongPasswordType("cannot do SCRAM authentication: wrong password type");
        var passedOn = context.Verifiers.Proof(secret.StoredKey);
        if (secret.Kind == SecretKind.Scram && passedOn is null)
            return WrongPasswordType("cannot do SCRAM authentication: password is SCRAM secret but client authentication did not provide SCRAM keys");

        var nonce = new byte[ScramServerExchange.NonceLength];
        context.Random.Fill(nonce);
        _scram = new ScramClientExchange((salt, iterations) => secret.Kind == SecretKind.Scram ? passedOn! : context.Verifiers.Keys(secret.Text, salt, iterations), nonce, binding);
        var first = _scram.ClientFirst();
        Output.Write(new SASLInitialResponse { Mechanism = binding.IsChosen ? "SCRAM-SHA-256-PLUS"u8 : "SCRAM-SHA-256"u8, ResponseLength = first.Length, Response = first });
        return Verdict.Forward;
    }

    private Verdict OnSaslContinue(ReadOnlySpan<byte> data)
    {
        if (_scram is null) return FailExchange("protocol error: AuthenticationSASLContinue out of order");
        if (_scram.ClientFinal(data) is not { } reply) return FailExchange(_scram.Problem);
        Output.Write(new SASLResponse { Data = reply });
        return Verdict.Forward;
    }

    private Verdict OnSaslFinal(ReadOnlySpan<byte> data)
    {
        if (_scram is null) return FailExchange("protocol error: AuthenticationSASLFinal out of order");
        if (_scram.CheckServerFinal(data, out var isSignatureWrong)) return Verdict.Forward;
        if (!isSignatureWrong) return FailExchange(_scram.Problem);
        context.Log.Failure(server.LogPrefix, _scram.Problem);
        return FailAll("server login failed: invalid server signature");
    }

    private Verdict FailExchange(string problem)
    {
        context.Log.Failure(server.LogPrefix, problem);
        return Fail("failed to answer authreq");
    }

    private Verdict WrongPasswordType(string problem)
    {
        context.Log.Failure(server.LogPrefix, problem);
        return FailAll("server login failed: wrong password type");
    }

    /// <summary>A retry will not mend it: whoever waits is told.</summary>
    private Verdict FailAll(string message, string reason = "failed to answer authreq")
    {
        Failure = new LoginFailure(reason, new Refusal(message));
        return Verdict.Disconnect;
    }

    private Verdict Fail(string reason)
    {
        Failure = new LoginFailure(reason, null);
        return Verdict.Disconnect;
    }
}

/// <summary>The three fields of a server's ErrorResponse that the pooler looks at; a missing one has a generic text.</summary>
internal readonly record struct ServerError(string Severity, string SqlState, string Message)
{
    internal static ServerError Read(ReadOnlySpan<byte> fields)
    {
        var severity = "ERROR";
        var sqlState = "";
        var message = "server sent an error without a message";
        var reader = new ErrorFields(fields);
        while (reader.MoveNext())
        {
            if (reader.Code == ErrorFields.SeverityCode) severity = Encoding.Latin1.GetString(reader.Value);
            else if (reader.Code == ErrorFields.SqlStateCode) sqlState = Encoding.Latin1.GetString(reader.Value);
            else if (reader.Code == ErrorFields.MessageCode) message = Encoding.Latin1.GetString(reader.Value);
        }
        return new ServerError(severity, sqlState, message);
    }
}
