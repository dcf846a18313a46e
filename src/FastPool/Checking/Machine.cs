using FastPool.Core.Settings;
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
        CheckFolder(check, "logfile", Path.GetDirectoryName(settings.Logfile));
        CheckFolder(check, "pidfile", Path.GetDirectoryName(settings.Pidfile));
        foreach (var address in settings.ListenAddr) CheckName(check, address);
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

    private static void CheckName(ConfigurationCheck check, string address)
    {
        if (address == "*" || System.Net.IPAddress.TryParse(address, out _)) return;
        try
        {
            _ = System.Net.Dns.GetHostAddresses(address);
        }
        catch (Exception failure) when (failure is System.Net.Sockets.SocketException or ArgumentException)
        {
            check.Add(true, "listen_addr", $"no such name: {address}", "Write an address of this machine, or *.");
        }
    }

    private static void CheckSecret(ConfigurationCheck check, string key, string path)
    {
        if (FileTrust.IsOpenToAll(path))
            check.Add(false, key, $"{path} has passwords, and everybody on this machine may read it",
                $"chmod o-r {path}");
    }
}
