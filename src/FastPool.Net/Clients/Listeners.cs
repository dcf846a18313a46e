using System.Net;
using FastPool.Base;
using FastPool.Core.Sessions;
using FastPool.Core.Sessions.Handover;
using FastPool.Core.Settings;
using FastPool.Native;
using FastPool.Native.Process;
using Microsoft.Extensions.Logging;

namespace FastPool.Net;

/// <summary>
/// Opens the listening sockets that the settings name. A fault that makes start-up fail is an exception with PgBouncer's text.
/// </summary>
public static class Listeners
{
    public static IReadOnlyList<ListeningSocket> Open(Settings settings, ILogger log)
    {
        var sockets = new List<ListeningSocket>();
        OpenTcp(settings, log, sockets);
        if (settings.UnixSocketDir.Length > 0) sockets.Add(OpenUnix(settings, log));
        return sockets.Count > 0 ? sockets : throw new StartupException("nowhere to listen on");
    }

    /// <summary>Sockets that listen already, passed by a service manager, in place of our own.</summary>
    public static IReadOnlyList<ListeningSocket> Inherit(IReadOnlyList<int> handles, Settings settings, ILogger log)
    {
        var sockets = new List<ListeningSocket>();
        foreach (var handle in handles)
        {
            var address = Sockets.LocalAddress(handle);
            if (!address.IsKnown)
                throw new StartupException($"failed to set up socket passed from service manager (fd {handle})");
            if (!address.IsUnix) SocketTuning.Apply(handle, settings);
            Sockets.MakeNonBlocking(handle);
            log.Note($"socket passed from service manager (fd {handle})");
            sockets.Add(
                new ListeningSocket(handle, address, address.IsUnix ? settings.ListenPort
                : address.Port, null)
                { IsInherited = true });
        }
        return sockets;
    }

    /// <summary>Sockets of the process that is taken over from; their files are ours from then on.</summary>
    public static IReadOnlyList<ListeningSocket> TakeOver(IReadOnlyList<HandedListener> handed, Settings settings)
    {
        var sockets = new List<ListeningSocket>();
        foreach (var listener in handed)
        {
            Sockets.MakeNonBlocking(listener.Descriptor);
            var address = Sockets.LocalAddress(listener.Descriptor);
            sockets.Add(
                new ListeningSocket(listener.Descriptor, address, settings.ListenPort, address.IsUnix
                ? $"{settings.UnixSocketDir}/.s.PGSQL.{settings.ListenPort}" : null));
        }
        return sockets;
    }

    private static void OpenTcp(Settings settings, ILogger log, List<ListeningSocket> sockets)
    {
        var wanted = 0;
        foreach (var item in settings.ListenAddr)
        {
            foreach (var address in AddressesOf(item, settings.ListenPort))
            {
                wanted++;
                if (TryOpenTcp(address, settings, log) is { } socket) sockets.Add(socket);
            }
        }
        if (wanted > 0 && sockets.Count == 0)
            throw new StartupException("failed to listen on any address in listen_addr list: "
                + settings.ShowValue("listen_addr"));
    }

    private static IPAddress[] AddressesOf(string item, int port)
    {
        if (port < 0)
            throw new StartupException($"getaddrinfo('{item}', '{port}') = Servname not supported for ai_socktype [-8]");
        if (item == "*") return [IPAddress.Any, IPAddress.IPv6Any];
        if (IPAddress.TryParse(item, out var literal)) return [literal];
        try
        {
            return Dns.GetHostAddresses(item);
        }
        catch (Exception e) when (e is System.Net.Sockets.SocketException or ArgumentException)
        {
            throw new StartupException($"getaddrinfo('{item}', '{port}') = Name or service not known [-2]");
        }
    }

    private static ListeningSocket? TryOpenTcp(IPAddress ip, Settings settings, ILogger log)
    {
        var address = NativeAddress.Ip(ip, settings.ListenPort);
        var handle = Sockets.TryOpen(address.Family);
        if (handle < 0) return Fail("socket", handle);

        int result;
        if (settings.SoReuseport && (result = Sockets.TrySet(handle, SocketOption.ReusePort, 1)) < 0)
            return Fail("setsockopt/SO_REUSEPORT", result);
        Sockets.TrySet(handle, SocketOption.ReuseAddress, 1);
        if (address.Family == SocketFamily.V6) Sockets.TrySet(handle, SocketOption.V6Only, 1);
        // Accepted sockets inherit all of it.
        if ((result = SocketTuning.Apply(handle, settings)) < 0) return Fail("tune_socket", result);
        if ((result = Sockets.TryBind(handle, address)) < 0) return Fail("bind", result);
        if ((result = Sockets.TryListen(handle, settings.ListenBacklog)) < 0) return Fail("listen", result);
        if (settings.TcpDeferAccept) Sockets.TrySet(handle, SocketOption.DeferAccept, 1);
        var text = address.Family == SocketFamily.V6 ? $"[{ip}]" : ip.ToString();
        log.Note($"listening on {text}:{Sockets.LocalAddress(handle).Port}");
        return new ListeningSocket(handle, Sockets.LocalAddress(handle), settings.ListenPort, null);

        ListeningSocket? Fail(string call, int errno)
        {
            log.Caution("", $"cannot listen on {ip}:{settings.ListenPort}: {call}(): {Errno.Text(-errno)}");
            if (handle >= 0) Sockets.Close(handle);
            return null;
        }
    }

    private static ListeningSocket OpenUnix(Settings settings, ILogger log)
    {
        var path = $"{settings.UnixSocketDir}/.s.PGSQL.{settings.ListenPort}";
        var isAbstract = path.StartsWith('@');
        if (NativeAddress.Unix(path) is not { } address) throw new StartupException("failed to create unix socket");
        if (!isAbstract && File.Exists(path + ".lock")) throw new StartupException($"unix port {settings.ListenPort} is in use");
        var handle = Sockets.TryOpen(SocketFamily.Unix);
        if (!isAbstract) Sockets.TryUnlink(path);
        var call = "bind";
        var result = Sockets.TryBind(handle, address);
        if (result >= 0)
        {
            call = "listen";
            result = Sockets.TryListen(handle, settings.ListenBacklog);
        }
        if (result < 0)
        {
            log.Caution("", $"cannot listen on unix:{path}: {call}(): {Errno.Text(-result)}");
            Sockets.Close(handle);
            throw new StartupException("failed to create unix socket");
        }
        if (!isAbstract && UnixSocketFile.Adjust(path, settings) is { } problem)
        {
            Sockets.TryUnlink(path);
            throw new StartupException(problem);
        }
        log.Note($"listening on unix:{path}");
        return new ListeningSocket(handle, EndAddress.OfUnix, settings.ListenPort, path);
    }
}

/// <summary>unix_socket_group and unix_socket_mode.</summary>
internal static class UnixSocketFile
{
    /// <returns>Null, or what went wrong.</returns>
    internal static string? Adjust(string path, Settings settings)
    {
        if (settings.UnixSocketGroup is { Length: > 0 } group)
        {
            if (Identity.GroupIdOf(group) is not { } id) return $"could not find group '{group}': {Errno.Text(0)}";
            var changed = Sockets.TryChangeGroup(path, id);
            if (changed < 0) return $"chown({path}, {uint.MaxValue}, {id}) failed: {Errno.Text(-changed)}";
        }
        var result = Sockets.TryChmod(path, settings.UnixSocketMode);
        return result < 0 ? $"failure to chmod({path}, 0{Convert.ToString(settings.UnixSocketMode, 8)}): {Errno.Text(-result)}"
            : null;
    }
}

/// <summary>Start-up cannot go on; the message is the FATAL line.</summary>
public sealed class StartupException(string message) : Exception(message);
