using FastPool.Base;

namespace FastPool.Core.Pools;

/// <summary>
/// Where a server connection is in its pool's books; PgBouncer's names, as SHOW POOLS counts them (sv_*). Written in the pool's
/// turn.
/// </summary>
public enum ServerState : byte
{
    /// <summary>Connecting or logging in.</summary>
    Login,
    /// <summary>Ready for the next client.</summary>
    Idle,
    /// <summary>Idle longer than server_check_delay: needs the check query first.</summary>
    Used,
    /// <summary>Running the reset or the check query.</summary>
    Tested,
    /// <summary>Linked to a client, or on its way to one.</summary>
    Active,
    /// <summary>Done with its query, held back until cancel requests aimed at it are through.</summary>
    BeingCanceled,
    /// <summary>Told to close; its owner has not done so yet.</summary>
    Closing,
    /// <summary>In no book any more.</summary>
    Gone,
}

/// <summary>The work of a server connection, as far as its replies go. Written by the loop that owns it.</summary>
public enum ServerPhase : byte
{
    Login,
    /// <summary>Without a client: only notifications are in place.</summary>
    Free,
    /// <summary>Between two loops: neither reads from it.</summary>
    Moving,
    /// <summary>Running the SET batch for the client just linked.</summary>
    SettingParameters,
    Linked,
    /// <summary>Linked, and asked for the state of the session that the client's last transaction has left.</summary>
    Questioned,
    /// <summary>
    /// Linked to a client that listens: its notifications go over to the pool's listening connection, or it becomes that itself.
    /// </summary>
    Unlistening,
    /// <summary>The pool's listening connection.</summary>
    Listening,
    /// <summary>
    /// Its client has gone in the middle of something: what is left of that is canceled, read past and rolled back.
    /// </summary>
    Abandoned,
    /// <summary>Running the reset query, which must succeed.</summary>
    Resetting,
    /// <summary>Running the check query, which only has to be answered.</summary>
    Checking,
    /// <summary>Answering an auth_query.</summary>
    Asked,
}

/// <summary>
/// The events of a server. The first group is decided in the pool's turn and changes its state, the second on its loop and
/// changes its phase.
/// </summary>
public enum ServerEvent : byte
{
    None,

    /// <summary>A client gets it.</summary>
    Grant,
    /// <summary>No client wants it: it waits for the next one.</summary>
    Rest,
    /// <summary>
    /// It has rested for so long, or is to be looked at so often, that it must be checked before its next client.
    /// </summary>
    SetAside,
    /// <summary>It runs a query of the pooler's own.</summary>
    Test,
    /// <summary>Cancel requests aimed at it must be through first.</summary>
    AwaitCancels,
    /// <summary>An earlier process has left it, linked.</summary>
    AdoptLinked,
    /// <summary>An earlier process has left it, free.</summary>
    AdoptFree,
    Close,
    /// <summary>It is closed.</summary>
    Remove,

    LogIn,
    /// <summary>Leaves for another loop.</summary>
    Leave,
    Arrive,
    Link,
    /// <summary>Linked, but the client's variables must be set first.</summary>
    LinkAndSet,
    ParametersSet,
    /// <summary>It is asked for its session's state.</summary>
    AskState,
    /// <summary>That is answered.</summary>
    StateTold,
    /// <summary>Its client's notifications are to come from the pool's listening connection.</summary>
    Unlisten,
    /// <summary>That is through, or has failed.</summary>
    Unlistened,
    /// <summary>It becomes the pool's listening connection.</summary>
    Listen,
    /// <summary>No client listens any more.</summary>
    ListenOver,
    /// <summary>The link is over.</summary>
    Part,
    /// <summary>The client has gone in the middle of something, and the server is to be kept.</summary>
    Abandon,
    /// <summary>Nothing of that is left.</summary>
    RolledBack,
    Reset,
    Check,
    /// <summary>The query of the pooler's own is answered.</summary>
    TestDone,
    Ask,
    AskDone,
}

/// <summary>
/// The life of a server connection: one table for all that may happen to it and when. It has two halves, because two threads
/// write them: the pool's turn knows where a server is (<see cref="ServerState"/>), the owner's loop what it does (<see
/// cref="ServerPhase"/>). src/ARCHITECTURE.md shows the table; what is not in it is a mistake of ours.
/// </summary>
public static class ServerLife
{
    private static readonly Row<ServerState>[] StateRows =
    [
        new(ServerEvent.Grant, ServerState.Active,
            [ServerState.Login, ServerState.Idle, ServerState.Tested, ServerState.Active, ServerState.BeingCanceled]),
        new(ServerEvent.Rest, ServerState.Idle,
            [ServerState.Login, ServerState.Tested, ServerState.Active, ServerState.BeingCanceled]),
        new(ServerEvent.SetAside, ServerState.Used, [ServerState.Idle, ServerState.Active, ServerState.BeingCanceled]),
        new(ServerEvent.Test, ServerState.Tested, [ServerState.Used, ServerState.Active, ServerState.BeingCanceled]),
        new(ServerEvent.AwaitCancels, ServerState.BeingCanceled, [ServerState.Active]),
        new(ServerEvent.AdoptLinked, ServerState.Active, [ServerState.Login]),
        new(ServerEvent.AdoptFree, ServerState.Tested, [ServerState.Login]),
        new(ServerEvent.Close, ServerState.Closing,
            [ServerState.Login, ServerState.Idle, ServerState.Used, ServerState.Tested, ServerState.Active,
            ServerState.BeingCanceled]),
        new(ServerEvent.Remove, ServerState.Gone,
            [ServerState.Login, ServerState.Idle, ServerState.Used, ServerState.Tested, ServerState.Active,
            ServerState.BeingCanceled, ServerState.Closing]),
    ];

    private static readonly Row<ServerPhase>[] PhaseRows =
    [
        new(ServerEvent.LogIn, ServerPhase.Free, [ServerPhase.Login]),
        new(ServerEvent.Leave, ServerPhase.Moving, [ServerPhase.Free]),
        new(ServerEvent.Arrive, ServerPhase.Free, [ServerPhase.Moving]),
        new(ServerEvent.Link, ServerPhase.Linked, [ServerPhase.Free]),
        new(ServerEvent.LinkAndSet, ServerPhase.SettingParameters, [ServerPhase.Free]),
        new(ServerEvent.ParametersSet, ServerPhase.Linked, [ServerPhase.SettingParameters]),
        new(ServerEvent.AskState, ServerPhase.Questioned, [ServerPhase.Linked]),
        new(ServerEvent.StateTold, ServerPhase.Linked, [ServerPhase.Questioned]),
        new(ServerEvent.Unlisten, ServerPhase.Unlistening, [ServerPhase.Linked]),
        new(ServerEvent.Unlistened, ServerPhase.Linked, [ServerPhase.Unlistening]),
        new(ServerEvent.Listen, ServerPhase.Listening, [ServerPhase.Free]),
        new(ServerEvent.ListenOver, ServerPhase.Free, [ServerPhase.Listening]),
        new(ServerEvent.Part, ServerPhase.Free,
            [ServerPhase.Linked, ServerPhase.SettingParameters, ServerPhase.Questioned, ServerPhase.Unlistening]),
        new(ServerEvent.Abandon, ServerPhase.Abandoned,
            [ServerPhase.Linked, ServerPhase.SettingParameters, ServerPhase.Questioned]),
        new(ServerEvent.RolledBack, ServerPhase.Free, [ServerPhase.Abandoned]),
        new(ServerEvent.Reset, ServerPhase.Resetting, [ServerPhase.Free]),
        new(ServerEvent.Check, ServerPhase.Checking, [ServerPhase.Free]),
        new(ServerEvent.TestDone, ServerPhase.Free, [ServerPhase.Resetting, ServerPhase.Checking]),
        new(ServerEvent.Ask, ServerPhase.Asked, [ServerPhase.Free]),
        new(ServerEvent.AskDone, ServerPhase.Free, [ServerPhase.Asked]),
    ];

    private static readonly Move[] StateMoves = Compile(StateRows);
    private static readonly Move[] PhaseMoves = Compile(PhaseRows);

    /// <summary>The state behind an event.</summary>
    /// <exception cref="CheckFailedException">The event has no place in this state.</exception>
    public static ServerState Next(ServerState from, ServerEvent what) => (ServerState)Next(StateMoves, (byte)from, what, from);

    /// <summary>The phase behind an event.</summary>
    /// <exception cref="CheckFailedException">The event has no place in this phase.</exception>
    public static ServerPhase Next(ServerPhase from, ServerEvent what) => (ServerPhase)Next(PhaseMoves, (byte)from, what, from);

    /// <summary>The rows as text, a line each: event, where it may come from, where it leads.</summary>
    public static IEnumerable<(ServerEvent Event, string From, string To)> Table =>
        [.. StateRows.Select(static row => row.AsText), .. PhaseRows.Select(static row => row.AsText)];

    private static byte Next<T>(Move[] moves, byte from, ServerEvent what, T shown)
    {
        ref readonly var move = ref moves[(int)what];
        if ((move.From >> from & 1) == 0) Check.Fail($"{typeof(T).Name} {shown} knows no {what}");
        return move.To;
    }

    private static Move[] Compile<T>(Row<T>[] rows)
        where T : struct, Enum
    {
        var moves = new Move[Enum.GetValues<ServerEvent>().Length];
        foreach (var row in rows) moves[(int)row.Event] =
            new Move(row.From.Aggregate(0, static (mask, from) => mask | 1 << Convert.ToInt32(from)), Convert.ToByte(row.To));
        return moves;
    }

    private readonly record struct Move(int From, byte To);

    private readonly record struct Row<T>(ServerEvent Event, T To, T[] From)
        where T : struct, Enum
    {
        internal (ServerEvent Event, string From, string To) AsText => (Event, string.Join(", ", From), To.ToString());
    }
}
