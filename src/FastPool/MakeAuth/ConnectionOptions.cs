using System.Globalization;
using System.Text;
using FastPool.Core.Settings;
using FastPool.Life;

namespace FastPool.MakeAuth;

/// <summary>
/// The server to connect to, and the user: a connection string in either of libpq's forms, over the environment. Source:
/// PostgreSQL, libpq, Connection Strings.
/// </summary>
internal sealed class ConnectionOptions
{
    private const string DefaultPort = "5432";
    private static readonly string[] SocketFolders = ["/var/run/postgresql", "/tmp"];

    /// <summary>Keys that are understood, with the variable that stands in for each.</summary>
    private static readonly Dictionary<string, string?> Keys = new()
    {
        ["host"] = "PGHOST",
        ["hostaddr"] = "PGHOSTADDR",
        ["port"] = "PGPORT",
        ["user"] = "PGUSER",
        ["password"] = "PGPASSWORD",
        ["passfile"] = "PGPASSFILE",
        ["dbname"] = "PGDATABASE",
        ["sslmode"] = "PGSSLMODE",
        ["sslrootcert"] = "PGSSLROOTCERT",
        ["sslcert"] = "PGSSLCERT",
        ["sslkey"] = "PGSSLKEY",
        ["connect_timeout"] = "PGCONNECT_TIMEOUT",
        ["options"] = "PGOPTIONS",
        ["application_name"] = "PGAPPNAME",
    };

    private readonly Dictionary<string, string> _given = [];
    private readonly Surroundings _surroundings;

    private ConnectionOptions(Surroundings surroundings) => _surroundings = surroundings;

    internal string User => Get("user") ?? _surroundings.User;

    internal string Database => Get("dbname") ?? User;

    internal string? Options => Get("options");

    internal string ApplicationName => Get("application_name") ?? "mkauth";

    internal string SslMode => Get("sslmode") ?? "prefer";

    /// <summary>"system": the system's own; the file at home counts if it is there.</summary>
    internal string SslRootCert => Get("sslrootcert") ?? HomeFile("root.crt");

    internal string SslCert => Get("sslcert") ?? HomeFile("postgresql.crt");

    internal string SslKey => Get("sslkey") ?? HomeFile("postgresql.key");

    /// <summary>-1: no limit.</summary>
    internal int TimeoutMs { get; private set; } = -1;

    /// <summary>In the order of trial; at least one.</summary>
    internal List<(string Host, string Address, int Port)> Servers { get; } = [];

    /// <summary>The password for a server: the string's, the environment's, or that of the password file; null: none.</summary>
    internal string? PasswordFor(string host, int port) => Get("password") ??
        new PasswordFile(Get("passfile") ?? $"{_surroundings.Home}/.pgpass").Find(host, port, Database, User);

    /// <exception cref="FatalError">The text cannot be understood.</exception>
    internal static ConnectionOptions Parse(string text, Surroundings surroundings)
    {
        var options = new ConnectionOptions(surroundings);
        if (text.StartsWith("postgresql://", StringComparison.Ordinal)
            || text.StartsWith("postgres://", StringComparison.Ordinal)) options.ReadUri(
            text[(text.IndexOf("://", StringComparison.Ordinal) + 3)..]);
        else if (text.Contains('=', StringComparison.Ordinal)) options.ReadPairs(text);
        else if (text.Length > 0) options.Set("dbname", text);
        options.Complete();
        return options;
    }

    private string? Get(string key) => _given.GetValueOrDefault(key) ?? _surroundings.Variable(Keys[key]!);

    private string HomeFile(string name)
    {
        var path = $"{_surroundings.Home}/.postgresql/{name}";
        return File.Exists(ByteText.ToNative(path)) ? path : "";
    }

    private void Set(string key, string value)
    {
        if (!Keys.ContainsKey(key)) throw new FatalError($"invalid connection option \"{key}\"");
        if (value.Length > 0) _given[key] = value;
    }

    /// <summary>key = value pairs; quotes hold blanks together, and a backslash makes the next character literal.</summary>
    private void ReadPairs(string text)
    {
        var at = 0;
        while (true)
        {
            while (at < text.Length && ByteText.IsSpace(text[at])) at++;
            if (at == text.Length) return;
            var start = at;
            while (at < text.Length && text[at] != '=' && !ByteText.IsSpace(text[at])) at++;
            var key = text[start..at];
            while (at < text.Length && ByteText.IsSpace(text[at])) at++;
            if (at == text.Length || text[at] != '=')
                throw new FatalError($"missing \"=\" after \"{key}\" in connection info string");
            at++;
            while (at < text.Length && ByteText.IsSpace(text[at])) at++;
            Set(key, ReadValue(text, ref at));
        }
    }

    private static string ReadValue(string text, ref int at)
    {
        var value = new StringBuilder();
        var isQuoted = at < text.Length && text[at] == '\'';
        if (isQuoted) at++;
        for (; at < text.Length && (isQuoted ? text[at] != '\'' : !ByteText.IsSpace(text[at])); at++)
        {
            if (text[at] == '\\' && at + 1 < text.Length) at++;
            value.Append(text[at]);
        }
        if (isQuoted && at++ == text.Length) throw new FatalError("unterminated quoted string in connection info string");
        return value.ToString();
    }

    /// <summary>[user[:password]@][host[:port],...][/dbname][?key=value&amp;...], each part percent-encoded.</summary>
    private void ReadUri(string text)
    {
        if (Cut(ref text, '?') is { } query)
        {
            foreach (var pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
            {
                var value = pair;
                if (CutFront(ref value, '=') is not { } key)
                    throw new FatalError($"missing key/value separator \"=\" in URI query parameter: \"{pair}\"");
                Set(Decoded(key), Decoded(value));
            }
        }
        if (Cut(ref text, '/') is { } database) Set("dbname", Decoded(database));
        if (text.LastIndexOf('@') is var end and >= 0)
        {
            var user = text[..end];
            text = text[(end + 1)..];
            if (Cut(ref user, ':') is { } password) Set("password", Decoded(password));
            Set("user", Decoded(user));
        }
        if (text.Length == 0) return;
        var (hosts, ports) = (new List<string>(), new List<string>());
        foreach (var server in text.Split(','))
        {
            var portAt = server.IndexOf(':', server.StartsWith('[') ? Math.Max(0, server.IndexOf(']')) : 0);
            hosts.Add(Decoded((portAt < 0 ? server : server[..portAt]).Trim('[', ']')));
            ports.Add(portAt < 0 ? "" : server[(portAt + 1)..]);
        }
        Set("host", string.Join(',', hosts));
        if (ports.Exists(static port => port.Length > 0)) Set("port", string.Join(',', ports));
    }

    private static string? Cut(ref string text, char separator)
    {
        var at = text.IndexOf(separator);
        if (at < 0) return null;
        var behind = text[(at + 1)..];
        text = text[..at];
        return behind;
    }

    private static string? CutFront(ref string text, char separator)
    {
        var front = text;
        if (Cut(ref front, separator) is not { } behind) return null;
        text = behind;
        return front;
    }

    private static string Decoded(string text) =>
        PercentText.Decoded(text) ?? throw new FatalError($"invalid percent-encoded token: \"{text}\"");

    private void Complete()
    {
        const int portMax = 65535;
        if (SslMode is not ("disable" or "allow" or "prefer" or "require" or "verify-ca" or "verify-full"))
            throw new FatalError($"invalid sslmode value: \"{SslMode}\"");
        if (Get("connect_timeout") is { } timeout)
        {
            if (!int.TryParse(timeout, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seconds))
                throw new FatalError($"invalid integer value \"{timeout}\" for connection option \"connect_timeout\"");
            if (seconds > 0) TimeoutMs = (int)Math.Min(seconds * 1000L, int.MaxValue);
        }
        var addresses = (Get("hostaddr") ?? "").Split(',');
        var hosts = Get("host")?.Split(',') ?? (addresses[0].Length > 0 ? new string[addresses.Length] : [DefaultFolder()]);
        if (addresses[0].Length > 0 && addresses.Length != hosts.Length)
            throw new FatalError($"could not match {hosts.Length} host names to {addresses.Length} hostaddr values");
        var ports = (Get("port") ?? DefaultPort).Split(',');
        if (ports.Length > 1 && ports.Length != hosts.Length)
            throw new FatalError($"could not match {ports.Length} port numbers to {hosts.Length} hosts");
        for (var i = 0; i < hosts.Length; i++)
        {
            var text = ports[ports.Length > 1 ? i : 0];
            var port = 0;
            if (text.Length > 0
                && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port)
                || port is < 1 or > portMax)) throw new FatalError($"invalid port number: \"{text}\"");
            var address = i < addresses.Length
                && addresses[i].Length > 0 ? addresses[i] : hosts[i] is { Length: > 0 } host ? host : DefaultFolder();
            Servers.Add((hosts[i] is { Length: > 0 } name ? name : address, address, port == 0 ? 5432 : port));
        }
    }

    private static string DefaultFolder() => Array.Find(SocketFolders, Directory.Exists) ?? SocketFolders[^1];
}
