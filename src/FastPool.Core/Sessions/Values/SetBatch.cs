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
            batch.Append("SET ").Append(tracked[i]).Append('=');
            if (i == TrackedParameters.SearchPath) AppendList(batch, value);
            else AppendLiteral(batch, value);
            batch.Append(';');
        }
        return batch?.ToString();
    }

    /// <summary>A list of names, each of them quoted. Source: PostgreSQL, search_path.</summary>
    private static void AppendList(StringBuilder batch, string list)
    {
        var before = batch.Length;
        var scanner = new SqlScanner(Encoding.Latin1.GetBytes(list), hasBackslashes: false);
        for (var kind = scanner.Next(); kind != SqlToken.End; kind = scanner.Next())
        {
            if (kind is not (SqlToken.Word or SqlToken.QuotedName)) continue;
            if (batch.Length > before) batch.Append(',');
            var name = Encoding.Latin1.GetString(SqlScanner.NameOf(kind, scanner.Token));
            batch.Append('"').Append(name.Replace("\"", "\"\"", StringComparison.Ordinal)).Append('"');
        }
        if (batch.Length == before) batch.Append("''");
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
