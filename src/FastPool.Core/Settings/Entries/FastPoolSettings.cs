using System.Globalization;
using FastPool.Base;

namespace FastPool.Core.Settings;

/// <summary>
/// The settings that FastPool has beyond PgBouncer's: the optional [fastpool] section. All of it is fixed until restart, but for
/// min_loops, show_as, result_buffer and result_buffer_total.
/// </summary>
public sealed record FastPoolSettings
{
    private const long UsPerMs = 1_000;
    private const long UsPerSecond = 1_000_000;
    private const long MsPerSecond = 1_000;

    private const int DeadPeerLeast = 4; // The kernel counts keepalive in seconds, and three questions are asked.
    private const int DeadPeerMost = 65_532; // Of which it is idle half: TCP_KEEPIDLE is at most 32767.

    private FastPoolSettings()
    {
    }

    public static FastPoolSettings Default { get; } = new();

    /// <summary>Threads that carry traffic; 0: chosen from the cores.</summary>
    public int Loops { get; private init; }

    /// <summary>So many of them are in use, whatever the load is; all, if there are no more.</summary>
    public int LoopsMin { get; private init; } = 1;

    /// <summary>The address at which metrics are served by HTTP; null: none.</summary>
    public ListenAddress? MetricsListen { get; private init; }

    /// <summary>The objects that have histograms in the metrics.</summary>
    public HistogramScope MetricsHistograms { get; private init; } = HistogramScope.Database;

    /// <summary>File and standard error, syslog and the journal get an object of JSON a line.</summary>
    public bool LogsJson { get; private init; }

    /// <summary>Queries and transactions of so many microseconds have a line in the log; the greatest: none has.</summary>
    public long LogMinDurationUs { get; private init; } = long.MaxValue;

    /// <summary>The console takes the extended protocol, and what drivers say at the beginning.</summary>
    public bool ConsoleExtended { get; private init; }

    /// <summary>
    /// The sends of a loop in one turn go to the kernel together, by io_uring, where the kernel allows that.
    /// </summary>
    public bool IoUring { get; private init; } = true;

    /// <summary>
    /// After a handshake of TLS 1.3 the records are ours, not the library's: it costs less, and another process can go on with
    /// them.
    /// </summary>
    public bool HasOwnTlsRecords { get; private init; } = true;

    /// <summary>An HBA file with a broken line is not used at all: a rule that is left out may be one that rejects.</summary>
    public bool HbaStrict { get; private init; } = true;

    /// <summary>Connections from there begin with a PROXY protocol header, which tells the client's address.</summary>
    public NetworkList ProxyProtocolFrom { get; private init; } = NetworkList.None;

    /// <summary>The local addresses for which that holds; none: every one but the Unix socket.</summary>
    public ProxyAddresses ProxyProtocolListen { get; private init; } = ProxyAddresses.All;

    /// <summary>
    /// How long a server may take over a query of the pooler's own, the check and the reset query, microseconds.
    /// </summary>
    public long ServerAnswerTimeoutUs { get; private init; } = 5_000_000;

    /// <summary>One idle server of each host asks it so often how it is, microseconds; 0: never.</summary>
    public long HostCheckPeriodUs { get; private init; }

    /// <summary>A standby that is further behind is not chosen while another will do, milliseconds.</summary>
    public long ReplicaLagMaxMs { get; private init; } = long.MaxValue;

    /// <summary>Clients that wait in vain, or whose login fails, get the server side's last error as a DETAIL.</summary>
    public bool HasErrorDetails { get; private init; } = true;

    /// <summary>
    /// A shutdown that waits for clients tells them to go, and ends after so long, microseconds; 0: it waits until they go.
    /// </summary>
    public long DrainTimeoutUs { get; private init; }

    /// <summary>Clients keep the state of their sessions between transactions, where neither user nor database says.</summary>
    public SessionStateMode SessionState { get; private init; }

    /// <summary>A client that uses what transaction pooling breaks is told of in the log, and to itself.</summary>
    public SessionWarningMode SessionWarning { get; private init; }

    /// <summary>Servers of a pool that may stay with clients whose state cannot travel; 0: half of the pool.</summary>
    public int PinnedServersMax { get; private init; }

    /// <summary>A client that keeps a server so, and says nothing for so long, is told to go, microseconds; 0: never.</summary>
    public long PinnedTimeoutUs { get; private init; }

    /// <summary>A query whose client has gone is canceled: PostgreSQL does not notice that, and runs on.</summary>
    public bool CancelsAbandoned { get; private init; }

    /// <summary>The end of a server whose client goes in the middle of something, where neither user nor database says.</summary>
    public AbandonedTransaction AbandonedTransaction { get; private init; }

    /// <summary>In transaction pooling a BEGIN is answered at once, and sent with the first message behind it.</summary>
    public bool DefersBegin { get; private init; }

    /// <summary>Bytes of a result that are held for a client that reads slowly, so that its server is free; 0: none.</summary>
    public int ResultBuffer { get; private init; }

    /// <summary>Of all clients together.</summary>
    public long ResultBufferTotal { get; private init; } = 64 * 1024 * 1024;

    /// <summary>A TCP peer that is silent so long is gone, microseconds; 0: the system's settings alone say.</summary>
    public long DeadPeerTimeoutUs { get; private init; } = 30_000_000;

    /// <summary>TLS with servers begins without a question, where neither database nor user says otherwise.</summary>
    public bool IsServerTlsDirect { get; private init; }

    /// <summary>Named prepared statements that one client may have; 0: any number.</summary>
    public int ClientStatementsMax { get; private init; } = 10_000;

    /// <summary>Bytes of their names and texts; 0: any number.</summary>
    public long ClientStatementBytesMax { get; private init; } = 512 * 1024 * 1024;

    /// <summary>The PgBouncer that this one stands in for.</summary>
    public ShownVersion ShowAs { get; private init; } = ShownVersion.V126;

    /// <summary>All keys with their values, in the order of the manual.</summary>
    public IEnumerable<KeyValuePair<string, string>> Values =>
    [
        new("loops", Loops.ToString(CultureInfo.InvariantCulture)),
        new("min_loops", LoopsMin.ToString(CultureInfo.InvariantCulture)),
        new("metrics_listen", MetricsListen?.ToString() ?? ""),
        new("metrics_histograms", HistogramScopes.Words.WordOf(MetricsHistograms)),
        new("log_format", LogsJson ? "json" : "text"),
        new("log_min_duration", LogMinDurationUs == long.MaxValue ? "-1"
            : (LogMinDurationUs / UsPerMs).ToString(CultureInfo.InvariantCulture)),
        new("console_extended", ConsoleExtended ? "1" : "0"),
        new("io_uring", IoUring ? "1" : "0"),
        new("tls_records", HasOwnTlsRecords ? "own" : "library"),
        new("hba_strict", HbaStrict ? "1" : "0"),
        new("proxy_protocol_from", ProxyProtocolFrom.ToString()),
        new("proxy_protocol_listen", ProxyProtocolListen.ToString()),
        new("server_answer_timeout", (ServerAnswerTimeoutUs / UsPerSecond).ToString(CultureInfo.InvariantCulture)),
        new("host_check_period", (HostCheckPeriodUs / UsPerSecond).ToString(CultureInfo.InvariantCulture)),
        new("max_replica_lag", ReplicaLagMaxMs == long.MaxValue ? "0"
            : (ReplicaLagMaxMs / MsPerSecond).ToString(CultureInfo.InvariantCulture)),
        new("error_details", HasErrorDetails ? "1" : "0"),
        new("drain_timeout", (DrainTimeoutUs / UsPerSecond).ToString(CultureInfo.InvariantCulture)),
        new("session_state", SessionStateWords.Words.WordOf(SessionState)),
        new("session_warning", SessionWarningWords.Words.WordOf(SessionWarning)),
        new("pinned_servers_max", PinnedServersMax.ToString(CultureInfo.InvariantCulture)),
        new("pinned_timeout", (PinnedTimeoutUs / UsPerSecond).ToString(CultureInfo.InvariantCulture)),
        new("cancel_abandoned", CancelsAbandoned ? "1" : "0"),
        new("abandoned_transaction", AbandonedTransactionWords.Words.WordOf(AbandonedTransaction)),
        new("defer_begin", DefersBegin ? "1" : "0"),
        new("result_buffer", ResultBuffer.ToString(CultureInfo.InvariantCulture)),
        new("result_buffer_total", ResultBufferTotal.ToString(CultureInfo.InvariantCulture)),
        new("dead_peer_timeout", (DeadPeerTimeoutUs / UsPerSecond).ToString(CultureInfo.InvariantCulture)),
        new("server_tls_sslnegotiation", IsServerTlsDirect ? "direct" : "postgres"),
        new("client_statements_max", ClientStatementsMax.ToString(CultureInfo.InvariantCulture)),
        new("client_statement_bytes_max", ClientStatementBytesMax.ToString(CultureInfo.InvariantCulture)),
        new("show_as", ShownVersions.Words.WordOf(ShowAs)),
    ];

    /// <summary>Whether RELOAD and SET may change it; all others are fixed until restart.</summary>
    public static bool IsChangeable(string key) =>
        key is "min_loops" or "show_as" or "result_buffer" or "result_buffer_total";

    /// <summary>These, with what a reload may change from <paramref name="next"/>.</summary>
    internal FastPoolSettings Reloaded(FastPoolSettings next) => this with
    {
        LoopsMin = next.LoopsMin,
        ShowAs = next.ShowAs,
        ResultBuffer = next.ResultBuffer,
        ResultBufferTotal = next.ResultBufferTotal,
    };

    /// <summary>The environment's word for a key, stronger than the file's: FASTPOOL_LOOPS, and so on.</summary>
    public static string VariableOf(string key) => "FASTPOOL_" + key.ToUpperInvariant();

    /// <summary>With one key set.</summary>
    /// <param name="key">Of the section.</param>
    /// <param name="value">As it stands in the file.</param>
    /// <param name="error">The reason when there is one of its own.</param>
    /// <returns>Null when it is refused.</returns>
    public FastPoolSettings? TrySet(string key, string value, out string? error)
    {
        error = null;
        switch (key)
        {
            case "loops":
                if (!CNumber.TryFitting(value, out var loops) || loops < 0) return null;
                if (loops <= Limits.LoopsMax) return this with { Loops = loops };
                error = $"loops: at most {Limits.LoopsMax}";
                return null;
            case "min_loops":
                if (!CNumber.TryFitting(value, out var least)) return null;
                if (least is >= 1 and <= Limits.LoopsMax) return this with { LoopsMin = least };
                error = $"min_loops: 1 to {Limits.LoopsMax}";
                return null;
            case "metrics_listen":
                if (value.Length == 0) return this with { MetricsListen = null };
                return ListenAddress.TryParse(value) is { } address ? this with { MetricsListen = address } : null;
            case "metrics_histograms":
                return HistogramScopes.Words.TryParse(value, out var scope) ? this with { MetricsHistograms = scope } : null;
            case "log_format":
                return value is "text" or "json" ? this with { LogsJson = value == "json" } : null;
            case "log_min_duration":
                return CNumber.TryFitting(value, out var ms) && ms >= -1
                    ? this with { LogMinDurationUs = ms < 0 ? long.MaxValue : ms * UsPerMs } : null;
            case "console_extended":
                return TryFlag(value) is { } isExtended ? this with { ConsoleExtended = isExtended } : null;
            case "io_uring":
                return TryFlag(value) is { } usesRing ? this with { IoUring = usesRing } : null;
            case "tls_records":
                return value is "own" or "library" ? this with { HasOwnTlsRecords = value == "own" } : null;
            case "hba_strict":
                return TryFlag(value) is { } isStrict ? this with { HbaStrict = isStrict } : null;
            case "proxy_protocol_from":
                return NetworkList.TryParse(value) is { } networks ? this with { ProxyProtocolFrom = networks } : null;
            case "proxy_protocol_listen":
                return ProxyAddresses.TryParse(value) is { } proxied ? this with { ProxyProtocolListen = proxied } : null;
            case "server_answer_timeout":
                return CNumber.TryFitting(value, out var seconds)
                    && seconds > 0 ? this with { ServerAnswerTimeoutUs = seconds * UsPerSecond } : null;
            case "host_check_period":
                return CNumber.TryFitting(value, out var period)
                    && period >= 0 ? this with { HostCheckPeriodUs = period * UsPerSecond } : null;
            case "max_replica_lag":
                return CNumber.TryFitting(value, out var lag)
                    && lag >= 0 ? this with { ReplicaLagMaxMs = lag == 0 ? long.MaxValue : lag * MsPerSecond } : null;
            case "error_details":
                return TryFlag(value) is { } hasDetails ? this with { HasErrorDetails = hasDetails } : null;
            case "drain_timeout":
                return CNumber.TryFitting(value, out var drain)
                    && drain >= 0 ? this with { DrainTimeoutUs = drain * UsPerSecond } : null;
            case "session_state":
                return SessionStateWords.Words.TryParse(value, out var keeping) ? this with { SessionState = keeping } : null;
            case "session_warning":
                return SessionWarningWords.Words.TryParse(value, out var warning) ? this with { SessionWarning = warning } : null;
            case "pinned_servers_max":
                return CNumber.TryFitting(value, out var pinned) && pinned >= 0 ? this with { PinnedServersMax = pinned } : null;
            case "pinned_timeout":
                return CNumber.TryFitting(value, out var pinTime)
                    && pinTime >= 0 ? this with { PinnedTimeoutUs = pinTime * UsPerSecond } : null;
            case "cancel_abandoned":
                return TryFlag(value) is { } cancels ? this with { CancelsAbandoned = cancels } : null;
            case "abandoned_transaction":
                return AbandonedTransactionWords.Words.TryParse(value, out var end)
                    ? this with { AbandonedTransaction = end } : null;
            case "defer_begin":
                return TryFlag(value) is { } defers ? this with { DefersBegin = defers } : null;
            case "result_buffer":
                if (!TryBytes(value, out var held)) return null;
                if (held <= Limits.ResultBufferMax) return this with { ResultBuffer = (int)held };
                error = $"result_buffer: at most {Limits.ResultBufferMax}";
                return null;
            case "result_buffer_total":
                return TryBytes(value, out var total) ? this with { ResultBufferTotal = total } : null;
            case "dead_peer_timeout":
                if (!CNumber.TryFitting(value, out var dead) || dead < 0) return null;
                if (dead is 0 or (>= DeadPeerLeast and <= DeadPeerMost))
                    return this with { DeadPeerTimeoutUs = dead * UsPerSecond };
                error = $"dead_peer_timeout: 0, or {DeadPeerLeast} to {DeadPeerMost}";
                return null;
            case "server_tls_sslnegotiation":
                return SslNegotiation.TryParse(value) is { } isDirect ? this with { IsServerTlsDirect = isDirect } : null;
            case "client_statements_max":
                return CNumber.TryFitting(value, out var statements)
                    && statements >= 0 ? this with { ClientStatementsMax = statements } : null;
            case "client_statement_bytes_max":
                return TryBytes(value, out var bytes) ? this with { ClientStatementBytesMax = bytes } : null;
            case "show_as":
                return ShownVersions.Words.TryParse(value, out var version) ? this with { ShowAs = version } : null;
            default:
                error = $"unknown parameter: fastpool/{key}";
                return null;
        }
    }

    private static bool TryBytes(string value, out long bytes) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out bytes);

    private static bool? TryFlag(string value) => CNumber.TryFitting(value, out var flag) && flag is 0 or 1 ? flag == 1 : null;
}
