namespace FastPool.Core.Settings;

/// <summary>One line of [users]. Null, or nothing above 0, means: ask the database, then the global setting.</summary>
public sealed class UserEntry
{
    /// <summary>Longest name in bytes.</summary>
    public const int NameBytesMax = 127;

    private UserEntry(string name) => Name = name;

    /// <summary>Literal: * is a name like any other.</summary>
    public string Name { get; }

    /// <summary>0: off; null: not set.</summary>
    public long? QueryWaitTimeoutUs { get; private set; }

    public PoolMode? PoolMode { get; private set; }

    /// <summary>Whether clients keep the state of their sessions between transactions.</summary>
    public SessionStateMode? SessionState { get; private set; }

    /// <summary>The end of a server whose client goes in the middle of something.</summary>
    public AbandonedTransaction? AbandonedTransaction { get; private set; }

    /// <summary>0: no limit.</summary>
    public int? PoolSize { get; private set; }

    public int? ReservePoolSize { get; private set; }

    public int MaxUserConnections { get; private set; }

    public int MaxUserClientConnections { get; private set; }

    public long QueryTimeoutUs { get; private set; }

    public long IdleTransactionTimeoutUs { get; private set; }

    public long TransactionTimeoutUs { get; private set; }

    public long ClientIdleTimeoutUs { get; private set; }

    /// <summary>The place that has the password for logins to servers under this name; null: none.</summary>
    public PasswordSource? PasswordSource { get; private set; }

    /// <summary>The line's own TLS towards servers that are logged in to under this name.</summary>
    public ServerTlsKeys ServerTls { get; private set; } = ServerTlsKeys.None;

    /// <summary>Reads the settings of a user.</summary>
    /// <param name="name">The user.</param>
    /// <param name="settings">Pairs, or nothing at all.</param>
    /// <param name="log">Gets the reason when there is one.</param>
    /// <returns>Null when they are refused.</returns>
    public static UserEntry? TryParse(string name, string settings, List<LogText> log)
    {
        var entry = new UserEntry(EntryText.Cut(name, NameBytesMax, "name", "user", log));
        var pairs = new ConnectString(settings);
        while (pairs.Read(out var key, out var value))
        {
            var error = entry.Set(key, value);
            if (error is null) continue;
            log.Add(LogText.Error(error));
            return null;
        }

        if (!pairs.IsBroken) return entry;
        log.Add(LogText.Error("syntax error in user settings"));
        return null;
    }

    private string? Set(ReadOnlySpan<char> key, string value)
    {
        switch (key)
        {
            case "query_wait_timeout": QueryWaitTimeoutUs = EntryText.SecondsOrInherit(value); break;
            case "pool_mode":
                if (!PoolModes.Words.TryParse(value, out var mode)) return $"invalid pool mode: {value}";
                PoolMode = mode;
                break;
            case "session_state":
                if (!SessionStateWords.Words.TryParse(value, out var keeping)) return $"invalid session_state: {value}";
                SessionState = keeping;
                break;
            case "abandoned_transaction":
                if (!AbandonedTransactionWords.Words.TryParse(value, out var end))
                    return $"invalid abandoned_transaction: {value}";
                AbandonedTransaction = end;
                break;
            case "pool_size": PoolSize = EntryText.SizeOrInherit(value); break;
            case "reserve_pool_size": ReservePoolSize = EntryText.SizeOrInherit(value); break;
            case "max_user_connections": MaxUserConnections = CNumber.Atoi(value); break;
            case "max_user_client_connections": MaxUserClientConnections = CNumber.Atoi(value); break;
            case "query_timeout": QueryTimeoutUs = EntryText.SecondsToUs(value); break;
            case "idle_transaction_timeout": IdleTransactionTimeoutUs = EntryText.SecondsToUs(value); break;
            case "transaction_timeout": TransactionTimeoutUs = EntryText.SecondsToUs(value); break;
            case "client_idle_timeout": ClientIdleTimeoutUs = EntryText.SecondsToUs(value); break;
            case "password_file" or "password_command":
                if (PasswordSource is not null) return "password_file and password_command exclude each other";
                PasswordSource = PasswordSource.TryParse(key, value, $"user \"{Name}\"", out var fault);
                if (fault is not null) return fault;
                break;
            default:
                if (ServerTls.With(key, value, out var error) is not { } tls) return $"unrecognized user parameter: {key}";
                if (error is not null) return error;
                ServerTls = tls;
                break;
        }

        return null;
    }
}
