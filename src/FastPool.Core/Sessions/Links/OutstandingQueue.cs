using System.Runtime.CompilerServices;
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

    /// <summary>A request of the client's own, whose reply is forwarded and changes nothing that is known: most are.</summary>
    public void Add(byte type)
    {
        var ring = _ring;
        if (Count == ring.Length)
        {
            AddAfterGrowing(type);
            return;
        }
        ring[(_head + Count) & (ring.Length - 1)] = new Place(type, ReplyAction.Forward, RequestKind.Plain, false);
        Count++;
        Tally(type);
    }

    public void Add(byte type, ReplyAction action, Statement? statement = null, RequestKind kind = RequestKind.Plain)
    {
        if (Count == _ring.Length) Grow();
        var index = (_head + Count) & (_ring.Length - 1);
        _ring[index] = new Place(type, action, kind, statement is not null);
        if (statement is not null) _statements[index] = statement;
        Count++;
        Tally(type);
        if (action != ReplyAction.Forward) TallyOwn(new Request(type, action, statement, kind), 1);
    }

    private void AddAfterGrowing(byte type)
    {
        Grow();
        Add(type);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Tally(byte type)
    {
        if (type == FrontendMessage.Sync)
        {
            SyncCount++;
            IsSegmentOpen = false;
        }
        else if (type == FrontendMessage.Query)
        {
            QueryCount++;
        }
        else if (type != FrontendMessage.FunctionCall)
        {
            if (type == FrontendMessage.Execute) ExecuteCount++;
            IsSegmentOpen = true;
        }
    }

    public Request Pop()
    {
        Check.That(Count > 0);
        var ring = _ring;
        var at = _head;
        var place = ring[at];
        if (place.Type == FrontendMessage.Sync) SyncCount--;
        else if (place.Type == FrontendMessage.Query) QueryCount--;
        else if (place.Type == FrontendMessage.Execute) ExecuteCount--;
        PoppedCount++;
        if (--Count == 0) _head = 0;
        else _head = (at + 1) & (ring.Length - 1);
        if (place.Action != ReplyAction.Forward || ring.Length > CapacityKept) return PopRare(place, at);
        return new Request(place.Type, place.Action, place.HasStatement ? TakeStatement(at) : null, place.Kind);
    }

    private Request PopRare(Place place, int at)
    {
        var request = new Request(place.Type, place.Action, place.HasStatement ? TakeStatement(at) : null, place.Kind);
        if (place.Action != ReplyAction.Forward) TallyOwn(request, -1);
        if (Count == 0 && _ring.Length > CapacityKept) Resize(CapacityAtRest);
        return request;
    }

    private Statement TakeStatement(int at)
    {
        var statement = _statements[at]!;
        _statements[at] = null;
        return statement;
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

    /// <summary>
    /// A query of the pooler's own is at the head, or behind the ReadyForQuery that comes next. Far behind the head it is not
    /// looked for.
    /// </summary>
    public bool IsOwnQueryNext()
    {
        var isBehindReady = false;
        for (var i = 0; i < Math.Min(Count, PlacesLookedAt); i++)
        {
            if (this[i] is { Type: FrontendMessage.Query, Kind: RequestKind.Own or RequestKind.OwnInDoubt }) return true;
            if (isBehindReady) return false;
            isBehindReady = EndsWithReadyForQuery(this[i].Type);
        }
        return false;
    }

    private const int PlacesLookedAt = 8;

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

    private readonly record struct Place(byte Type, ReplyAction Action, RequestKind Kind, bool HasStatement);
}
