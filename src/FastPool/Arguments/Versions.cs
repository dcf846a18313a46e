using FastPool.Core.Settings;
using FastPool.Native.Process;

namespace FastPool.Arguments;

/// <summary>
/// The product's versions. Outwardly it is PgBouncer of the version whose behaviour it has: tools compare the first line of -V
/// with SHOW VERSION and skip the lines after it, which say what really does the work.
/// </summary>
public static class Versions
{
    /// <summary>Of -V, which knows no ini file.</summary>
    private static string Product => FastPoolSettings.Default.ShowAs.Product();

    /// <summary>In place of PgBouncer's own event library.</summary>
    private const string EventLibrary = "libevent none";

    private const string Resolver = "DnsClient";

    /// <summary>Of FastPool itself.</summary>
    public static string Own { get; } = typeof(Versions).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    /// <summary>The text that -V prints.</summary>
    public static string Text() =>
        $"""
        {Product}
        {EventLibrary} (FastPool epoll)
        adns: {Resolver}
        tls: {OpenSslText.Read() ?? "OpenSSL"}
        systemd: yes
        FastPool {Own}

        """;

    /// <summary>The log line that ends a start.</summary>
    /// <param name="pollMethod">Of the engine.</param>
    /// <param name="tls">The library as far as it is known without loading it.</param>
    /// <param name="version">By show_as.</param>
    public static string ProcessUp(string pollMethod, string tls, ShownVersion version) =>
        $"process up: {version.Product()}, {EventLibrary} ({pollMethod}), adns: {Resolver}, tls: {tls}";
}
