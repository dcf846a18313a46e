using System.Net;

namespace FastPool.Net.Names;

/// <summary>The questions put to the DNS. Each may take seconds: asked on threads of their own, several at once.</summary>
public interface INameQueries
{
    /// <returns>The addresses; none when there are none, or no name server answers.</returns>
    IReadOnlyList<IPAddress> Addresses(string name);

    /// <returns>The serial number of the zone's SOA record; null when it is not to be had.</returns>
    uint? Serial(string zone);
}
