using System.Net;

namespace FastPool.Net.Names;

/// <summary>/etc/hosts, which goes before the DNS. Source: hosts(5).</summary>
public static class HostsFile
{
    /// <returns>The addresses in the order of the file; none when it does not have the name.</returns>
    public static IReadOnlyList<IPAddress> Find(string text, string name)
    {
        var found = new List<IPAddress>();
        foreach (var line in text.Split('\n'))
        {
            var words = line.Split('#')[0].Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2 || !words.Skip(1).Contains(name, StringComparer.OrdinalIgnoreCase)) continue;
            if (IPAddress.TryParse(words[0], out var address) && !found.Contains(address)) found.Add(address);
        }
        return found;
    }
}
