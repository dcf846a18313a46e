using FastPool.Base;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>What happens to the reply of an outstanding request.</summary>
public enum ReplyAction : byte
{
    /// <summary>It goes to the client.</summary>
    Forward,
    /// <summary>The pooler asked; the client sees nothing.</summary>
    Swallow,
    /// <summary>Nothing was sent to the server: the pooler answers when its turn comes.</summary>
    Fake,
}

/// <summary>A request to a server whose reply is outstanding.</summary>
/// <param name="Type">The frontend message.</param>
/// <param name="Statement">The prepared statement it is about, if it is tracked.</param>
public readonly record struct Request(byte Type, ReplyAction Action, Statement? Statement);

/// <summary>
/// Requests whose replies are outstanding, oldest first. A ring that grows for a long pipeline and is given up when
/// empty again; a simple query uses one place of it.
/// </summary>
public sealed class OutstandingQueue
{
    private const int CapacityAtRest = 8;
    private const int CapacityKept = 256;

    private Request[] _ring = new Request[CapacityAtRest];
    private int _head;

    public int Count { get; private set; }

    public bool IsEmpty => Count == 0;

    /// <summary>How many have left at the head: with an index, the lasting number of a place.</summary>
    public long PoppedCount { get; private set; }

    /// <summary>Replies that the pooler itself will give when their turn comes.</summary>
    public int FakeCount { get; private set; }

    /// <summary>Every reply goes to the client as it comes.</summary>
    public bool IsAllForwarded
    {
        get
        {
            for (var i = 0; i < Count; i++)
            {
                if (this[i].Action != ReplyAction.Forward) return false;
            }
            return true;
        }
    }

    public Request Head => _ring[_head];

    public void Add(byte type, ReplyAction action = ReplyAction.Forward, Statement? statement = null)
    {
        if (action == ReplyAction.Fake) FakeCount++;
        if (Count == _ring.Length) Grow();
        _ring[(_head + Count) & (_ring.Length - 1)] = new Request(type, action, statement);
        Count++;
    }

    public Request Pop()
    {
        Check.That(Count > 0);
        var request = _ring[_head];
        if (request.Action == ReplyAction.Fake) FakeCount--;
        TakeHead();
        while (Count > 0 && IsCopyEnd(_ring[_head].Type)) TakeHead(); // The request it stood behind is through: it belongs to no COPY.
        return request;
    }

    private void TakeHead()
    {
        PoppedCount++;
        _ring[_head] = default;
        _head = (_head + 1) & (_ring.Length - 1);
        if (--Count > 0) return;
        _head = 0;
        if (_ring.Length > CapacityKept) _ring = new Request[CapacityAtRest];
    }

    /// <summary>Pops the head if it is of that type: a reply of the server's that can answer nothing else.</summary>
    public bool TryPop(byte type, out Request request)
    {
        if (Count > 0 && _ring[_head].Type == type)
        {
            request = Pop();
            return true;
        }
        request = default;
        return false;
    }

    /// <summary>Whether a Parse of the statement is under way.</summary>
    public bool Prepares(Statement statement)
    {
        for (var i = 0; i < Count; i++)
        {
            if (this[i] is { Type: FrontendMessage.Parse } request && ReferenceEquals(request.Statement, statement)) return true;
        }
        return false;
    }

    public Request this[int index] => _ring[(_head + index) & (_ring.Length - 1)];

    /// <summary>The first CopyDone or CopyFail; -1: none.</summary>
    public int FindCopyEnd()
    {
        for (var i = 0; i < Count; i++)
        {
            if (IsCopyEnd(this[i].Type)) return i;
        }
        return -1;
    }

    private static bool IsCopyEnd(byte type) => type is FrontendMessage.CopyDone or FrontendMessage.CopyFail;

    /// <summary>Takes out one place; the ones behind it move up. Rare: only COPY's end markers, and Syncs before them.</summary>
    public void RemoveAt(int index)
    {
        Check.That(this[index].Action == ReplyAction.Forward);
        for (var i = index; i < Count - 1; i++) _ring[(_head + i) & (_ring.Length - 1)] = this[i + 1];
        Count--;
    }

    public static bool EndsWithReadyForQuery(byte type) => type is FrontendMessage.Query or FrontendMessage.Sync or FrontendMessage.FunctionCall;

    private void Grow()
    {
        var larger = new Request[_ring.Length * 2];
        for (var i = 0; i < Count; i++) larger[i] = this[i];
        _ring = larger;
        _head = 0;
    }
}
