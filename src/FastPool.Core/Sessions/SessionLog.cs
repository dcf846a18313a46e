using Microsoft.Extensions.Logging;

namespace FastPool.Core.Sessions;

/// <summary>The lines about connections, word for word as tools grep for them. Information is PgBouncer's LOG.</summary>
public static partial class SessionLog
{
    [LoggerMessage(Level = LogLevel.Information,
        Message = "{Prefix}login attempt: db={Database} user={User} tls={Tls} replication={Replication}")]
    public static partial void LoginAttempt(this ILogger log, string prefix, string database, string user, string tls,
        string replication);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "{Prefix}proxied by {Proxy}: authority={Authority} tls={Tls} cn={CommonName}")]
    public static partial void Proxied(this ILogger log, string prefix, string proxy, string authority, string tls,
        string commonName);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Prefix}login failed: db={Database} user={User}")]
    public static partial void LoginFailed(this ILogger log, string prefix, string database, string user);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Prefix}login failed: db={Database}")]
    public static partial void AuthQueryFoundNobody(this ILogger log, string prefix, string database);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Prefix}no such user: {User}")]
    public static partial void NoSuchUser(this ILogger log, string prefix, string user);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Prefix}pgbouncer access from unix socket")]
    public static partial void OwnUserAccess(this ILogger log, string prefix);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Prefix}registered new auto-database: {Database}")]
    public static partial void RegisteredAutoDatabase(this ILogger log, string prefix, string database);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Prefix}new connection to server (from {From})")]
    public static partial void NewServerConnection(this ILogger log, string prefix, string from);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Prefix}new connection to server")]
    public static partial void NewUnixServerConnection(this ILogger log, string prefix);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Prefix}SSL established: {Tls}")]
    public static partial void SslEstablished(this ILogger log, string prefix, string tls);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Prefix}closing because: {Reason} (age={AgeSeconds}s)")]
    public static partial void Closing(this ILogger log, string prefix, string reason, long ageSeconds);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "{Prefix}rolled back and kept: its client has gone in a transaction ({Ms} ms)")]
    public static partial void AbandonedKept(this ILogger log, string prefix, long ms);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Prefix}slow {What}: {Ms} ms")]
    public static partial void Slow(this ILogger log, string prefix, string what, string ms);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Prefix}slow query: {Ms} ms, {Statement}: {Text}")]
    public static partial void SlowStatement(this ILogger log, string prefix, string ms, string statement, string text);

    [LoggerMessage(Level = LogLevel.Information, Message = "slow queries and transactions without a line: {Count}")]
    public static partial void SlowLeftOut(this ILogger log, long count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Prefix}{Text} ({Cure})")]
    public static partial void SessionWarning(this ILogger log, string prefix, string text, string cure);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Prefix}pooler error: {Text}")]
    public static partial void PoolerError(this ILogger log, string prefix, string text);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Prefix}unsupported startup parameter: {Key}={Value}")]
    public static partial void UnsupportedStartupParameter(this ILogger log, string prefix, string key, string value);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Prefix}unsupported startup parameter in options: {Key}={Value}")]
    public static partial void UnsupportedOption(this ILogger log, string prefix, string key, string value);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Prefix}taking connection from reserve_pool")]
    public static partial void TakingFromReserve(this ILogger log, string prefix);

    [LoggerMessage(Level = LogLevel.Warning, Message = "server login failed: {Severity} {Text}")]
    public static partial void ServerLoginFailed(this ILogger log, string severity, string text);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "{Prefix}reset query failed, closing the connection: {Severity} {SqlState}: {Text}")]
    public static partial void ResetFailed(this ILogger log, string prefix, string severity, string sqlState, string text);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Note}: {Severity}: {Text}")]
    public static partial void ServerError(this ILogger log, string note, string severity, string text);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Prefix}got packet '{Type}' from server when not linked")]
    public static partial void PacketWhenNotLinked(this ILogger log, string prefix, char type);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Text}")]
    public static partial void Note(this ILogger log, string text);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Prefix}{Text}")]
    public static partial void Failure(this ILogger log, string prefix, string text);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Prefix}{Text}")]
    public static partial void Caution(this ILogger log, string prefix, string text);

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Prefix}{Text}")]
    public static partial void Detail(this ILogger log, string prefix, string text);
}
