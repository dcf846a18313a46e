using FastPool.Core.Settings;
using FastPool.Native;

namespace FastPool.Net;

/// <summary>
/// The <c>client_tls_*</c> and <c>server_tls_*</c> settings in the terms of the library, and its complaints in those of the
/// settings.
/// </summary>
internal static class TlsOptions
{
    internal static TlsContextOptions ForClients(Settings settings) => new()
    {
        IsServer = true,
        Versions = Versions(settings.ClientTlsProtocols),
        Ciphers = Ciphers(settings.ClientTlsCiphers),
        Tls13Ciphers = settings.ClientTls13Ciphers ?? "",
        Groups = IsAuto(settings.ClientTlsEcdhcurve) || IsNone(settings.ClientTlsEcdhcurve) ? "" : settings.ClientTlsEcdhcurve,
        HasCurves = !IsNone(settings.ClientTlsEcdhcurve),
        HasFiniteFields = !IsNone(settings.ClientTlsDheparams),
        Verify = settings.ClientTlsSslmode >= SslMode.VerifyCa ? TlsVerify.Required : TlsVerify.IfGiven,
        CaFile = settings.ClientTlsCaFile,
        CertFile = settings.ClientTlsCertFile,
        KeyFile = settings.ClientTlsKeyFile,
        HasOwnRecords = settings.Own.HasOwnTlsRecords,
    };

    /// <param name="hasOwnRecords">tls_records.</param>
    internal static TlsContextOptions ForServers(ServerTls tls, bool hasOwnRecords) => new()
    {
        IsServer = false,
        Versions = Versions(tls.Protocols),
        Ciphers = Ciphers(tls.Ciphers),
        Tls13Ciphers = tls.Tls13Ciphers,
        Verify = tls.Sslmode >= SslMode.VerifyCa ? TlsVerify.Required : TlsVerify.None,
        CaFile = tls.CaFile,
        CertFile = tls.CertFile,
        KeyFile = tls.KeyFile,
        HasResumption = true,
        HasOwnRecords = hasOwnRecords,
        OffersProtocol = tls.IsDirect,
    };

    internal static string OfClients(TlsContextException failure, Settings settings) => failure.Fault switch
    {
        TlsContextFault.Ciphers => $"invalid client_tls_ciphers: {settings.ClientTlsCiphers}",
        TlsContextFault.Groups => $"invalid client_tls_ecdhecurve: {settings.ClientTlsEcdhcurve}",
        _ => "TLS setup failed: " + Detail(failure, settings.ClientTlsCertFile, settings.ClientTlsKeyFile),
    };

    internal static string OfServers(TlsContextException failure, ServerTls tls) => failure.Fault switch
    {
        TlsContextFault.Ciphers => $"invalid server_tls_ciphers: {tls.Ciphers}",
        _ => "TLS setup failed: " + Detail(failure, tls.CertFile, tls.KeyFile),
    };

    internal static string Detail(TlsContextException failure, string certFile, string keyFile) => failure.Fault switch
    {
        TlsContextFault.Tls13Ciphers => "failed to set the TLSv1.3 cipher suites",
        TlsContextFault.Ca => "failed to load CA: " + failure.Message,
        TlsContextFault.Certificate => $"failed to load certificate file \"{certFile}\": {failure.Message}",
        TlsContextFault.Key => $"failed to load private key file \"{keyFile}\": {failure.Message}",
        _ => failure.Message,
    };

    /// <summary>The words that leave the choice to the library.</summary>
    internal static bool IsOwnList(string ciphers) =>
        ciphers.Length > 0 && !ciphers.Equals("default", StringComparison.OrdinalIgnoreCase)
            && !ciphers.Equals("secure", StringComparison.OrdinalIgnoreCase)
        && !ciphers.Equals("normal", StringComparison.OrdinalIgnoreCase)
            && !ciphers.Equals("fast", StringComparison.OrdinalIgnoreCase);

    private static string Ciphers(string ciphers) =>
        ciphers.Equals("all", StringComparison.OrdinalIgnoreCase) ? "ALL:!aNULL:!eNULL" : IsOwnList(ciphers) ? ciphers : "";

    private static bool IsAuto(string word) => word.Length == 0 || word.Equals("auto", StringComparison.OrdinalIgnoreCase);

    private static bool IsNone(string word) => word.Equals("none", StringComparison.OrdinalIgnoreCase);

    private static TlsVersions Versions(string list)
    {
        _ = TlsProtocolList.TryParse(list, out var protocols); // Checked before.
        var versions = TlsVersions.None;
        if (protocols.HasFlag(TlsProtocols.Tls10)) versions |= TlsVersions.Tls10;
        if (protocols.HasFlag(TlsProtocols.Tls11)) versions |= TlsVersions.Tls11;
        if (protocols.HasFlag(TlsProtocols.Tls12)) versions |= TlsVersions.Tls12;
        if (protocols.HasFlag(TlsProtocols.Tls13)) versions |= TlsVersions.Tls13;
        return versions;
    }
}
