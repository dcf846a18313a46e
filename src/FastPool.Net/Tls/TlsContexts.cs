using FastPool.Core.Settings;
using FastPool.Native;

namespace FastPool.Net;

/// <summary>
/// The two contexts of the process. Clients come in through one, which a load or reload makes. Servers are reached through the
/// other, which is made when a server first agrees to TLS, and anew when settings or files have changed.
/// </summary>
public sealed class TlsContexts
{
    private volatile TlsContext? _forClients;
    private volatile ServerSide? _forServers;

    private sealed record ServerSide(TlsContextOptions Options, FileStamp Ca, FileStamp Certificate, FileStamp Key,
        TlsContext Context);

    private readonly record struct FileStamp(DateTime Time, long Length)
    {
        internal static FileStamp Of(string file)
        {
            if (file.Length == 0) return default;
            var info = new FileInfo(file);
            return info.Exists ? new FileStamp(info.LastWriteTimeUtc, info.Length) : default;
        }
    }

    /// <summary>Null: clients get no TLS. Any thread.</summary>
    internal TlsContext? ForClients => _forClients;

    /// <summary>
    /// Reads the files of the client side anew and checks the words of both. On failure everything stays as it was.
    /// </summary>
    /// <returns>The line for the log; null: done.</returns>
    public LogText? Apply(Settings settings)
    {
        if (TlsChecks.Check(settings) is { } mistake) return mistake;
        try
        {
            if (settings.ServerTlsSslmode != SslMode.Disable && HasOwnCiphers(settings))
                _ = new TlsContext(WordsOnly(TlsOptions.ForServers(settings)));
        }
        catch (TlsContextException e)
        {
            return LogText.Error(TlsOptions.Describe(e, settings, "server"));
        }
        try
        {
            _forClients = settings.ClientTlsSslmode == SslMode.Disable ? null : new TlsContext(TlsOptions.ForClients(settings));
            return null;
        }
        catch (TlsContextException e)
        {
            return LogText.Error(TlsOptions.Describe(e, settings, "client"));
        }
    }

    private static bool HasOwnCiphers(Settings settings) =>
        TlsOptions.IsOwnList(settings.ServerTlsCiphers) || !string.IsNullOrEmpty(settings.ServerTls13Ciphers);

    private static TlsContextOptions WordsOnly(TlsContextOptions options) =>
        options with { Verify = TlsVerify.None, CaFile = "", CertFile = "", KeyFile = "" };

    /// <summary>Any loop.</summary>
    /// <exception cref="TlsContextException">A file is not usable.</exception>
    internal TlsContext ForServers(Settings settings)
    {
        var options = TlsOptions.ForServers(settings);
        var (ca, certificate, key) =
            (FileStamp.Of(options.CaFile), FileStamp.Of(options.CertFile), FileStamp.Of(options.KeyFile));
        if (_forServers is { } side && side.Options == options && side.Ca == ca && side.Certificate == certificate
            && side.Key == key) return side.Context;
        var context = new TlsContext(options);
        _forServers = new ServerSide(options, ca, certificate, key, context);
        return context;
    }
}
