using FastPool.Base;
using FastPool.Core.Sessions;
using FastPool.Io;
using FastPool.Native;
using FastPool.Protocol;

namespace FastPool.Net;

/// <summary>
/// A stream of messages. Bytes of one receive that were not handled are put in front of the next, in the headroom of the
/// loop's buffer, so that a message that was cut is whole again. Only more bytes than that are gathered in a buffer of their
/// own.
/// </summary>
internal abstract partial class MessageEndpoint : Endpoint, ILinkEnd
{
    private HeldBytes _held;

    private protected abstract BufferPool Buffers { get; }

    /// <summary>The loop's.</summary>
    private protected abstract Outbox Outbox { get; }

    private protected bool HoldsNothing => _held.IsEmpty;

    /// <summary>The type of the first message that is held. Its header is whole.</summary>
    private protected byte FirstHeldType => _held.Span[0];

    /// <summary>The time of its last words behind which it was seen to owe nothing (dead_peer_timeout).</summary>
    internal long QuietSinceUs { get; set; }

    /// <summary>Bytes of the present message that have not come yet.</summary>
    private protected int BodyRemaining;

    /// <summary>The loop's.</summary>
    private protected abstract Engine Engine { get; }

    public bool IsMidMessage => BodyRemaining > 0 && !IsBodySkipped;

    public bool HasSentAll => Engine.SendDeferredTo(this) && !IsCongested;

    void ILinkEnd.Join(ILinkEnd other) => Other = (MessageEndpoint)other;

    void ILinkEnd.Part() => Other = null;

    int IConnectionView.Descriptor => Handle;

    string IConnectionView.Tls => Tls?.Text ?? "";

    /// <summary>For SHOW SOCKETS: what is held is received and not judged, what is unsent came from elsewhere.</summary>
    BufferView IConnectionView.Buffer => new(_held.Count, 0, BodyRemaining, 0, Unsent.Count);

    bool IConnectionView.IsPeerGone => !IsOpen || DescriptorPassing.IsPeerGone(Handle);

    /// <summary>Between two messages, with nothing kept in either direction.</summary>
    private protected bool IsAtRest => HoldsNothing && Unread.IsEmpty && BodyRemaining == 0 && !IsCongested;

    /// <summary>The rest of the present message is dropped.</summary>
    private protected bool IsBodySkipped;

    /// <summary>Handles what it can.</summary>
    /// <returns>How far it got; what is behind is held.</returns>
    private protected abstract int Process(byte[] buffer, int position, int end);

    private protected void Take(byte[] buffer, int start, int count)
    {
        if (_held.IsEmpty)
        {
            HandleAll(buffer, start, start + count);
        }
        else if (_held.Count <= Limits.HeadroomBytes)
        {
            start -= _held.Count;
            _held.Span.CopyTo(buffer.AsSpan(start));
            count += _held.Count;
            _held.Clear(Buffers);
            HandleAll(buffer, start, start + count);
        }
        else
        {
            _held.Append(buffer.AsSpan(start, count), Buffers);
            if (!IsFirstHeldCut()) TakeHeld();
        }
    }

    /// <summary>
    /// The held bytes begin with a message that must be whole: while it is not, looking again would only
    /// copy it.
    /// </summary>
    private bool IsFirstHeldCut() =>
        BodyRemaining == 0
            && MessageHeader.TryRead(_held.Span, uint.MaxValue, out var type, out var length) == HeaderStatus.Complete
            && _held.Count < BytesWanted(type, length);

    /// <summary>So many bytes of a message must be here before it can be judged.</summary>
    private protected virtual int BytesWanted(byte type, int length) => length;

    /// <summary>Goes on with what was held back.</summary>
    private protected void TakeHeld()
    {
        var held = _held.Take();
        HandleAll(held.Buffer, held.Start, held.Start + held.Count);
        held.Clear(Buffers);
    }

    /// <summary>Finds the whole rows at the start.</summary>
    /// <param name="rowType">See <see cref="RowRun.Find"/>.</param>
    /// <returns>Bytes of these rows.</returns>
    private protected static int SkipRows(ReadOnlySpan<byte> unread, uint maxPacketSize, byte rowType, out int count) =>
        RowRun.Find(unread, Math.Min(maxPacketSize, Limits.ReceiveBytes), rowType, out count);

    private protected void DropHeld() => _held.Clear(Buffers);

    /// <summary>Goes on with what was held back, if nothing speaks against it.</summary>
    private protected void TryTakeHeld()
    {
        if (IsOpen && !HoldsNothing && !IsPaused && !IsParked && !IsHeldUp) TakeHeld();
    }

    private void HandleAll(byte[] buffer, int position, int end)
    {
        var outbox = Outbox;
        Check.That(outbox.IsEmpty);
        position = Process(buffer, position, end);
        if (!outbox.IsEmpty) outbox.Clear(); // Bytes that could not be sent have lost their target, or their source.
        if (IsOpen && position < end) _held.Append(buffer.AsSpan(position, end - position), Buffers, Limits.HeldHeadroomBytes);
    }
}
