using FastPool.Base;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// Requests whose replies are outstanding, oldest first. A ring that grows for a long pipeline and is given up when
/// empty again; a simple query uses one place of it. Nothing here looks at more than one end: what is asked of the
/// middle is counted as places come and go.
/// </summary>
public sealed class OutstandingQueue
{
    private const int CapacityAtRest = 8;
    private const int CapacityKept = 256;

    private Request[] _ring = new Request[CapacityAtRest];
    private int _head;
    private int _ownCount;

    public int Count { get; private set; }

    public bool IsEmpty => Count == 0;

    /// <summary>How many have left at the head: with an index, the lasting number of a place.</summary>
    public long PoppedCount { get; private set; }

    /// <summary>Replies that the pooler itself will give when their turn comes.</summary>
    public int FakeCount { get; private set; }

    public int SyncCount { get; private set; }

    /// <summary>Each may be a COPY.</summary>
    public int ExecuteCount { get; private set; }

    /// <summary>Each may be any number of COPYs.</summary>
    public int QueryCount { get; private set; }

    /// <summary>Closes that tell by their reply that all before them is through.</summary>
    public int FenceCount { get; private set; }

    /// <summary>
    /// The last added request is of the extended protocol, or a query among such, with no Sync behind it. After an error in
    /// there the server reads past everything up to a Sync that has not been sent.
    /// </summary>
    public bool IsSegmentOpen { get; private set; }

    /// <summary>Every reply goes to the client as it comes.</summary>
    public bool IsAllForwarded => _ownCount == 0;

    public Request Head => _ring[_head];

    public void Add(byte type, ReplyAction action = ReplyAction.Forward, Statement? statement = null,
        RequestKind kind = RequestKind.Plain)
    {
        if (Count == _ring.Length) Grow();
        var request = new Request(type, action, statement, kind);
        _ring[(_head + Count) & (_ring.Length - 1)] = request;
        Count++;
        if (type == FrontendMessage.Sync) IsSegmentOpen = false;
        else if (!EndsWithReadyForQuery(type)) IsSegmentOpen = true;
        Tally(request, 1);
    }

    public Request Pop()
    {
        Check.That(Count > 0);
        var request = _ring[_head];
        Tally(request, -1);
        PoppedCount++;
        _ring[_head] = default;
        _head = (_head + 1) & (_ring.Length - 1);
        if (--Count > 0) return request;
        _head = 0;
        if (_ring.Length > CapacityKept) _ring = new Request[CapacityAtRest];
        return request;
    }

    private void Tally(in Request request, int step)
    {
        switch (request.Type)
        {
            case FrontendMessage.Sync: SyncCount += step; break;
            case FrontendMessage.Execute: ExecuteCount += step; break;
            case FrontendMessage.Query: QueryCount += step; break;
        }
        if (request.Action == ReplyAction.Forward) return;
        _ownCount += step;
        if (request.Action == ReplyAction.Fake) FakeCount += step;
        else if (request.IsFence) FenceCount += step;
    }

    /// <summary>
    /// Pops the head if it is of that type: a reply of the server's that can answer nothing else. A server's reply never
    /// answers a request that the pooler answers.
    /// </summary>
    public bool TryPop(byte type, out Request request)
    {
        if (Count > 0 && _ring[_head].Type == type && _ring[_head].Action != ReplyAction.Fake)
        {
            request = Pop();
            return true;
        }
        request = default;
        return false;
    }

    public Request this[int index] => _ring[(_head + index) & (_ring.Length - 1)];

    public static bool EndsWithReadyForQuery(byte type) =>
        type is FrontendMessage.Query or FrontendMessage.Sync or FrontendMessage.FunctionCall;

    private void Grow()
    {
        var larger = new Request[_ring.Length * 2];
        for (var i = 0; i < Count; i++) larger[i] = this[i];
        _ring = larger;
        _head = 0;
    }
}
