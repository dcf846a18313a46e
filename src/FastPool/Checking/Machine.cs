using System.Net;
using FastPool.Core.Settings;
using FastPool.Logs;
using FastPool.Native;
using FastPool.Native.Process;
using FastPool.Net;

namespace FastPool.Checking;

/// <summary>The machine as a configuration wants it: users, folders, names, certificates, and closed files.</summary>
internal static class Machine
{
    internal static void Check(ConfigurationCheck check, Settings settings)
    {
        if (settings.User is { Length: > 0 } user && !Identity.TryFindUser(user, out _, out _))
            check.Add(true, "user", $"could not find user '{user}' to switch to", "Write a user of this machine.");
        if (settings.UnixSocketDir.Length > 0 && settings.UnixSocketDir[0] != '@')
            CheckFolder(check, "unix_socket_dir", settings.UnixSocketDir);
        if (settings.UnixSocketDir is { Length: > 0 } && settings.UnixSocketGroup is { Length: > 0 } group
            && Identity.GroupIdOf(group) is null)
            check.Add(true, "unix_socket_group", $"could not find group '{group}'", "Write a group of this machine.");
        CheckOutput(check, "logfile", settings.Logfile);
        CheckOutput(check, "pidfile", settings.Pidfile);
        if (!File.Exists(ByteText.ToNative(settings.ConfigFile)))
            check.Add(true, "conffile", $"the next reload fails: conffile is not there: {settings.ConfigFile}",
                "Leave it out: the file that was given at the start is read again.");
        if (settings.ResolvConf is { Length: > 0 } resolver && !File.Exists(ByteText.ToNative(resolver)))
            check.Add(false, "resolv_conf", $"resolv_conf is not there: {resolver}", "Write another one, or leave it out.");
        if (!SyslogFacility.IsKnown(settings.SyslogFacility))
            check.Add(false, "syslog_facility", $"syslog_facility {settings.SyslogFacility} is not known: daemon is used",
                "Write auth, authpriv, daemon, user, or local0 to local7.");
        CheckListening(check, settings);
        if (settings.Own.MetricsListen is { } metrics) CheckMetrics(check, metrics);
        if (settings.ListenAddr.Count == 0 && settings.UnixSocketDir.Length == 0)
            check.Add(true, "listen_addr", "nowhere to listen on", "Set listen_addr or unix_socket_dir.");
        if (new TlsContexts().Apply(settings) is { } mistake) check.Add(true, "client_tls_sslmode", mistake.Text, "");
        if (settings.Databases.Values.Any(static database => database.Password is not null))
            CheckSecret(check, "", settings.ConfigFile);
        if (settings.AuthFile is { } users) CheckSecret(check, "auth_file", users);
        foreach (var database in settings.Databases.Values)
            CheckSource(check, "databases", database.Name, database.PasswordSource);
        foreach (var entry in settings.Users.Values) CheckSource(check, "users", entry.Name, entry.PasswordSource);
        foreach (var tls in settings.AllServerTls()) CheckTlsFiles(check, tls);
    }

    /// <summary>No server can be logged in to without it, but the pooler starts.</summary>
    private static void CheckSource(ConfigurationCheck check, string section, string name, PasswordSource? source)
    {
        if (source is null) return;
        var path = source.Kind == PasswordSourceKind.File ? source.Text : source.Arguments[0];
        if (!File.Exists(ByteText.ToNative(path)))
            check.Add(false, name, $"{source.Key} is not there: {path}", "Write another one, or make it.", section);
        else if (source.Kind == PasswordSourceKind.File && FileTrust.IsOpenToAll(path))
            check.Add(false, name, $"{path} has a password, and everybody on this machine may read it", $"chmod o-r {path}",
                section);
    }

    /// <summary>They are read when a server first agrees to TLS.</summary>
    private static void CheckTlsFiles(ConfigurationCheck check, ServerTls tls)
    {
        if (tls.Sslmode == SslMode.Disable) return;
        foreach (var (key, path) in ((string, string)[])[
            ("server_tls_ca_file", tls.CaFile), ("server_tls_cert_file", tls.CertFile), ("server_tls_key_file", tls.KeyFile)])
        {
            if (path.Length > 0 && !File.Exists(ByteText.ToNative(path)))
                check.Add(false, key, $"{key} is not there: {path}", "Write another one, or make it.");
        }
    }

    private static void CheckFolder(ConfigurationCheck check, string key, string? folder)
    {
        if (!string.IsNullOrEmpty(folder) && !Directory.Exists(folder))
            check.Add(true, key, $"the folder of {key} is not there: {folder}", "Make it, or write another one.");
    }

    private static void CheckOutput(ConfigurationCheck check, string key, string path)
    {
        if (Directory.Exists(ByteText.ToNative(path)))
            check.Add(true, key, $"{key} is a folder: {path}", "Write the name of a file.");
        else
            CheckFolder(check, key, Path.GetDirectoryName(ByteText.ToNative(path)));
    }

    /// <summary>A start goes on while one of the addresses can be listened on, but not with an unknown name.</summary>
    private static void CheckListening(ConfigurationCheck check, Settings settings)
    {
        var found = settings.ListenAddr.Select(static item => (Item: item, Addresses: AddressesOf(item))).ToArray();
        var isAnyOwn = found.Any(static item => item.Addresses?.Any(IsOwn) ?? false);
        foreach (var (item, addresses) in found)
        {
            if (addresses is null)
                check.Add(true, "listen_addr", $"no such name: {item}", "Write an address of this machine, or *.");
            else if (!addresses.Any(IsOwn))
                check.Add(!isAnyOwn, "listen_addr", $"no address of this machine: {item}", "Write one of its own, or *.");
        }
    }

    /// <summary>The pooler runs without it, and goes on trying.</summary>
    private static void CheckMetrics(ConfigurationCheck check, ListenAddress metrics)
    {
        var addresses = metrics.Ip is { } ip ? [ip] : AddressesOf(metrics.Name ?? "*");
        if (!(addresses?.Any(IsOwn) ?? false))
            check.Add(false, "metrics_listen", $"nothing can listen there: {metrics} is no address of this machine",
                "Write one of its own, or *.", "fastpool");
    }

    /// <returns>Null: there is no such name.</returns>
    private static IPAddress[]? AddressesOf(string item)
    {
        if (item == "*") return [IPAddress.Any, IPAddress.IPv6Any];
        if (IPAddress.TryParse(item, out var literal)) return [literal];
        try
        {
            return Dns.GetHostAddresses(item);
        }
        catch (Exception failure) when (failure is System.Net.Sockets.SocketException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>A socket can be bound to it, at a port that the system chooses.</summary>
    private static bool IsOwn(IPAddress ip)
    {
        var address = NativeAddress.Ip(ip, 0);
        var handle = Sockets.TryOpen(address.Family);
        if (handle < 0) return false;
        var isBound = Sockets.TryBind(handle, address) >= 0;
        Sockets.Close(handle);
        return isBound;
    }

    private static void CheckSecret(ConfigurationCheck check, string key, string path)
    {
        if (FileTrust.IsOpenToAll(path))
            check.Add(false, key, $"{path} has passwords, and everybody on this machine may read it",
                $"chmod o-r {path}");
    }
}
