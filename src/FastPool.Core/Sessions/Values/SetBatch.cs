using System.Text;

namespace FastPool.Core.Sessions;

/// <summary>
/// The one simple Query that brings a server's variables to a client's values. Source: spec, session variables.
/// </summary>
internal static class SetBatch
{
    /// <param name="connectQuery">The query that has made a new server's values what they are; null: none has.</param>
    /// <param name="undo">Takes away what another client has left; null: there is nothing.</param>
    /// <returns>Null when nothing differs.</returns>
    internal static string? Build(TrackedParameters tracked, ParameterValues client, ParameterValues server,
        string? connectQuery = null, string? undo = null)
    {
        var batch = undo is null ? null : new StringBuilder(undo, 512);
        for (var i = 0; i < tracked.Count; i++)
        {
            if (client[i] != ParameterValues.OwnDefault || !client.Differs(server, i)) continue;
            (batch ??= new StringBuilder(128)).Append("RESET ").Append(tracked[i]).Append(';');
        }
        var runsConnectQuery = batch is not null && !string.IsNullOrWhiteSpace(connectQuery);
        if (runsConnectQuery) batch!.Append(connectQuery).Append("\n;");
        for (var i = 0; i < tracked.Count; i++)
        {
            // That query may set any of them.
            var isToSet = runsConnectQuery ? client.IsTold(i) && server[i] is not null : client.Differs(server, i);
            if (client[i] == ParameterValues.OwnDefault || !isToSet) continue;
            batch ??= new StringBuilder(128);
            if (i == TrackedParameters.SearchPath)
            {
                // A list of names, which the server takes apart as it does at a login: nothing in it is SQL.
                batch.Append("SELECT pg_catalog.set_config('search_path',");
                AppendLiteral(batch, client[i]!);
                batch.Append(",false);");
                continue;
            }
            batch.Append("SET ").Append(tracked[i]).Append('=');
            AppendLiteral(batch, client[i]!);
            batch.Append(';');
        }
        return batch?.ToString();
    }

    /// <summary>The batch that brings back the values of a login; no row is in its answer.</summary>
    /// <param name="name">The only one to bring back.</param>
    /// <param name="isAll">All of them.</param>
    /// <returns>Null: there is none.</returns>
    internal static string? Restore(TrackedParameters tracked, ParameterValues login, ReadOnlySpan<byte> name, bool isAll)
    {
        StringBuilder? batch = null;
        var index = tracked.IndexOf(name);
        for (var i = 0; i < tracked.Count; i++)
        {
            if ((!isAll && i != index) || login[i] is not { } value) continue;
            batch ??= new StringBuilder(128);
            if (i == TrackedParameters.SearchPath)
            {
                // As above: a name without quotes may be one that SQL would not take, such as tenant-1.
                batch.Append("SELECT FROM pg_catalog.set_config('search_path',");
                AppendLiteral(batch, value);
                batch.Append(",false) AS c(v) WHERE v IS NULL;");
                continue;
            }
            batch.Append("SET ").Append(tracked[i]).Append('=');
            AppendLiteral(batch, value);
            batch.Append(';');
        }
        return batch?.ToString();
    }

    /// <summary>
    /// The same where nobody knows whether something has been reset: what has a value of the session's own keeps it. One command;
    /// no row is in its answer.
    /// </summary>
    /// <param name="calls">Names in lower case, and the calls of set_config that bring their values back.</param>
    /// <returns>Null: there are none.</returns>
    internal static string? RestoreWhatIsReset(IEnumerable<(string Name, string Call)> calls)
    {
        var cases = string.Join(',', calls.Select(static each => $"CASE WHEN {IsReset(each.Name)} THEN {each.Call} END"));
        if (cases.Length == 0) return null;
        const string Unset = "ARRAY(SELECT pg_catalog.lower(name) FROM pg_catalog.pg_settings "
            + "WHERE source OPERATOR(pg_catalog.<>) 'session')";
        return $"SELECT FROM (SELECT ARRAY[{cases}] AS v FROM (SELECT {Unset} AS a OFFSET 0) AS s) AS c WHERE v IS NULL;";
    }

    /// <summary>Custom variables are not listed: one that has been reset is empty.</summary>
    private static string IsReset(string name) =>
        name.Contains('.') ? $"pg_catalog.current_setting('{name}',true) OPERATOR(pg_catalog.=) ''"
            : $"'{name}' OPERATOR(pg_catalog.=) ANY (a)";

    /// <summary>The calls for <see cref="RestoreWhatIsReset"/>.</summary>
    /// <param name="names">Those that may have been reset. Of others it is not known who has set them last.</param>
    /// <param name="isAll">All may have been.</param>
    internal static IEnumerable<(string Name, string Call)> Calls(
        TrackedParameters tracked, ParameterValues login, List<string> names, bool isAll)
    {
        for (var i = 0; i < tracked.Count; i++)
        {
            if (login[i] is not { } value) continue;
            if (!isAll && !names.Contains(tracked[i], StringComparer.OrdinalIgnoreCase)) continue;
            var call = new StringBuilder($"pg_catalog.set_config('{tracked[i]}',");
            AppendLiteral(call, value);
            yield return (tracked[i].ToLowerInvariant(), call.Append(",false)").ToString());
        }
    }

    internal static void AppendLiteral(StringBuilder batch, string value)
    {
        var hasBackslash = value.Contains('\\');
        if (hasBackslash) batch.Append('E');
        batch.Append('\'');
        foreach (var c in value)
        {
            if (c == '\'' || c == '\\') batch.Append(c);
            batch.Append(c);
        }
        batch.Append('\'');
    }
}
