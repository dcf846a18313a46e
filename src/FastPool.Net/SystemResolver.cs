using System.Collections.Concurrent;
using System.Net;
using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using Microsoft.Extensions.Logging;

namespace FastPool.Net;

/// <summary>
/// getaddrinfo on threads of its own, answers kept for dns_max_ttl (failures for dns_nxdomain_ttl). Requests for a name
/// that is being looked up share the look-up.
/// </summary>
public sealed class SystemResolver(PoolRegistry registry, Clock clock, ILogger log) : IHostResolver
{
    private readonly ConcurrentDictionary<string, Answer> _answers = new();

    private sealed record Answer(Task<IPAddress[]?> Addresses, long ExpiresUs);

    public void Resolve(string host, Action<IReadOnlyList<IPAddress>?> done)
    {
        var answer = _answers.GetValueOrDefault(host);
        if (answer is null || (answer.Addresses.IsCompleted && clock.NowUs >= answer.ExpiresUs))
        {
            answer = new Answer(LookUp(host), long.MaxValue);
            _answers[host] = answer;
            answer.Addresses.ContinueWith(
                task => _answers[host] = new Answer(task, clock.NowUs + (task.Result is null ? registry.Settings.DnsNxdomainTtlUs : registry.Settings.DnsMaxTtlUs)),
                TaskScheduler.Default);
        }
        answer.Addresses.ContinueWith(task => done(task.Result), TaskScheduler.Default);
    }

    private async Task<IPAddress[]?> LookUp(string host)
    {
        try
        {
            return await Dns.GetHostAddressesAsync(host).ConfigureAwait(false);
        }
        catch (Exception e) when (e is System.Net.Sockets.SocketException or ArgumentException)
        {
            log.Caution("", $"DNS lookup failed: {host}: result=0");
            return null;
        }
    }
}
