using System.Buffers.Binary;
using System.Text;
using FastPool.Core.Auth;
using FastPool.Core.Pools;
using FastPool.Core.Settings;
using FastPool.Protocol;
using Microsoft.Extensions.Logging;

namespace FastPool.Core.Sessions;

public enum LoginStep : byte
{
    /// <summary>Send what is in <see cref="ClientLogin.Output"/>, if anything, and wait for the next packet.</summary>
    GoOn,
    /// <summary>The client has proved its name: next come pool and welcome.</summary>
    Authenticated,
    /// <summary>
    /// auth_query is to be asked first: <see cref="ClientLogin.Query"/>. Nothing more is taken in before
    /// <see cref="ClientLogin.OnAnswer"/>.
    /// </summary>
    Ask,
    /// <summary>
    /// Keys are to be derived first: <see cref="ClientLogin.Derivation"/>. Nothing more is taken in before
    /// <see cref="ClientLogin.OnDerived"/>.
    /// </summary>
    Derive,
    /// <summary>
    /// An outside authority is to check the password: <see cref="ClientLogin.Check"/>. Nothing more is taken in before <see
    /// cref="ClientLogin.OnChecked"/>.
    /// </summary>
    Check,
    /// <summary>It was a cancel request, not a login; the key is in <see cref="ClientLogin.CancelKey"/>.</summary>
    Cancel,
    /// <summary>Go on inside TLS, if there is a context for it: answer S, else N.</summary>
    Secure,
    /// <summary>Close with <see cref="ClientLogin.Ending"/>.</summary>
    Disconnect,
    /// <summary>The same, but not before <see cref="ClientLogin.RefusalUs"/>.</summary>
    DisconnectLater,
}

/// <summary>
/// A client from its first byte to its authentication: packets in, replies and a step out; no socket. Dropped once the
/// client is in, so that an idle client does not pay for it.
/// </summary>
public sealed partial class ClientLogin(ClientSession client, SessionContext context)
{
    private const int UserNameMax = 127;
    private const int CancelBodyLength = 8;
    private const string Repeated = "client re-sent encryption request";

    /// <summary>
    /// Requests for encryption of either kind before TLS; libpq sends one. Each is answered, so without this limit the answers
    /// would never end.
    /// </summary>
    private const int EncryptionRequestsMax = 2;

    private enum Phase : byte { Startup, Password, SaslInitial, SaslResponse, Done }

    private Phase _phase;
    private AuthType _method;
    private IdentMap? _map;
    private string? _ldapOptions;
    private Secret _secret = Secret.Empty;
    private bool _isUnknown;
    private bool _isNegotiated;
    private bool _hasAsked;
    private bool _hasAskedInsideTls;
    private int _tlsRequests;
    private int _gssRequests;
    private bool _isOwnAccess;
    private string? _consoleUser;
    private StartupRequest? _request;

    /// <summary>The loop's: to be sent, and cleared, after each step.</summary>
    public MessageBuffer Output => context.LoginOutput;

    public Ending Ending { get; private set; }

    public ulong CancelKey { get; private set; }

    /// <summary>Set when the handshake is done; null: plain.</summary>
    public TlsPeer? Tls { get; set; }

    /// <summary>Whether a first byte of a TLS record begins a handshake instead of a packet.</summary>
    public bool MayBeginWithTls => _phase == Phase.Startup && Tls is null && HasTls;

    private bool HasTls => context.Registry.Settings.ClientTlsSslmode != SslMode.Disable && !client.Remote.IsUnix;

    public AuthQuery? Query { get; private set; }

    /// <summary>The password is being looked at elsewhere.</summary>
    public PasswordCheck? Check { get; private set; }

    /// <summary>A packet of the startup family, whole.</summary>
    /// <param name="hasMore">Bytes behind it are already here.</param>
    public LoginStep OnStartup(uint code, ReadOnlySpan<byte> body, bool hasMore)
    {
        switch (code)
        {
            case RequestCode.CancelRequest:
                if (body.Length != CancelBodyLength) return Silent("bad cancel request");
                CancelKey = BinaryPrimitives.ReadUInt64BigEndian(body);
                return LoginStep.Cancel;
            case RequestCode.SSLRequest:
                if (Tls is not null) return Silent("SSL req inside SSL");
                if (_phase != Phase.Startup) return Refuse("client re-sent startup pkt");
                if (hasMore) return Refuse("received unencrypted data after SSL request");
                if (++_tlsRequests > EncryptionRequestsMax) return Refuse(Repeated);
                if (HasTls) return LoginStep.Secure;
                Output.Write("N"u8);
                return LoginStep.GoOn;
            case RequestCode.GSSENCRequest:
                if (hasMore && Tls is null) return Refuse("received unencrypted data after GSSAPI encryption request");
                if (_phase != Phase.Startup) return Refuse("client re-sent startup pkt");
                if (++_gssRequests > EncryptionRequestsMax || (Tls is not null && _hasAskedInsideTls)) return Refuse(Repeated);
                _hasAskedInsideTls = Tls is not null;
                Output.Write("N"u8);
                return LoginStep.GoOn;
            case RequestCode.Protocol2:
                return Refuse("old V2 protocol not supported");
            default:
                return OnStartupMessage(code, body);
        }
    }

    /// <summary>A typed packet, whole.</summary>
    public LoginStep OnMessage(byte type, ReadOnlySpan<byte> body)
    {
        if (type != FrontendMessage.PasswordMessage) return Silent("bad packet");
        switch (_phase)
        {
            case Phase.Startup: return Refuse("client password pkt before startup packet");
            case Phase.Password: return OnPassword(body);
            case Phase.SaslInitial: return OnSaslInitial(body);
            case Phase.SaslResponse: return OnSaslResponse(body);
            default: return Silent("bad packet");
        }
    }

    private LoginStep OnStartupMessage(uint version, ReadOnlySpan<byte> parameters)
    {
        var settings = context.Registry.Settings;
        if (settings.ClientTlsSslmode >= SslMode.Require && !client.Remote.IsUnix && Tls is null) return Refuse("SSL required");
        if (_phase != Phase.Startup) return Refuse("client re-sent startup pkt");

        var request = StartupRequest.Read(parameters, context, client);
        if (request.Fault.IsSet) return Refuse(request.Fault.Message!);
        if (settings.ApplicationNameAddHost)
            request.SetApplicationName(
            WithHost(request.HasApplicationName ? request.Parameters[TrackedParameters.ApplicationName]! : "app"));
        client.Parameters = request.Parameters;
        client.SettingsAtLogin = context.Shared(request.Settings);
        client.Kept = client.SettingsAtLogin?.State;
        client.AtLogin = request.Settings is null && ReferenceEquals(request.Parameters, context.Tracked.Unknown) ? null
            : request.Parameters;
        client.Replication = request.Replication;
        client.ReplicationOptions = request.Options;

        if (request.DatabaseName != PoolRegistry.AdminDatabase && context.Registry.Clients.Count > settings.MaxClientConn)
            return Refuse("no more connections allowed (max_client_conn)");
        if (client.MayOnlyUseConsole && request.DatabaseName != PoolRegistry.AdminDatabase)
            return Refuse("no more connections allowed (too many open files)");
        Negotiate(version, request.UnknownOptions);
        return Resolve(request, settings);
    }

    private string WithHost(string name)
    {
        const int applicationNameMax = 399;
        var text = $"{name} - {ConnectionName.HostOnMachine(client.Remote, client.PeerPid, client.UnixPort)}";
        return text.Length > applicationNameMax ? text[..applicationNameMax] : text;
    }

    /// <summary>3.0 is the newest protocol we speak, and we know no option.</summary>
    private void Negotiate(uint version, List<string> unknownOptions)
    {
        if (_isNegotiated || (version == RequestCode.Protocol3 && unknownOptions.Count == 0)) return;
        _isNegotiated = true;
        var names = Encoding.Latin1.GetBytes(string.Concat(unknownOptions.Select(option => option + "\0")));
        Output.Write(
            new NegotiateProtocolVersion
            {
                NewestVersion = (int)RequestCode.Protocol3,
                OptionCount = unknownOptions.Count,
                Options = names
            });
    }

    private LoginStep Resolve(StartupRequest request, Settings.Settings settings)
    {
        var registry = context.Registry;
        client.DatabaseName = request.DatabaseName;
        client.UserName = request.User;
        var database = registry.FindDatabase(request.DatabaseName, out var isNew);
        if (isNew) context.Log.RegisteredAutoDatabase(client.LogPrefix, request.DatabaseName);
        client.Database = database;
        var isAdmin = ReferenceEquals(database, registry.Admin);

        if (request.User.Length > UserNameMax)
        {
            if (settings.LogConnections) context.Log.LoginFailed(client.LogPrefix, client.DatabaseName, client.UserName);
            return Refuse("username too long");
        }
        if (isAdmin && request.User == PoolRegistry.AdminDatabase && client.IsOwnUser)
        {
            if (settings.LogConnections) context.Log.OwnUserAccess(client.LogPrefix);
            _isOwnAccess = true;
            LogAttempt(settings);
            return Authenticated();
        }

        _method = settings.AuthType;
        if (_method == AuthType.Any) return ResolveAny(request, settings, isAdmin);
        if (_method == AuthType.Hba && settings.HbaRules.HasLdap
            && TryFindRule(request, settings) is { Method: AuthType.Ldap } rule) Take(rule);
        if (_method is AuthType.Pam or AuthType.Ldap) return ResolveOutside(request, settings, isAdmin);

        var isKnown = settings.UserList.TryGet(request.User, out var secret);
        if (isKnown) database?.FetchedSecrets.TryRemove(request.User, out _); // The file's secret now counts for servers too.
        if (!isKnown && database is not null && TryAsk(request, database, settings) is { } asked) return asked;
        _secret = isKnown ? secret! : Secret.Empty;
        _isUnknown = !isKnown;
        if (!isKnown) context.Log.NoSuchUser(client.LogPrefix, request.User);
        LogAttempt(settings);
        return Begin(request, settings);
    }

    /// <returns>Null when no auth_user is set: the login goes on as one of an unknown user.</returns>
    private LoginStep? TryAsk(StartupRequest request, Database database, Settings.Settings settings)
    {
        var isAdmin = ReferenceEquals(database, context.Registry.Admin);
        if (settings.AuthUser(database.Entry) is not { } authUser) return null;
        var authDatabase = database;
        if (settings.AuthDbname(database.Entry) is { } name)
        {
            authDatabase = context.Registry.FindDatabase(name, out _);
            if (authDatabase is null) return RefuseAsking($"authentication database \"{name}\" is not configured.");
            isAdmin = ReferenceEquals(authDatabase, context.Registry.Admin);
        }
        if (isAdmin) return RefuseAsking("cannot use the reserved \"pgbouncer\" database as an auth_dbname");
        if (authDatabase!.IsDisabled) return Refuse($"authentication database \"{authDatabase.Name}\" is disabled");
        _request = request;
        Query = new AuthQuery(context, client, context.Registry.GetPoolOf(authDatabase, authUser),
            settings.AuthQuery(database.Entry), request.User);
        return LoginStep.Ask;
    }

    private LoginStep RefuseAsking(string problem)
    {
        context.Log.Failure(client.LogPrefix, problem);
        return Refuse("bouncer config error");
    }

    /// <summary>The server has answered: the login goes on with what it said.</summary>
    public LoginStep OnAnswer()
    {
        var settings = context.Registry.Settings;
        var answer = Query!;
        Query = null;
        _hasAsked = true;
        _isUnknown = answer.FoundUser is null;
        if (answer.FoundUser is { } name)
        {
            client.UserName = name;
            _secret = answer.FoundSecret is { } text ? Secret.Of(text) : Secret.Empty;
            client.Database!.FetchedSecrets[name] = _secret;
        }
        else if (settings.LogConnections)
        {
            context.Log.AuthQueryFoundNobody(client.LogPrefix, client.DatabaseName!);
        }
        LogAttempt(settings);
        return Begin(_request!, settings);
    }

    private LoginStep ResolveAny(StartupRequest request, Settings.Settings settings, bool isAdmin)
    {
        if (isAdmin)
        {
            _consoleUser = request.User;
            client.UserName = PoolRegistry.AdminDatabase;
        }
        else if (client.Database is { } database)
        {
            if (database.Entry.ForcedUser is not { } forced)
            {
                context.Log.Failure(client.LogPrefix, "auth_type=any requires forced user");
                return Refuse("bouncer config error");
            }
            client.UserName = forced;
        }
        LogAttempt(settings);
        return Authenticated();
    }

    /// <summary>PAM and LDAP know their own users: any name is asked for a password.</summary>
    private LoginStep ResolveOutside(StartupRequest request, Settings.Settings settings, bool isAdmin)
    {
        if (client.Database?.Entry.AuthUser is not null)
        {
            context.Log.Failure(client.LogPrefix,
                $"{(_method == AuthType.Pam ? "PAM" : "LDAP")} can't be used together with database authentication");
            return Refuse("bouncer config error");
        }
        LogAttempt(settings);
        if (isAdmin && !TryAdmitToConsole(settings)) return Refuse("not allowed"); // Before the password goes to somebody else.
        return Begin(request, settings);
    }

    /// <summary>Client limits of database and user: counted from here, where the name is proved, until the disconnect.</summary>
    private LoginStep? CountAgainstLimits(Database database, Settings.Settings settings)
    {
        var isExempt = ReferenceEquals(database, context.Registry.Admin) && settings.AdminUsers.Contains(client.UserName!);
        var limit = settings.MaxDbClientConnections(database.Entry);
        if (client.CountDatabase() > limit && limit > 0 && !isExempt)
            return Refuse("client connections exceeded (max_db_client_connections)");
        var user = context.Registry.GetUser(client.UserName!);
        var userLimit = settings.MaxUserClientConnections(settings.Users.GetValueOrDefault(client.UserName!));
        if (client.CountUser(user) > userLimit && userLimit > 0 && !isExempt)
            return Refuse("client connections exceeded (max_user_client_connections)");
        return null;
    }

    private void LogAttempt(Settings.Settings settings)
    {
        if (!settings.LogConnections) return;
        var replication =
            client.Replication switch { ReplicationKind.None => "no", ReplicationKind.Logical => "database", _ => "yes" };
        context.Log.LoginAttempt(client.LogPrefix, client.DatabaseName!, client.UserName!, Tls?.Text ?? "no", replication);
    }

    private LoginStep Begin(StartupRequest request, Settings.Settings settings)
    {
        if (_method == AuthType.Hba && !TryMatchHba(request, settings)) return RefuseName("no authentication method is found");
        switch (_method)
        {
            case AuthType.Trust: return _isUnknown ? RefuseName("\"trust\" authentication failed") : Authenticated();
            case AuthType.Reject: return RefuseName("login rejected");
            case AuthType.Peer: return OnPeer();
            case AuthType.Ldap when (_ldapOptions ??= settings.AuthLdapOptions) is null:
                return Refuse(
                "auth_ldap_options is null");
            case AuthType.Plain or AuthType.Pam or AuthType.Ldap:
                _phase = Phase.Password;
                Output.Write(PreparedMessages.AuthenticationCleartextPassword);
                return LoginStep.GoOn;
            case AuthType.Md5 when !IsAskedForScram:
                _phase = Phase.Password;
                _salt = RandomBytes(Md5Password.SaltLength);
                Output.Write(new AuthenticationMD5Password { Salt = _salt });
                return LoginStep.GoOn;
            case AuthType.Md5 or AuthType.ScramSha256:
                _phase = Phase.SaslInitial;
                Output.Write(
                    new AuthenticationSASL
                    {
                        Mechanisms = Binding is null ? "SCRAM-SHA-256\0\0"u8
                    : "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"u8
                    });
                return LoginStep.GoOn;
            case AuthType.Cert: return OnCertificate();
            default: return RefuseName("no authentication method is found");
        }
    }

    private bool TryMatchHba(StartupRequest request, Settings.Settings settings)
    {
        if (TryFindRule(request, settings) is not { } rule) return false;
        Take(rule);
        return true;
    }

    private HbaRule? TryFindRule(StartupRequest request, Settings.Settings settings) => settings.HbaRules.Match(new HbaRequest
    {
        Unix = client.Remote.IsUnix,
        Tls = Tls is not null,
        Address = client.Remote.ToIPAddress(),
        Database = request.DatabaseName,
        User = client.UserName!,
        PhysicalReplication = request.Replication == ReplicationKind.Physical,
    });

    private void Take(HbaRule rule) => (_method, _map, _ldapOptions) = (rule.Method, rule.Map, rule.LdapOptions);

    /// <summary>The channel to which clients may bind their SCRAM exchange.</summary>
    private byte[]? Binding => Tls?.EndPoint;

    /// <summary>The system user at the other end must be the user, or one that the map gives for it.</summary>
    private LoginStep OnPeer()
    {
        if (client.PeerUserName is not { } name || _isUnknown) return RefuseName("unix socket login rejected");
        if (_map is null ? name == client.UserName : _map.Matches(name, client.UserName!)) return Authenticated();
        if (_map is not null) context.Log.Failure(client.LogPrefix, $"ident map {_map.Name} cannot be matched");
        return RefuseName("unix socket login rejected");
    }

    /// <summary>
    /// The verified certificate must be made out to the user: to the very name, or to one that the map gives for it.
    /// </summary>
    private LoginStep OnCertificate()
    {
        var problem = Tls is null ? "TLS connection required"
            : Tls.Names is not { } names ? "TLS client certificate required"
            : _map is null ? names.Contains(client.UserName!) ? null : "TLS certificate name mismatch"
            : names.Any(name => _map.Matches(name, client.UserName!)) ? null : $"ident map: {_map.Name} does not have a match";
        if (problem is null && !_isUnknown) return Authenticated();
        if (problem is not null && !_isUnknown) context.Log.Failure(client.LogPrefix, problem);
        return RefuseName("certificate authentication failed");
    }

    /// <summary>The checks once the name is proved, in PgBouncer's order.</summary>
    private LoginStep Authenticated()
    {
        _phase = Phase.Done;
        var settings = context.Registry.Settings;
        // It may have been dropped as idle meanwhile.
        if (client.Database is { IsAuto: true }) client.Database = context.Registry.FindDatabase(client.DatabaseName!, out _);
        if (client.Database is not { } database)
        {
            if (settings.LogConnections) context.Log.LoginFailed(client.LogPrefix, client.DatabaseName!, client.UserName!);
            return Refuse("no such database: " + client.DatabaseName);
        }
        var isConsole = ReferenceEquals(database, context.Registry.Admin);
        if (!_isOwnAccess && CountAgainstLimits(database, settings) is { } refused) return refused;
        if (isConsole && !TryAdmitToConsole(settings)) return Refuse("not allowed");
        if (database.IsDisabled) return Refuse($"database \"{database.Name}\" is disabled");
        if (context.Registry.IsShuttingDown && !isConsole && !(context.Registry.AdmitsLatecomers && !client.Remote.IsUnix))
            return Refuse("pooler is shutting down");
        return LoginStep.Authenticated;
    }

    private bool TryAdmitToConsole(Settings.Settings settings)
    {
        if (_isOwnAccess) return client.IsAdmin = true;
        client.IsAdmin = settings.AdminUsers.Contains(_consoleUser ?? client.UserName!);
        return client.IsAdmin || _consoleUser is not null || settings.StatsUsers.Contains(client.UserName!);
    }

    private byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        context.Random.Fill(bytes);
        return bytes;
    }

    private LoginStep Refuse(string message)
    {
        Ending = Ending.Told(message);
        return LoginStep.Disconnect;
    }

    /// <summary>As PostgreSQL refuses a password that does not prove the name, whether there is such a name or not.</summary>
    private LoginStep RefuseProof(string message) => Refuse(message, Ending.InvalidPassword);

    /// <summary>As PostgreSQL refuses a name that may not come in this way, whatever it brings.</summary>
    private LoginStep RefuseName(string message) => Refuse(message, Ending.InvalidAuthorization);

    /// <summary>PgBouncer has one SQLSTATE for all of them.</summary>
    private LoginStep Refuse(string message, string sqlState)
    {
        Refuse(message);
        if (context.Registry.Settings.Own.ShowAs >= ShownVersion.V126) Ending = Ending with { SqlState = sqlState };
        return LoginStep.Disconnect;
    }

    private LoginStep Silent(string reason)
    {
        Ending = new Ending(reason);
        return LoginStep.Disconnect;
    }
}
