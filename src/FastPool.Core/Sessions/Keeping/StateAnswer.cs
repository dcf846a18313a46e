using System.Text;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>The answer to a <see cref="StateQuestion"/>.</summary>
/// <param name="State">The part that can travel; null: there is none.</param>
/// <param name="Pin">The reasons why the server must stay with its client; null: none.</param>
/// <param name="Unreported">Values of tracked variables that the server does not report, in their order; null: not set.</param>
internal sealed record StateAnswer(KeptState? State, string? Pin, IReadOnlyList<string?> Unreported)
{
    /// <returns>Null: it is not such a row.</returns>
    internal static StateAnswer? TryRead(ReadOnlySpan<byte> body, string? before, KeptState? known)
    {
        if (!DataRow.TryRead(body, out var row)) return null;
        var columns = new DataRowColumns(row);
        if (!columns.MoveNext()) return null;
        var set = TextOf(columns.Value);
        if (!columns.MoveNext()) return null;
        var prepared = TextOf(columns.Value);
        if (!columns.MoveNext()) return null;
        var undo = TextOf(columns.Value);
        if (!columns.MoveNext()) return null;
        var pin = TextOf(columns.Value);
        if (!columns.MoveNext()) return null;
        var channels = TextOf(columns.Value);
        if (!columns.MoveNext()) return null;
        var reading = TextOf(columns.Value);
        var unreported = new List<string?>();
        while (columns.MoveNext()) unreported.Add(columns.IsNull ? null : TextOf(columns.Value));
        var state = set.Length == 0 && undo.Length == 0 && channels.Length == 0 ? null
            : new KeptState(set, KeptState.PreparedOf(prepared, reading, known), undo) { Channels = channels, Reading = reading };
        if (state is not null && state.Equals(known)) state = known;
        if (before is not null) pin = pin.Length > 0 ? pin + ", " + before : before;
        return new StateAnswer(state, pin.Length > 0 ? pin : null, unreported);
    }

    private static string TextOf(ReadOnlySpan<byte> value) => Encoding.Latin1.GetString(value);
}
