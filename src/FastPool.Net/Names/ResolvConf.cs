using System.Globalization;
using System.Net;

namespace FastPool.Net.Names;

/// <summary>A resolv.conf, as far as it concerns us. Source: resolv.conf(5). Lines that cannot be read are passed over.</summary>
public sealed record ResolvConf(IReadOnlyList<IPEndPoint> Servers, IReadOnlyList<string> Search, int Dots, int Timeout_s,
    int Attempts)
{
    private const int DnsPort = 53;
    private const int DotsMax = 15;
    private const int TimeoutMax_s = 30;
    private const int AttemptsMax = 5;
    private static readonly char[] Blanks = [' ', '\t', '\r'];

    /// <param name="text">Null: there is no such file, which means the machine itself, as it does elsewhere.</param>
    public static ResolvConf Parse(string? text)
    {
        var servers = new List<IPEndPoint>();
        IReadOnlyList<string> search = [];
        var (dots, timeout_s, attempts) = (1, 5, 2);
        foreach (var line in (text ?? "").Split('\n'))
        {
            var words = line.Split(Blanks, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2 || words[0][0] is '#' or ';') continue;
            switch (words[0])
            {
                case "nameserver" when ServerOf(words[1]) is { } server: servers.Add(server); break;
                case "domain": search = [words[1].TrimEnd('.')]; break;
                case "search":
                    search =
                    [.. words.Skip(1).Select(domain => domain.TrimEnd('.')).Where(domain => domain.Length > 0)]; break;
                case "options":
                    foreach (var option in words.Skip(1))
                    {
                        dots = Number(option, "ndots:", 0, DotsMax) ?? dots;
                        timeout_s = Number(option, "timeout:", 1, TimeoutMax_s) ?? timeout_s;
                        attempts = Number(option, "attempts:", 1, AttemptsMax) ?? attempts;
                    }
                    break;
            }
        }
        if (servers.Count == 0) servers.Add(new IPEndPoint(IPAddress.Loopback, DnsPort));
        return new ResolvConf(servers, search, dots, timeout_s, attempts);
    }

    /// <summary>The names to ask for in turn: a short name gets the domains first, a name that ends in a dot none.</summary>
    public IEnumerable<string> Candidates(string name)
    {
        if (name.EndsWith('.')) return [name];
        var completed = Search.Select(domain => $"{name}.{domain}");
        return name.Count(c => c == '.') >= Dots ? completed.Prepend(name) : completed.Append(name);
    }

    /// <summary>An address, with a port after it if need be: <c>127.0.0.1:5353</c>, <c>[::1]:5353</c>.</summary>
    private static IPEndPoint? ServerOf(string text) =>
        IPEndPoint.TryParse(text, out var server) ? new IPEndPoint(server.Address, server.Port > 0 ? server.Port : DnsPort)
            : null;

    private static int? Number(string option, string key, int min, int max) =>
        option.StartsWith(key, StringComparison.Ordinal)
            && int.TryParse(option.AsSpan(key.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? Math.Clamp(value, min, max)
            : null;
}
