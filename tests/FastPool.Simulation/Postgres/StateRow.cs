using System.Text.RegularExpressions;

namespace FastPool.Simulation.Postgres;

/// <summary>
/// The answer of a server to the pooler's question for the state of its session, as the text of the question wants it.
/// </summary>
internal static partial class StateRow
{
    /// <param name="leak">Some of it is left out.</param>
    internal static List<string?> Of(string question, Session session, Leak leak)
    {
        var apart = NamesIn(Apart().Match(question));
        var custom = NamesIn(Custom().Match(question));
        if (apart.Count == 0) throw new SimulationException("the question has no list of variables that stand apart");
        var values = session.Values;
        var settings = values.Keys
            .Where(name => !name.Contains('.') && name is not (Variables.Role or Variables.SessionAuthorization))
            .Where(name => !apart.Contains(name.ToLowerInvariant()))
            .Concat(custom.Where(name => session[name].Length > 0)).Order(StringComparer.Ordinal).ToList();
        var travelling = session.Prepared.Where(static pair => Travels().IsMatch(pair.Value.Message)).ToList();
        var role = session[Variables.Role];
        if (leak == Leak.Settings) settings.Clear();
        if (leak == Leak.Prepared) travelling.Clear();
        var set = string.Concat(settings.Select(name => Call(name, SqlText.Literal(session[name]))));
        var undo = string.Concat(settings.Select(static name => Call(name, "NULL")));
        if (role != "none")
        {
            set += Call("role", SqlText.Literal(role));
            undo = "RESET ROLE;" + undo;
        }
        undo += string.Concat(travelling.Select(static pair => $"DEALLOCATE {pair.Key};"));
        return
        [
            set, string.Concat(travelling.Select(static pair => "\u0001" + pair.Value.Message)), undo,
            leak == Leak.Pins ? "" : string.Join(", ", PinsOf(session)),
            null, // Nobody listens here.
            null, // A text means the same under all settings.
            .. Unreported().Matches(question).Select(match => leak == Leak.Unreported ? null
                : values.GetValueOrDefault(Variables.NameOf(match.Groups[1].Value))),
        ];
    }

    private static string Call(string name, string value) => $"SELECT pg_catalog.set_config('{name}',{value},false);";

    private static IEnumerable<string> PinsOf(Session session)
    {
        if (session.Tables.Count > 0) yield return "temporary table";
        if (session.Locks.Count > 0) yield return "advisory lock";
        if (session.HeldCursors.Count > 0) yield return "held cursor";
        var isStuck = session.Prepared.Values.Any(static prepared => !Travels().IsMatch(prepared.Message));
        if (isStuck) yield return "prepared statement";
        if (session["fastpool.pin"] is "on" or "true" or "1" or "yes") yield return "fastpool.pin";
    }

    private static List<string> NamesIn(Match list) =>
        [.. Names().Matches(list.Groups[1].Value).Select(static match => match.Groups[1].Value.Replace("''", "'"))];

    [GeneratedRegex(@"ALL \(ARRAY\[(.*?)\]::pg_catalog\.text\[\]\)")]
    private static partial Regex Apart();

    [GeneratedRegex(@"unnest\(ARRAY\[(.*?)\]::pg_catalog\.text\[\]\)")]
    private static partial Regex Custom();

    [GeneratedRegex("'((?:[^']|'')*)'")]
    private static partial Regex Names();

    [GeneratedRegex(@"\(SELECT setting FROM a WHERE pg_catalog\.lower\(name\) OPERATOR\(pg_catalog\.=\) '([^']*)'\)")]
    private static partial Regex Unreported();

    [GeneratedRegex(@"^\s*prepare\s[^;]*;?\s*$", RegexOptions.IgnoreCase)]
    private static partial Regex Travels();
}
