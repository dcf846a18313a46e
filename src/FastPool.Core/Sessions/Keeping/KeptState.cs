namespace FastPool.Core.Sessions;

/// <summary>
/// The session state of a client that goes with it from server to server, beside the tracked variables: settings, role,
/// statements prepared by SQL. PostgreSQL itself has written both texts. Immutable; a client and a server with the same one fit.
/// </summary>
/// <param name="Set">The commands that bring it to a server, one char a byte, all of them printable ASCII.</param>
/// <param name="Prepared">
/// PREPARE commands. Each stands behind a <see cref="Mark"/>, what it was read under, and a <see cref="Split"/>.
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

    /// <summary>
    /// A SELECT that sets, for one transaction, all that the client's next PREPARE is read under (search_path, role, …). Empty
    /// where nothing is prepared.
    /// </summary>
    public string Reading { get; init; } = "";

    /// <summary>In no command that can travel.</summary>
    internal const char Mark = '\u0001';

    /// <summary>In no command that can travel either.</summary>
    internal const char Split = '\u0002';

    /// <summary>Nothing, where connect_query must run again before another client.</summary>
    internal static KeptState Nothing { get; } = new("", "", "");

    /// <summary>
    /// The messages that make the prepared statements. PostgreSQL shows the message in which a PREPARE came, so each comes in one
    /// of its own. The client may have gone on to another search_path, say: its statement still means the same.
    /// </summary>
    internal IEnumerable<string> PrepareMessages()
    {
        foreach (var (reading, command) in PreparedUnder(Prepared))
        {
            var isAsNow = reading == Reading;
            if (!isAsNow) yield return "BEGIN ISOLATION LEVEL READ COMMITTED;" + reading;
            yield return command;
            if (!isAsNow) yield return "COMMIT";
        }
    }

    /// <summary>For a comparison: some PREPARE commands have failed, and what has their text now is new.</summary>
    /// <param name="commands">Null: none.</param>
    internal KeptState Without(IReadOnlyCollection<string>? commands) =>
        commands is null ? this : this with
        {
            Prepared = string.Concat(PreparedUnder(Prepared).Where(entry => !commands.Contains(entry.Command))
                .Select(static entry => $"{Mark}{entry.Reading}{Split}{entry.Command}")),
        };

    private static IEnumerable<(string Reading, string Command)> PreparedUnder(string prepared)
    {
        foreach (var entry in prepared.Split(Mark, StringSplitOptions.RemoveEmptyEntries))
        {
            var at = entry.IndexOf(Split, StringComparison.Ordinal);
            yield return (entry[..at], entry[(at + 1)..]);
        }
    }

    /// <summary>A server's list of PREPARE commands, as <see cref="Prepared"/>.</summary>
    /// <param name="commands">Each behind a <see cref="Mark"/>.</param>
    /// <param name="reading">As <see cref="Reading"/>, for commands that are new.</param>
    /// <param name="known">The state before, whose commands stay what they were; null: none.</param>
    internal static string PreparedOf(string commands, string reading, KeptState? known)
    {
        if (commands.Length == 0) return "";
        var before = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (old, command) in PreparedUnder(known?.Prepared ?? "")) before[command] = old;
        return string.Concat(commands.Split(Mark, StringSplitOptions.RemoveEmptyEntries)
            .Select(command => $"{Mark}{before.GetValueOrDefault(command, reading)}{Split}{command}"));
    }

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
        to.Write(state.Reading);
    }

    internal static KeptState? Read(BinaryReader from) =>
        from.ReadBoolean()
            ? new KeptState(from.ReadString(), from.ReadString(), from.ReadString())
            {
                Channels = from.ReadString(),
                Reading = from.ReadString(),
            }
            : null;
}
