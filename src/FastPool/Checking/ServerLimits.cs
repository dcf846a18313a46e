using System.Globalization;
using FastPool.Core.Settings;
using FastPool.Life;
using FastPool.MakeAuth;
using FastPool.Net;

namespace FastPool.Checking;

/// <summary>--connect: whether the servers allow as many connections as the pools may open.</summary>
internal static class ServerLimits
{
    /// <summary>Those that are no superuser's.</summary>
    private const string Query =
        "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int "
        + "- coalesce(current_setting('reserved_connections', true), '0')::int";

    internal static void Check(ConfigurationCheck check, Settings settings, Surroundings surroundings)
    {
        var servers = settings.Databases.Values.SelectMany(static database =>
            (database.Hosts.Count > 0 ? database.Hosts : [""]).Select(host => (Host: host, database.Port, Database: database)));
        foreach (var server in servers.GroupBy(static item => (item.Host, item.Port)))
        {
            var first = server.First().Database;
            try
            {
                var allowed = Ask(settings, server.Key.Host, first, surroundings);
                var wanted = server.Sum(item => Wanted(settings, item.Database));
                if (wanted <= allowed) continue;
                check.Add(false, first.Name,
                    string.Create(CultureInfo.InvariantCulture,
                        $"one pool of each database makes {wanted} connections to {server.Key.Host}:{server.Key.Port}, which allows {allowed}"),
                    "Make the pools smaller, set max_db_connections, or raise max_connections of the server.", "databases");
            }
            catch (FatalError failure)
            {
                check.Add(false, first.Name, $"{server.Key.Host}:{server.Key.Port} cannot be asked: {failure.Message}",
                    "What the file does not say of user and password comes from PGUSER, PGPASSWORD and PGPASSFILE.", "databases");
            }
        }
    }

    /// <summary>One pool of the database, full, with its reserve.</summary>
    private static int Wanted(Settings settings, DatabaseEntry database)
    {
        var wanted = settings.PoolSize(database, null) + settings.ReservePoolSize(database, null);
        var most = settings.MaxDbConnections(database);
        return most > 0 ? Math.Min(most, wanted) : wanted;
    }

    private static int Ask(Settings settings, string host, DatabaseEntry database, Surroundings surroundings)
    {
        var tls = settings.ServerTls(database, settings.Users.GetValueOrDefault(database.ForcedUser ?? ""));
        if (tls.IsDirect) throw new FatalError("server_tls_sslnegotiation = direct: the check asks in plain first");
        var words = new List<string>
        {
            $"port={database.Port}",
            $"dbname={Quoted(database.DbName)}",
            $"sslmode={SslModes.Words.WordOf(tls.Sslmode)}",
            "connect_timeout=5",
            "application_name=check",
        };
        if (host.Length > 0) words.Add($"host={Quoted(host)}");
        if ((database.ForcedUser ?? settings.AuthUser) is { } user) words.Add($"user={Quoted(user)}");
        if (tls.CaFile.Length > 0) words.Add($"sslrootcert={Quoted(tls.CaFile)}");
        if (tls.CertFile.Length > 0) words.Add($"sslcert={Quoted(tls.CertFile)}");
        if (tls.KeyFile.Length > 0) words.Add($"sslkey={Quoted(tls.KeyFile)}");
        if (PasswordOf(database) is { } password) words.Add($"password={Quoted(password)}");
        using var connection = DirectConnection.Open(ConnectionOptions.Parse(string.Join(' ', words), surroundings));
        return connection.Query(Query) is [[{ } text]]
            && int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var allowed) ? allowed
                : throw new FatalError("it does not say how many it allows");
    }

    private static string? PasswordOf(DatabaseEntry database)
    {
        if (database.PasswordSource is not { } source) return database.Password;
        var password = PasswordReader.Read(source, out var problem);
        return problem is null ? password : throw new FatalError(problem);
    }

    private static string Quoted(string text) => "'" + text.Replace(@"\", @"\\", StringComparison.Ordinal)
        .Replace("'", @"\'", StringComparison.Ordinal) + "'";
}
