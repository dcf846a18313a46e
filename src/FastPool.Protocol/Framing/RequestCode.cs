namespace FastPool.Protocol;

/// <summary>The code words of untyped packets. Source: PostgreSQL, Message Formats (StartupMessage and its neighbours).</summary>
public static class RequestCode
{
    public const uint CancelRequest = 80877102;
    public const uint SSLRequest = 80877103;
    public const uint GSSENCRequest = 80877104;

    /// <summary>Protocol 2.0, only known to be refused by name.</summary>
    public const uint Protocol2 = 0x0002_0000;

    /// <summary>Protocol 3.0, the version which is spoken here.</summary>
    public const uint Protocol3 = 0x0003_0000;

    /// <summary>The last 3.x: any minor is met with NegotiateProtocolVersion.</summary>
    public const uint Protocol3Last = 0x0003_FFFF;

    /// <summary>Whether the code word is a StartupMessage of protocol 3.</summary>
    public static bool IsStartup(uint code) => code is >= Protocol3 and <= Protocol3Last;

    public static bool IsKnown(uint code) => IsStartup(code) || code is Protocol2 or >= CancelRequest and <= GSSENCRequest;
}
