using System.Net;
using System.Net.Sockets;
using DnsClient;
using DnsClient.Protocol;

namespace FastPool.Net.Names;

/// <summary>
/// The hosts file, then the name servers of resolv.conf. The file that names these is read at the first question and never
/// again; the hosts file each time.
/// </summary>
/// <param name="resolvConf">resolv_conf; empty: the system's.</param>
/// <param name="read">A file's text, or null.</param>
public sealed class NameQueries(string resolvConf, Func<string, string?> read) : INameQueries
{
    private const string SystemResolvConf = "/etc/resolv.conf";
    private const string SystemHosts = "/etc/hosts";
    private const string Localhost = "localhost";

    private readonly Lazy<(ResolvConf Conf, LookupClient Client)> _dns =
        new(() => Open(ResolvConf.Parse(read(resolvConf.Length > 0 ? resolvConf : SystemResolvConf))));

    public IReadOnlyList<IPAddress> Addresses(string name)
    {
        var listed = OneFamily(HostsFile.Find(read(SystemHosts) ?? "", name));
        if (listed.Count > 0) return listed;
        if (name.Equals(Localhost, StringComparison.OrdinalIgnoreCase)
            || name.EndsWith("." + Localhost, StringComparison.OrdinalIgnoreCase)) return [IPAddress.Loopback];
        foreach (var candidate in _dns.Value.Conf.Candidates(name))
        {
            var addresses = Ask(candidate, QueryType.A);
            if (addresses.Count == 0) addresses = Ask(candidate, QueryType.AAAA);
            if (addresses.Count > 0) return addresses;
        }
        return [];
    }

    public uint? Serial(string zone)
    {
        try
        {
            return _dns.Value.Client.Query(zone, QueryType.SOA).Answers.OfType<SoaRecord>().FirstOrDefault()?.Serial;
        }
        catch (Exception e) when (IsExpected(e))
        {
            return null;
        }
    }

    private List<IPAddress> Ask(string name, QueryType type)
    {
        try
        {
            return [.. _dns.Value.Client.Query(name, type).Answers.OfType<AddressRecord>().Select(record => record.Address)
                .Distinct()];
        }
        catch (Exception e) when (IsExpected(e))
        {
            return [];
        }
    }

    private static (ResolvConf, LookupClient) Open(ResolvConf conf) =>
        (conf, new LookupClient(new LookupClientOptions([.. conf.Servers])
        {
            UseCache = false, // Ours keeps answers by dns_max_ttl.
            Timeout = TimeSpan.FromSeconds(conf.Timeout_s),
            Retries = conf.Attempts - 1,
            UseRandomNameServer = false,
            ContinueOnEmptyResponse = false,
            ThrowDnsErrors = false,
        }));

    /// <summary>
    /// A name of both families is used with IPv4, as most servers' pg_hba.conf expect; there is no telling which one works.
    /// </summary>
    private static IReadOnlyList<IPAddress> OneFamily(IReadOnlyList<IPAddress> addresses)
    {
        var v4 = addresses.Where(address => address.AddressFamily == AddressFamily.InterNetwork).ToList();
        return v4.Count > 0 ? v4 : addresses;
    }

    /// <summary>No answer, an answer that is none, or a name that cannot be asked for.</summary>
    private static bool IsExpected(Exception e) => e is DnsResponseException or DnsXidMismatchException or SocketException
        or ArgumentException or InvalidOperationException or IndexOutOfRangeException or FormatException;
}
