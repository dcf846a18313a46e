using FastPool.Core.Sessions.Handover;
using FastPool.Native;

namespace FastPool.Net;

/// <summary>A stream on its way from one process to another.</summary>
internal abstract partial class MessageEndpoint
{
    /// <summary>How far the bytes have come, for another process.</summary>
    private protected HandedStream StreamNow => IsAtRest && Tls is null ? HandedStream.AtRest
        : new(BodyRemaining, IsBodySkipped, _held.Span.ToArray(), Unread.Span.ToArray(), Unsent.ToArray(),
            (Tls as TlsRecords)?.Give() ?? []);

    /// <summary>It is plain, or its keys are ours to give. Those of the library are its own.</summary>
    internal bool HasNoForeignKeys => Tls is null or TlsRecords { IsBroken: false };

    /// <summary>The process that was to have it has not come to that.</summary>
    internal void TakeBackKeys() => (Tls as TlsRecords)?.TakeBack();

    /// <summary>Goes on where another process stopped.</summary>
    /// <returns>False: it cannot be.</returns>
    private protected bool TryTakeStream(HandedStream stream, int descriptor)
    {
        if (Engine.Attach(this, descriptor) != 0) return false;
        if (stream.Tls.Length > 0 && !Engine.TryRestoreTls(this, stream.Tls))
        {
            Engine.Detach(this);
            return false;
        }
        BodyRemaining = stream.BodyRemaining;
        IsBodySkipped = stream.IsBodySkipped;
        _held.Append(stream.Held, Buffers);
        Engine.Keep(this, stream.Unread);
        Unsent.Append(stream.Unsent, Buffers);
        return true;
    }
}
