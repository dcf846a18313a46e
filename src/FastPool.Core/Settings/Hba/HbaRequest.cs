using System.Net;

namespace FastPool.Core.Settings;

/// <summary>The facts by which a login is judged.</summary>
public readonly struct HbaRequest
{
    /// <summary>Over a Unix socket.</summary>
    public bool Unix { get; init; }

    /// <summary>Over TLS.</summary>
    public bool Tls { get; init; }

    /// <summary>Of a TCP client.</summary>
    public IPAddress? Address { get; init; }

    /// <summary>As the client asked for it: an entry's name, not the server's.</summary>
    public string Database { get; init; }

    /// <summary>As the client asked for it.</summary>
    public string User { get; init; }

    /// <summary>replication=true. Logical replication is an ordinary connection to its database.</summary>
    public bool PhysicalReplication { get; init; }
}
