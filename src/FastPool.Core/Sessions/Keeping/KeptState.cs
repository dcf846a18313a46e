namespace FastPool.Core.Sessions;

/// <summary>
/// The session state of a client that goes with it from server to server, beside the tracked variables: settings, role,
/// statements prepared by SQL. PostgreSQL itself has written both texts. Immutable; a client and a server with the same one fit.
/// </summary>
/// <param name="Set">The commands that bring it to a server, one char a byte, all of them printable ASCII.</param>
/// <param name="Prepared">
/// PREPARE commands, each behind a <see cref="Mark"/>. PostgreSQL shows the message in which one came, so each comes in its own.
/// </param>
/// <param name="Undo">The commands that take it away again.</param>
public sealed record KeptState(string Set, string Prepared, string Undo)
{
    /// <summary>
    /// The channels that it listens to, each behind a <see cref="Mark"/>; empty: none. A client that has some is told by its
    /// server while it has one, and else by its pool's listening connection.
    /// </summary>
    public string Channels { get; init; } = "";

    public bool IsListening => Channels.Length > 0;

    public string[] ChannelNames => Channels.Split(Mark, StringSplitOptions.RemoveEmptyEntries);

    /// <summary>As it is on a server that does not listen for the client any more; null: nothing is left.</summary>
    internal KeptState? WithoutChannels => Set.Length == 0 && Undo.Length == 0 ? null : this with { Channels = "" };

    /// <summary>In no command that can travel.</summary>
    internal const char Mark = '\u0001';

    /// <summary>Nothing, where connect_query must run again before another client.</summary>
    internal static KeptState Nothing { get; } = new("", "", "");

    internal IEnumerable<string> PrepareCommands => Prepared.Split(Mark, StringSplitOptions.RemoveEmptyEntries);

    internal static bool AreSame(KeptState? one, KeptState? other) =>
        ReferenceEquals(one, other) || (one is not null && one.Equals(other));

    /// <summary>For another process.</summary>
    internal static void Write(BinaryWriter to, KeptState? state)
    {
        to.Write(state is not null);
        if (state is null) return;
        to.Write(state.Set);
        to.Write(state.Prepared);
        to.Write(state.Undo);
        to.Write(state.Channels);
    }

    internal static KeptState? Read(BinaryReader from) =>
        from.ReadBoolean()
            ? new KeptState(from.ReadString(), from.ReadString(), from.ReadString()) { Channels = from.ReadString() } : null;
}
