using FastPool.Arguments;
using FastPool.Base;
using FastPool.Control;
using FastPool.Control.Answers;
using FastPool.Control.Operations;
using FastPool.Core.Auth;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Sessions.Handover;
using FastPool.Core.Settings;
using FastPool.Io;
using FastPool.Life;
using FastPool.Logs;
using FastPool.Native;
using FastPool.Net;
using FastPool.Net.Names;
using FastPool.Takeover;
using FastPool.Web;
using Microsoft.Extensions.Logging;

namespace FastPool;

/// <summary>Puts the data plane and the control plane together, and answers what the process asks of them.</summary>
internal sealed class Pooler : IPooler, IProcessControl
{
    private const int CoresPerLoop = 4;
    private const int LookupStackBytes = 256 * 1024;

    private readonly IPoolerHost _host;
    private readonly ILogger _log;
    private readonly PoolRegistry _registry;
    private readonly ScramVerifiers _verifiers;
    private readonly LoopGroup _loops;
    private readonly HostResolver _resolver;
    private readonly ControlPlane _plane;
    private readonly ControlThread _control;
    private IReadOnlyList<ListeningSocket> _sockets = [];
    private readonly ClosingPorts _ports;
    private ShutdownMode _shutdown;
    private TakeoverDialogue? _dialogue;
    private HandedState? _handed;
    private Action _stopMetrics = static () => { };

    internal Pooler(Settings settings, IPoolerHost host, ControlThread control)
    {
        _host = host;
        _control = control;
        _log = host.Loggers.CreateLogger(nameof(Pooler));
        var clock = new SystemClock();
        var random = new KernelRandom();
        _verifiers = new ScramVerifiers([]);
        _registry = new PoolRegistry(settings, LoopCount(settings));
        var tracked = new TrackedParameters(settings.TrackExtraParameters);
        _resolver = new HostResolver(
            () => _registry.Settings,
            clock,
            () => new NameQueries(settings.ResolvConf, ReadText),
            work => new Thread(() => work(), LookupStackBytes) { Name = "dns", IsBackground = true }.Start(),
            _log);
        var statements = new StatementTable();
        _loops = new LoopGroup(new LoopGroupParts(
            _registry,
            tracked,
            _verifiers,
            statements,
            random,
            _log,
            clock,
            _resolver,
            (_, buffers) =>
                new SocketEngine(buffers, handle => SocketTuning.Apply(handle, _registry.Settings),
                    _registry.Settings.Own.IoUring ? RingUse.All : RingUse.None)));
        _plane =
            new ControlPlane(_registry, tracked, _loops, this, control, clock, new LocalTime(), new DnsView(_resolver),
            statements, _verifiers, new ProductView(Versions.Own, PollMethod), _log);
        _loops.Console = _plane.Console;
        _ports = new ClosingPorts(_loops, control, _registry);
    }

    public string PollMethod => "epoll";

    public string TlsLibrary => Native.TlsLibrary.Version ?? Native.Process.OpenSslText.Find() ?? "OpenSSL";

    public ShutdownState State => new(
        _handed is not null ? PauseMode.TakingOver
            : _plane.Pausing.Mode switch
            {
                PoolerMode.Paused => PauseMode.Paused,
                PoolerMode.Suspended =>
            PauseMode.Suspended,
                _ => PauseMode.None
            },
        _shutdown,
        NamesSuspend: _registry.Settings.Own.ShowAs < ShownVersion.V126);

    /// <summary>
    /// A loop serves some 50,000 transactions a second, so a few go a long way; a machine that also runs PostgreSQL needs its
    /// cores for that.
    /// </summary>
    private static int LoopCount(Settings settings) =>
        Math.Clamp(settings.Own.Loops > 0 ? settings.Own.Loops : Environment.ProcessorCount / CoresPerLoop, 1, Limits.LoopsMax);

    private static string? ReadText(string path) =>
        new DiskFileReader().TryRead(path, out var content, out _) ? ByteText.Of(content) : null;

    public string? Prepare() => TryApplyTls(_registry.Settings) ? null : "TLS setup failed";

    public string? TakeOver(out bool isFound)
    {
        isFound = false;
        try
        {
            _dialogue = TakeoverDialogue.Find(_registry.Settings, _log);
            if (_dialogue is null) return null;
            isFound = true;
            _handed = _dialogue.Take();
            return null;
        }
        catch (FatalError failure)
        {
            return failure.Message;
        }
    }

    /// <summary>-R, second part: with everything prepared, the old process ends, and we go on in its place.</summary>
    private string? GoOnAfterTakeover(TakeoverDialogue dialogue, HandedState handed)
    {
        _sockets = Listeners.TakeOver(handed.Listeners, _registry.Settings);
        _loops.TakeOver(handed);
        try
        {
            _host.TakesOver();
            dialogue.End(_registry.Settings, _control.Wait);
        }
        catch (FatalError failure)
        {
            return failure.Message;
        }
        dialogue.Dispose();
        (_dialogue, _handed) = (null, null);
        _loops.GoOn();
        return null;
    }

    public string? Start(IReadOnlyList<int> inherited)
    {
        var problem = _dialogue is { } dialogue
            && _handed is { } handed ? GoOnAfterTakeover(dialogue, handed) : OpenSockets(inherited);
        if (problem is not null) return problem;
        _verifiers.UseSecret(DecoySecret.Of(_registry.Settings.AuthFile, RandomBytes));
        StartMetrics(_registry.Settings.Own.MetricsListen);
        DescriptorLimit.Look(_loops.Reserve);
        _loops.Listen(_sockets);
        _loops.Start();
        _plane.Start();
        _plane.Readiness.IsServing = true;
        _resolver.AddressesGone = _registry.Stir;
        _resolver.IsInUse = _registry.Hosts.HasServersOf;
        _control.Every(HasHostNames ? Limits.TickUs : Limits.QuietTickUs, _resolver.Tick);
        _control.Every(Limits.QuietTickUs, new PeerLookup(_registry, _resolver, _log).Tick);
        _control.Every(Limits.QuietTickUs, _plane.SettingsInForce.Tick);
        var wakeLoops = _registry.OnStirred;
        _registry.OnStirred = () =>
        {
            wakeLoops();
            _control.Post(_plane.SettingsInForce.Tick);
        };
        if (OrphanKeeper.IsNeeded) _control.Every(OrphanKeeper.PeriodUs, new OrphanKeeper().Look);
        return null;
    }

    /// <summary>Some host is a name: its addresses are to be followed closely.</summary>
    private bool HasHostNames => _registry.Settings.Databases.Values.Any(static database =>
        database.Hosts.Any(static host => !host.StartsWith('/') && !System.Net.IPAddress.TryParse(host, out _)));

    private static byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        new KernelRandom().Fill(bytes);
        return bytes;
    }

    private string? OpenSockets(IReadOnlyList<int> inherited)
    {
        try
        {
            _sockets = inherited.Count > 0 ? Listeners.Inherit(inherited, _registry.Settings, _log)
                : Listeners.Open(_registry.Settings, _log);
            return null;
        }
        catch (StartupException failure)
        {
            return failure.Message;
        }
    }

    /// <summary>An address that another process still has, as during a restart, is tried again.</summary>
    private void StartMetrics(ListenAddress? address)
    {
        const long RetryUs = 1_000_000;
        if (address is null) return;
        var server = new HttpServer(address, new Routes(_plane).Answer, new SystemClock(), _log);
        _stopMetrics = server.Stop;
        if (server.TryStart()) return;
        ControlTimer? retry = null;
        retry = _control.Every(RetryUs, () =>
        {
            if (server.TryStart()) retry!.Stop();
        });
    }

    public bool Reload(Settings settings)
    {
        DescriptorLimit.Look(_loops.Reserve);
        var isWhole = _plane.SettingsInForce.Apply(settings);
        _verifiers.Forget(
            settings.UserList.Secrets.Concat(_registry.Databases.SelectMany(static database => database.FetchedSecrets.Values)));
        return isWhole;
    }

    public void Pause() => _plane.Pausing.PauseAll();

    public void Resume() => _plane.Pausing.ResumeAll();

    public void ShutDown(ShutdownMode mode)
    {
        _shutdown = mode;
        _registry.IsShuttingDown = true; // A readiness check fails before the first new client is refused.
        if (mode != ShutdownMode.Immediate)
            _ports.Begin(_sockets, mode);
        _plane.Shutdown.Begin(mode, () => _host.Exit(0), () => _ports.AreClosed);
    }

    public void TellAll() => _plane.Shutdown.TellAll();

    public void CleanUp()
    {
        if (_registry.State.Mode == PoolerMode.Suspended) return;
        foreach (var socket in _sockets)
        {
            if (socket.Path is { } path && path[0] != '@' && !socket.IsInherited) Sockets.TryUnlink(path);
        }
    }

    // ---- for the control plane ------------------------------------------------------------------------------------

    ReloadResult IProcessControl.Reload() => new(_host.Reload());

    ProcessFigures IProcessControl.Figures() => _host.Figures();

    void IProcessControl.Shutdown(ShutdownMode mode) => ShutDown(mode);

    void IProcessControl.Retire()
    {
        _shutdown = ShutdownMode.WaitForClients;
        _stopMetrics();
        _loops.StopListening(static _ => true, acceptsRest: false, static socket => Sockets.Close(socket.Handle));
        _host.HandedOver();
    }

    void IProcessControl.SettingsApplied(Settings settings)
    {
        foreach (var socket in _sockets)
        {
            // A shutdown closes them.
            if (!socket.IsUnix && !_registry.IsShuttingDown) SocketTuning.Retune(socket.Handle, settings);
        }
        _loops.ForgetPasswords();
        _host.SettingsApplied(settings);
    }

    void IProcessControl.StatsReported(string line) => _host.Status(line);

    public bool TryApplyTls(Settings settings)
    {
        if (_loops.Tls.Apply(settings) is not { } mistake) return true;
        _log.Lines([mistake]);
        return false;
    }
}
