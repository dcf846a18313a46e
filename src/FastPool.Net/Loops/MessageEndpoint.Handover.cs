using FastPool.Core.Sessions.Handover;

namespace FastPool.Net;

/// <summary>A stream on its way from one process to another.</summary>
internal abstract partial class MessageEndpoint
{
    /// <summary>How far the bytes have come, for another process.</summary>
    private protected HandedStream StreamNow =>
        IsAtRest ? HandedStream.AtRest : new(BodyRemaining, IsBodySkipped, _held.Span.ToArray(), Unsent.Span.ToArray());

    /// <summary>Goes on where another process stopped.</summary>
    private protected void TakeStream(HandedStream stream)
    {
        BodyRemaining = stream.BodyRemaining;
        IsBodySkipped = stream.IsBodySkipped;
        _held.Append(stream.Held, Buffers);
        Unsent.Append(stream.Unsent, Buffers);
    }
}
