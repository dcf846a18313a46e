namespace FastPool.Core.Settings;

/// <summary>
/// Which TLS settings go together, as far as it can be told without OpenSSL. Run after every load and after a SET of a TLS
/// setting; files, cipher lists and curves are checked when the contexts are made.
/// </summary>
public static class TlsChecks
{
    /// <returns>The first thing that is wrong; null when nothing is.</returns>
    public static LogText? Check(Settings settings) =>
        (ClientFiles(settings) ?? ServerWords(settings) ?? ClientWords(settings)) is { } error ? LogText.Error(error) : null;

    private static string? ClientFiles(Settings settings)
    {
        var mode = settings.ClientTlsSslmode;
        if (mode != SslMode.Disable && (settings.ClientTlsKeyFile.Length == 0 || settings.ClientTlsCertFile.Length == 0))
        {
            return "To allow TLS connections from clients, client_tls_key_file and client_tls_cert_file must be set.";
        }

        var hasCa = settings.ClientTlsCaFile.Length > 0;
        if (settings.AuthType == AuthType.Cert)
        {
            if (mode != SslMode.VerifyFull) return "auth_type=cert requires client_tls_sslmode=SSLMODE_VERIFY_FULL";
            return hasCa ? null : "auth_type=cert requires client_tls_ca_file";
        }

        return mode == SslMode.VerifyFull && !hasCa ? "client_tls_sslmode requires client_tls_ca_file" : null;
    }

    private static string? ServerWords(Settings settings) =>
        settings.AllServerTls().Select(static tls => tls.Problem).FirstOrDefault(static problem => problem is not null);

    private static string? ClientWords(Settings settings)
    {
        if (settings.ClientTlsSslmode == SslMode.Disable) return null;
        if (!TlsProtocolList.TryParse(settings.ClientTlsProtocols, out _))
        {
            return $"invalid client_tls_protocols: {settings.ClientTlsProtocols}";
        }

        var dheParams = settings.ClientTlsDheparams;
        var isKnown = dheParams.Equals("auto", StringComparison.OrdinalIgnoreCase)
            || dheParams.Equals("none", StringComparison.OrdinalIgnoreCase);
        return isKnown ? null : $"invalid client_tls_dheparams: {dheParams}";
    }
}
