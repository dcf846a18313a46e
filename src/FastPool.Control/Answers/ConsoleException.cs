namespace FastPool.Control.Answers;

/// <summary>Ends a command with an ERROR for the client; the session goes on.</summary>
internal sealed class ConsoleException(string message, string sqlState = ConsoleException.ProtocolViolation) : Exception(message)
{
    /// <summary>The SQLSTATE of the console's errors, which is PgBouncer's.</summary>
    public const string ProtocolViolation = "08P01";

    /// <summary>
    /// syntax_error_or_access_rule_violation: the same to ordinary drivers, which drop a connection that is said to have violated
    /// the protocol.
    /// </summary>
    public const string WrongStatement = "42000";

    /// <summary>config_file_error: a RELOAD that failed.</summary>
    public const string ConfigFileError = "F0000";

    /// <summary>insufficient_resources: the limit of open files, mostly.</summary>
    public const string InsufficientResources = "53000";

    public string SqlState { get; } = sqlState;
}
