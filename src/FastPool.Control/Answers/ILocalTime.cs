using System.Globalization;

namespace FastPool.Control.Answers;

/// <summary>The process's time zone as a port, because its abbreviation is strftime's <c>%Z</c>.</summary>
public interface ILocalTime
{
    /// <param name="wallUs">Microseconds since 1970-01-01 UTC.</param>
    /// <returns><c>YYYY-MM-DD HH:MM:SS TZ</c>.</returns>
    string Format(long wallUs);
}

/// <summary>Local time where the zone is UTC.</summary>
public sealed class UtcTime : ILocalTime
{
    public string Format(long wallUs) =>
        DateTime.UnixEpoch.AddTicks(wallUs * TimeSpan.TicksPerMicrosecond)
            .ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);
}

/// <summary>Remembers the texts of one listing: connections that came in the same second share one string.</summary>
internal sealed class SecondMemory(ILocalTime time) : ILocalTime
{
    private const long UsPerSecond = 1_000_000;

    private readonly Dictionary<long, string> _texts = [];

    public string Format(long wallUs)
    {
        var second = wallUs / UsPerSecond;
        if (_texts.TryGetValue(second, out var text)) return text;
        text = time.Format(second * UsPerSecond);
        _texts.Add(second, text);
        return text;
    }
}
