namespace FastPool.Core.Sessions;

/// <summary>Why a connection ends and what its peer is told.</summary>
/// <param name="Reason">For the log: <c>closing because: …</c>.</param>
/// <param name="Message">The text that a client gets as FATAL, or null for silence.</param>
/// <param name="Detail">The cause behind it, told where error_details allows; null: nothing.</param>
public readonly record struct Ending(string Reason, string? Message = null, string SqlState = "08P01", string? Detail = null)
{
    /// <summary>The SQLSTATE upon which drivers and their pools connect anew.</summary>
    public const string AdminShutdown = "57P01";

    /// <summary>PostgreSQL's invalid_authorization_specification.</summary>
    public const string InvalidAuthorization = "28000";

    /// <summary>PostgreSQL's invalid_password.</summary>
    public const string InvalidPassword = "28P01";

    /// <summary>The client is told the reason itself.</summary>
    public static Ending Told(string reason) => new(reason, reason);

    public bool IsSet => Reason is not null;

    /// <summary>Reasons are formatted into 128 bytes.</summary>
    public static string Cut(string reason) => reason.Length > 127 ? reason[..127] : reason;
}
