namespace FastPool.Protocol;

/// <summary>CopyDone (F &amp; B): the COPY stream is complete. Source: PostgreSQL, Message Formats.</summary>
[Message('c', From.Either)]
public readonly ref partial struct CopyDone;
