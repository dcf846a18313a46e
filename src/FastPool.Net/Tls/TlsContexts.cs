using System.Collections.Concurrent;
using FastPool.Core.Settings;
using FastPool.Native;

namespace FastPool.Net;

/// <summary>
/// The contexts of the process. Clients come in through one, which a load or reload makes. Servers are reached through one for
/// each set of server_tls_* values that differs, which is made when a server first agrees to TLS, and anew when its values or
/// files have changed.
/// </summary>
public sealed class TlsContexts
{
    private readonly ConcurrentDictionary<TlsContextOptions, ServerSide> _forServers = new();
    private volatile TlsContext? _forClients;

    private sealed record ServerSide(FileStamp Ca, FileStamp Certificate, FileStamp Key, TlsContext Context)
    {
        /// <summary>Asked for since the last reload.</summary>
        internal bool IsInUse { get; set; } = true;
    }

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
        foreach (var tls in settings.AllServerTls())
        {
            if (tls.Sslmode == SslMode.Disable || !HasOwnCiphers(tls)) continue;
            try
            {
                _ = new TlsContext(WordsOnly(TlsOptions.ForServers(tls, settings.Own.HasOwnTlsRecords)));
            }
            catch (TlsContextException e)
            {
                return LogText.Error(TlsOptions.OfServers(e, tls));
            }
        }
        try
        {
            _forClients = settings.ClientTlsSslmode == SslMode.Disable ? null : new TlsContext(TlsOptions.ForClients(settings));
        }
        catch (TlsContextException e)
        {
            return LogText.Error(TlsOptions.OfClients(e, settings));
        }
        ForgetUnused();
        return null;
    }

    /// <summary>Values that no line has any more are in nobody's way: what was not asked for between two reloads goes.</summary>
    private void ForgetUnused()
    {
        foreach (var (options, side) in _forServers)
        {
            if (side.IsInUse) side.IsInUse = false;
            else _forServers.TryRemove(options, out _);
        }
    }

    private static bool HasOwnCiphers(ServerTls tls) => TlsOptions.IsOwnList(tls.Ciphers) || tls.Tls13Ciphers.Length > 0;

    private static TlsContextOptions WordsOnly(TlsContextOptions options) =>
        options with { Verify = TlsVerify.None, CaFile = "", CertFile = "", KeyFile = "" };

    /// <summary>Any loop.</summary>
    /// <exception cref="TlsContextException">A file is not usable.</exception>
    internal TlsContext ForServers(ServerTls tls, bool hasOwnRecords)
    {
        var options = TlsOptions.ForServers(tls, hasOwnRecords);
        var (ca, certificate, key) =
            (FileStamp.Of(options.CaFile), FileStamp.Of(options.CertFile), FileStamp.Of(options.KeyFile));
        if (_forServers.TryGetValue(options, out var side)
            && side.Ca == ca && side.Certificate == certificate && side.Key == key)
        {
            side.IsInUse = true;
            return side.Context;
        }
        var context = new TlsContext(options);
        _forServers[options] = new ServerSide(ca, certificate, key, context);
        return context;
    }
}
