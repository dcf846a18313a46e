using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// "This client listens by this hub." While the client has a server, that listens for it and the hub is silent. A mark tells
/// where one takes over from the other: a notification on a channel that only the pooler knows. Half of it belongs to the
/// client's loop and half to the hub's.
/// </summary>
/// <param name="id">Unlike that of any other of the hub's.</param>
/// <param name="post">Runs something on the client's loop, in the order of the calls.</param>
public sealed class Subscription(ListenHub hub, long id, IListener listener, Action<Action> post)
{
    public ListenHub Hub { get; } = hub;

    internal long Id { get; } = id;

    // ---- on the client's loop ---------------------------------------------------------------------------------------

    private ListenCuts _cuts;
    private bool _isOver;
    private MessageBuffer? _held;

    /// <summary>The number of the last question.</summary>
    public int Asked { get; private set; }

    /// <summary>It is not settled from which connection the next notification comes.</summary>
    public void BeginCut(ListenCuts cut)
    {
        if ((_cuts & cut) != 0) return;
        _cuts |= cut;
        Hub.Pool.Listening.BeginCut();
    }

    public void EndCut(ListenCuts cut)
    {
        if ((_cuts & cut) == 0) return;
        _cuts &= ~cut;
        Hub.Pool.Listening.EndCut();
    }

    private void EndCuts()
    {
        EndCut(ListenCuts.Ask);
        EndCut(ListenCuts.ToHub);
        EndCut(ListenCuts.ToServer);
    }

    /// <summary>The client listens to these channels from now on: <see cref="IListener.OnAnswered"/> follows.</summary>
    public void Ask(IReadOnlyList<string> channels)
    {
        BeginCut(ListenCuts.Ask);
        var number = ++Asked;
        Hub.Post(() => Hub.Take(this, channels, number));
    }

    /// <summary>The client does not listen any more, or is gone.</summary>
    public void Leave()
    {
        if (_isOver) return;
        _isOver = true;
        EndCuts();
        Hub.Post(() => Hub.Remove(this));
    }

    /// <summary>Notifications whose time has not come.</summary>
    /// <returns>Bytes that are held.</returns>
    public int Hold(ReadOnlySpan<byte> messages)
    {
        (_held ??= new MessageBuffer()).Write(messages);
        return _held.Length;
    }

    /// <returns>Null: nothing is held.</returns>
    public MessageBuffer? TakeHeld()
    {
        var held = _held;
        _held = null;
        return held;
    }

    // ---- on the hub's loop ------------------------------------------------------------------------------------------

    internal IReadOnlyList<string> Channels { get; set; } = [];

    /// <summary>The client has no server: the hub tells it.</summary>
    internal bool IsTold { get; set; }

    private MessageBuffer? _pending; // The part of the present delivery that is for the client.

    /// <returns>True: it is the first of this delivery.</returns>
    internal bool Add(ReadOnlySpan<byte> message)
    {
        var isFirst = _pending is null;
        (_pending ??= new MessageBuffer(message.Length)).Write(message);
        return isFirst;
    }

    internal void Tell()
    {
        if (_pending is not { } messages) return;
        _pending = null;
        post(() => listener.OnNotifications(this, messages.WrittenMemory));
    }

    internal void Forget() => _pending = null;

    internal void TellCut()
    {
        Tell();
        post(() => listener.OnCut(this));
    }

    internal void TellBegun() => post(() => listener.OnBegun(this));

    internal void Answer(int number, ListenAnswer answer) => post(() => listener.OnAnswered(this, number, answer));

    internal void TellLost(string reason)
    {
        Tell();
        post(() => listener.OnLost(this, reason));
    }
}

/// <summary>The changes that are under way for one client. One may begin before the end of another has been heard of.</summary>
[Flags]
public enum ListenCuts : byte
{
    None = 0,

    /// <summary>The hub has been asked for channels.</summary>
    Ask = 1,

    /// <summary>The hub is about to tell the client.</summary>
    ToHub = 2,

    /// <summary>The client's server is about to.</summary>
    ToServer = 4,
}
