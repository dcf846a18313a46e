namespace FastPool.Core.Settings;

/// <summary>The choice of abandoned_transaction: the end of a server whose client goes in the middle of something.</summary>
public enum AbandonedTransaction : byte
{
    /// <summary>As PgBouncer: it is closed, and PostgreSQL rolls back.</summary>
    Close,

    /// <summary>The query is canceled, what is left of its replies is read, ROLLBACK is run, and the server is kept.</summary>
    Rollback,
}

/// <summary>The words of abandoned_transaction.</summary>
public static class AbandonedTransactionWords
{
    public static WordTable<AbandonedTransaction> Words { get; } = new(
        ("close", AbandonedTransaction.Close),
        ("rollback", AbandonedTransaction.Rollback));
}
