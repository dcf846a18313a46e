using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>COPY IN on a server connection: data and its end owe no reply of their own.</summary>
public sealed partial class ServerSession
{
    private long _earlyCopyDataAt;
    private bool _isCopyFed;

    /// <summary>COPY data has come behind the request at the head, before the server has said CopyIn. A mark before the head is of a request that is through.</summary>
    private bool HasEarlyCopyData => _earlyCopyDataAt > Outstanding.PoppedCount;

    /// <summary>
    /// COPY data and its end owe no reply of their own. The end keeps a place behind the request that it may belong to, whether or not the server
    /// has said CopyIn yet; the rest of a COPY that failed early is read past.
    /// </summary>
    private void ExpectCopy(byte type)
    {
        if (type == FrontendMessage.CopyData)
        {
            NoteCopyData();
            if ((!IsInCopy || !Client!.IsInCopyIn) && !HasEarlyCopyData) _earlyCopyDataAt = Outstanding.PoppedCount + Outstanding.Count;
            return;
        }
        Client!.IsInCopyIn = false;
        if (!Outstanding.IsEmpty) Outstanding.Add(type);
    }

    /// <summary>Rows of COPY data go to the server.</summary>
    public void NoteCopyData() => _isCopyFed = true;

    /// <summary>A Sync sent right behind the request, before any data, is read past by a server in COPY. Where data came first, that may have failed before.</summary>
    private void BeginCopy()
    {
        IsInCopy = true;
        var end = Outstanding.FindCopyEnd();
        _isCopyFed = HasEarlyCopyData && (end < 0 || _earlyCopyDataAt <= Outstanding.PoppedCount + end); // Behind this COPY's end it is the next one's.
        var syncsMost = _isCopyFed ? _earlyCopyDataAt - Outstanding.PoppedCount - 1 : int.MaxValue;
        if (_isCopyFed) _earlyCopyDataAt = 0;
        for (; syncsMost > 0 && Outstanding.Count > 1 && Outstanding[1].Type == FrontendMessage.Sync; syncsMost--) RemovePlace(1);
        Client!.IsInCopyIn = Outstanding.FindCopyEnd() < 0; // A client that did not wait for this message may be through already.
    }

    /// <summary>
    /// COPY IN is over. If it went well, the server has read past every Sync up to the end marker, so their places go, and the marker's with them;
    /// if not, who knows which Sync it will answer: a place too many keeps the server with its client, one too few would give it to another too early.
    /// A Query that started the COPY stays until its ReadyForQuery, an Execute that failed until the next one.
    /// </summary>
    private void EndCopy(bool hasFailed)
    {
        IsInCopy = false;
        var end = Outstanding.FindCopyEnd();
        if (end >= 0)
        {
            RemovePlace(end);
            for (var i = end - 1; !hasFailed && i > 0; i--)
            {
                if (Outstanding[i].Type == FrontendMessage.Sync) RemovePlace(i);
            }
        }
        if (!hasFailed) Outstanding.TryPop(FrontendMessage.Execute, out _);
    }

    /// <summary>Data for the next COPY may stand behind the place: its mark moves up with the others.</summary>
    private void RemovePlace(int index)
    {
        Outstanding.RemoveAt(index);
        if (_earlyCopyDataAt > Outstanding.PoppedCount + index) _earlyCopyDataAt--;
    }
}
