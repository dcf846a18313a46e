namespace FastPool.Protocol;

/// <summary>The sender of a message. One type letter means different messages in the two directions.</summary>
public enum From
{
    /// <summary>The client: (F) in PostgreSQL's manual.</summary>
    Frontend,

    /// <summary>The server: (B) in PostgreSQL's manual.</summary>
    Backend,

    /// <summary>Both: (F &amp; B), the COPY data messages.</summary>
    Either,
}
