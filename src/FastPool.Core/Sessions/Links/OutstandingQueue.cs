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

    private Place[] _ring = new Place[CapacityAtRest];
    private Statement?[] _statements = new Statement?[CapacityAtRest]; // Beside the places: most have none.
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

    /// <summary>The oldest; the default where there is none.</summary>
    public Request Head => Count == 0 ? default : this[0];

    public void Add(byte type, ReplyAction action = ReplyAction.Forward, Statement? statement = null,
        RequestKind kind = RequestKind.Plain)
    {
        if (Count == _ring.Length) Grow();
        var index = (_head + Count) & (_ring.Length - 1);
        _ring[index] = new Place(type, action, kind);
        if (statement is not null) _statements[index] = statement;
        Count++;
        switch (type)
        {
            case FrontendMessage.Sync:
                SyncCount++;
                IsSegmentOpen = false;
                break;
            case FrontendMessage.Query: QueryCount++; break;
            case FrontendMessage.FunctionCall: break;
            case FrontendMessage.Execute:
                ExecuteCount++;
                IsSegmentOpen = true;
                break;
            default: IsSegmentOpen = true; break;
        }
        if (action != ReplyAction.Forward) TallyOwn(new Request(type, action, statement, kind), 1);
    }

    public Request Pop()
    {
        Check.That(Count > 0);
        var place = _ring[_head];
        var statement = _statements[_head];
        if (statement is not null) _statements[_head] = null;
        switch (place.Type)
        {
            case FrontendMessage.Sync: SyncCount--; break;
            case FrontendMessage.Query: QueryCount--; break;
            case FrontendMessage.Execute: ExecuteCount--; break;
        }
        PoppedCount++;
        Count--;
        _head = Count == 0 ? 0 : (_head + 1) & (_ring.Length - 1);
        var request = new Request(place.Type, place.Action, statement, place.Kind);
        if (place.Action != ReplyAction.Forward) TallyOwn(request, -1);
        if (Count == 0 && _ring.Length > CapacityKept) Resize(CapacityAtRest);
        return request;
    }

    private void TallyOwn(in Request request, int step)
    {
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
        if (IsHead(type))
        {
            request = Pop();
            return true;
        }
        request = default;
        return false;
    }

    /// <inheritdoc cref="TryPop(byte, out Request)"/>
    public bool TryPop(byte type)
    {
        if (!IsHead(type)) return false;
        Pop();
        return true;
    }

    private bool IsHead(byte type)
    {
        if (Count == 0) return false;
        ref readonly var head = ref _ring[_head];
        return head.Type == type && head.Action != ReplyAction.Fake;
    }

    public Request this[int index]
    {
        get
        {
            var at = (_head + index) & (_ring.Length - 1);
            return new Request(_ring[at].Type, _ring[at].Action, _statements[at], _ring[at].Kind);
        }
    }

    public static bool EndsWithReadyForQuery(byte type) =>
        type is FrontendMessage.Query or FrontendMessage.Sync or FrontendMessage.FunctionCall;

    private void Grow() => Resize(_ring.Length * 2);

    private void Resize(int capacity)
    {
        var (ring, statements) = (new Place[capacity], new Statement?[capacity]);
        for (var i = 0; i < Count; i++)
        {
            var at = (_head + i) & (_ring.Length - 1);
            (ring[i], statements[i]) = (_ring[at], _statements[at]);
        }
        (_ring, _statements, _head) = (ring, statements, 0);
    }

    private readonly record struct Place(byte Type, ReplyAction Action, RequestKind Kind);
}
