namespace FastPool.Core.Settings;

/// <summary>The objects that have histograms of their own in /metrics: each takes some hundred lines.</summary>
public enum HistogramScope
{
    Off,
    Pool,
    Database,
}

/// <summary>The words of metrics_histograms.</summary>
public static class HistogramScopes
{
    public static WordTable<HistogramScope> Words { get; } = new(
        ("off", HistogramScope.Off),
        ("pool", HistogramScope.Pool),
        ("database", HistogramScope.Database));
}
