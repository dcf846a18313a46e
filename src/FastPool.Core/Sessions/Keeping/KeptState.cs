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
    }

    internal static KeptState? Read(BinaryReader from) =>
        from.ReadBoolean() ? new KeptState(from.ReadString(), from.ReadString(), from.ReadString()) : null;
}
