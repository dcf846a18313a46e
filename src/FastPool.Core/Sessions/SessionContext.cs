using FastPool.Base;
using FastPool.Core.Auth;
using FastPool.Core.Pools;
using FastPool.Protocol;
using Microsoft.Extensions.Logging;

namespace FastPool.Core.Sessions;

/// <summary>
/// The things that the sessions of one loop share. Belongs to that loop's thread, but for what the registry holds.
/// </summary>
public sealed class SessionContext(byte loop, PoolRegistry registry, TrackedParameters tracked, ScramVerifiers verifiers,
    StatementTable statements, RandomSource random, ILogger log)
{
    public byte Loop { get; } = loop;

    public PoolRegistry Registry { get; } = registry;

    public TrackedParameters Tracked { get; } = tracked;

    public ScramVerifiers Verifiers { get; } = verifiers;

    public StatementTable Statements { get; } = statements;

    public RandomSource Random { get; } = random;

    public ILogger Log { get; } = log;

    public ParameterInterner Interner { get; } = new();

    public BufferPool Buffers { get; } = new();

    /// <summary>The loop's work.</summary>
    public LoopFigures Figures { get; } = new();

    /// <summary>For latencies never seen before.</summary>
    public HistogramBlocks HistogramBlocks { get; } = new();

    /// <summary>The uses of this loop's clients that transaction pooling breaks.</summary>
    public SafetyTable Safety { get; } = new();

    /// <summary>The questions for the state of a session.</summary>
    internal QuestionTexts Questions { get; } = new(tracked);

    /// <summary>The errors with which clients of this loop were closed.</summary>
    public EndingTable Endings { get; } = new();

    /// <summary>The queries of this loop's clients that took long.</summary>
    public SlowLog Slow { get; } = new(log, registry.Settings.Own.LogMinDurationUs);

    /// <summary>The next message of a login; sent, and cleared, before another connection's turn.</summary>
    public MessageBuffer LoginOutput { get; } = new();

    /// <summary>The values of those that are tracked.</summary>
    public ParameterValues ValuesOf(IReadOnlyList<(string Name, string Value)> parameters)
    {
        if (ReferenceEquals(parameters, _lastNamed)) return _lastValues!;
        var values = Tracked.Unknown;
        foreach (var (name, value) in parameters)
        {
            var index = Tracked.IndexOf(System.Text.Encoding.Latin1.GetBytes(name));
            if (index >= 0) values = Interner.With(values, index, value);
        }
        (_lastNamed, _lastValues) = (parameters, values);
        return values;
    }

    /// <summary>The present values of a client, and those of its login; null: none.</summary>
    internal (ParameterValues Present, ParameterValues? Login, LoginSettings? Settings) ClientValuesOf(
        IReadOnlyList<(string Name, string Value)> parameters)
    {
        if (!ReferenceEquals(parameters, _lastOfClient))
        {
            var login = parameters
                .Where(static pair => pair.Name.StartsWith(TrackedParameters.LoginMark, StringComparison.Ordinal))
                .Select(static pair => (pair.Name[TrackedParameters.LoginMark.Length..], pair.Value)).ToList();
            _lastLogin = login.Count > 0 ? ValuesOf(login) : null;
            LoginSettings? settings = null;
            foreach (var (name, value) in login)
            {
                if (Tracked.IndexOf(System.Text.Encoding.Latin1.GetBytes(name)) < 0)
                    settings = LoginSettings.TryAdd(settings, name, value) ?? settings;
            }
            _lastSettings = settings;
            _lastOfClient = parameters;
        }
        return (ValuesOf(parameters), _lastLogin, _lastSettings);
    }

    /// <summary>Memory that nobody needs at rest.</summary>
    public void GiveBack()
    {
        Buffers.GiveBack();
        Interner.GiveBack();
        LoginOutput.GiveBack();
    }

    /// <summary>Most clients of an application give the same settings.</summary>
    internal LoginSettings? Shared(LoginSettings? settings)
    {
        const int sharedMax = 256;
        if (settings is null) return null;
        if (_settings.TryGetValue(settings.State, out var shared)) return shared;
        if (_settings.Count >= sharedMax) _settings.Clear();
        return _settings[settings.State] = settings;
    }

    private readonly Dictionary<KeptState, LoginSettings> _settings = [];

    private IReadOnlyList<(string Name, string Value)>? _lastOfClient;
    private ParameterValues? _lastLogin;
    private LoginSettings? _lastSettings;
    private IReadOnlyList<(string Name, string Value)>? _lastNamed;
    private ParameterValues? _lastValues;

    /// <summary>The clock as of the start of this turn, monotonic microseconds.</summary>
    public long NowUs { get; set; }

    /// <summary>The wall clock as of the start of this turn, microseconds since 1970.</summary>
    public long WallUs { get; set; }
}

/// <summary>Randomness as a port: keys, salts and nonces come from the kernel, in simulations from a seed.</summary>
public abstract class RandomSource
{
    public abstract void Fill(Span<byte> bytes);
}
