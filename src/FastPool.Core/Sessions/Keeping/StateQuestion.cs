using System.Text;
using FastPool.Base;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// The query that asks a server for the state of its session, and its answer: one row. Every name in it is qualified, and so is every
/// operator, so that no client's search_path decides what it means. PostgreSQL writes the commands that bring the state back.
/// </summary>
internal static class StateQuestion
{
    private const int CacheMax = 64;

    /// <summary>Behind what a client has prepared by SQL; one that is not so simple cannot be told apart from other commands.</summary>
    private const string CanTravel =
        "statement COLLATE \"C\" OPERATOR(pg_catalog.~*) '^\\s*prepare\\s[^;]*;?\\s*$' "
        + "AND statement COLLATE \"C\" OPERATOR(pg_catalog.~) '^[\\t\\n\\r -~]*$' "
        + "AND name COLLATE \"C\" OPERATOR(pg_catalog.~) '^[ -~]*$'";

    /// <summary>A value as an expression in printable ASCII, whatever its encoding is.</summary>
    private const string Literal =
        "CASE WHEN {0} COLLATE \"C\" OPERATOR(pg_catalog.~) '^[ -~]*$' THEN pg_catalog.quote_literal({0}) ELSE "
        + "pg_catalog.format('pg_catalog.convert_from(pg_catalog.decode(%L,%L),%L)', pg_catalog.encode(pg_catalog.convert_to({0}, "
        + "pg_catalog.getdatabaseencoding()), 'hex'), 'hex', pg_catalog.getdatabaseencoding()) END";

    /// <param name="context">Keeps the texts that it has made.</param>
    /// <param name="names">Custom variables to ask for.</param>
    /// <param name="isUnreported">Of a tracked variable: the server does not tell its changes.</param>
    internal static byte[] TextOf(SessionContext context, CustomNames names, ulong reported, Func<int, bool> isUnreported)
    {
        var texts = context.StateQuestions;
        if (texts.TryGetValue((names, reported), out var text)) return text;
        if (texts.Count >= CacheMax) texts.Clear();
        return texts[(names, reported)] = Encoding.Latin1.GetBytes(Build(context.Tracked, names, isUnreported));
    }

    private static string Build(TrackedParameters tracked, CustomNames names, Func<int, bool> isUnreported)
    {
        var apart = Enumerable.Range(0, tracked.Count).Select(index => tracked[index].ToLowerInvariant()).ToHashSet();
        apart.UnionWith(OfTransaction);
        var custom = names.Sorted.Where(name => !apart.Contains(name)).ToList();
        var text = new StringBuilder(2048)
            .Append("WITH a AS (SELECT name, setting FROM pg_catalog.pg_settings WHERE source OPERATOR(pg_catalog.=) 'session'),")
            .Append("s AS (SELECT name, ").AppendFormat(null, CompositeLiteral, "setting").Append(" AS value, ")
            .AppendFormat(null, CompositeLiteral, "name").Append(" AS var FROM (SELECT name, setting FROM a WHERE pg_catalog.lower(name) ")
            .Append("OPERATOR(pg_catalog.<>) ALL (").Append(ArrayOf(apart.Order(StringComparer.Ordinal))).Append(')');
        if (custom.Count > 0)
        {
            text.Append(" UNION ALL SELECT n, pg_catalog.current_setting(n, true) FROM pg_catalog.unnest(").Append(ArrayOf(custom))
                .Append(") AS c(n) WHERE pg_catalog.current_setting(n, true) OPERATOR(pg_catalog.<>) ''");
        }
        text.Append(") AS both_kinds),")
            .Append("p AS (SELECT name, statement, (").Append(CanTravel)
            .Append(") AS travels FROM pg_catalog.pg_prepared_statements WHERE from_sql),")
            .Append("r AS (SELECT CASE WHEN pg_catalog.current_setting('role') OPERATOR(pg_catalog.<>) 'none' ")
            .Append("THEN pg_catalog.current_setting('role') END AS role),")
            .Append("t AS (SELECT ").AppendFormat(null, CompositeLiteral, "role").Append(" AS value FROM r WHERE role IS NOT NULL)")
            // The commands that set it.
            .Append("SELECT pg_catalog.concat((SELECT pg_catalog.string_agg(pg_catalog.concat('SELECT pg_catalog.set_config(', var, ',', value, ")
            .Append("',false);'), '' ORDER BY name) FROM s), ")
            .Append("(SELECT pg_catalog.concat('SELECT pg_catalog.set_config(''role'',', value, ',false);') FROM t)),")
            .Append("(SELECT pg_catalog.string_agg(pg_catalog.concat(E'\\x01', statement), '' ORDER BY name) FROM p WHERE travels),")
            // The commands that take it away.
            .Append("pg_catalog.concat((SELECT 'RESET ROLE;' FROM t), (SELECT pg_catalog.string_agg(pg_catalog.concat('SELECT ")
            .Append("pg_catalog.set_config(', var, ',NULL,false);'), '' ORDER BY name) FROM s), (SELECT pg_catalog.string_agg(")
            .Append("pg_catalog.concat('DEALLOCATE ', pg_catalog.quote_ident(name), ';'), '' ORDER BY name) FROM p WHERE travels)),")
            // The reasons why it cannot leave this server.
            .Append("pg_catalog.concat_ws(', ',")
            .Append("CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_depend WHERE pg_catalog.pg_my_temp_schema() OPERATOR(pg_catalog.<>) 0 AND ")
            .Append("refclassid OPERATOR(pg_catalog.=) 2615 AND refobjid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()) ")
            .Append("THEN 'temporary table' END,")
            .Append("CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype OPERATOR(pg_catalog.=) 'advisory' AND ")
            .Append("pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()) THEN 'advisory lock' END,")
            .Append("CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_cursors WHERE is_holdable) THEN 'held cursor' END,")
            .Append("CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_listening_channels()) THEN 'LISTEN' END,")
            .Append("CASE WHEN EXISTS (SELECT FROM p WHERE travels IS NOT TRUE) THEN 'prepared statement' END,")
            .Append("CASE WHEN pg_catalog.current_setting('fastpool.pin', true) OPERATOR(pg_catalog.=) ANY ('{on,true,1,yes}') ")
            .Append("THEN 'fastpool.pin' END)");
        for (var i = 0; i < tracked.Count; i++)
        {
            if (!isUnreported(i)) continue;
            var name = QuoteLiteral(tracked[i].ToLowerInvariant());
            if (tracked[i].Contains('.')) text.Append(", (SELECT v FROM pg_catalog.current_setting(").Append(name)
                .Append(", true) AS c(v) WHERE v OPERATOR(pg_catalog.<>) '')");
            else text.Append(", (SELECT setting FROM a WHERE pg_catalog.lower(name) OPERATOR(pg_catalog.=) ").Append(name).Append(')');
        }
        return text.ToString();
    }

    /// <summary>They have the session as their source when SET TRANSACTION is used without one.</summary>
    private static readonly string[] OfTransaction = ["transaction_read_only", "transaction_isolation", "transaction_deferrable"];

    private static readonly CompositeFormat CompositeLiteral = CompositeFormat.Parse(Literal);

    private static string ArrayOf(IEnumerable<string> names) =>
        "ARRAY[" + string.Join(',', names.Select(QuoteLiteral)) + "]::pg_catalog.text[]";

    private static string QuoteLiteral(string text) => "'" + text.Replace("'", "''", StringComparison.Ordinal) + "'";
}

/// <summary>The answer to a <see cref="StateQuestion"/>.</summary>
/// <param name="State">What can travel; null: nothing.</param>
/// <param name="Pin">The reasons why the server must stay with its client; null: none.</param>
/// <param name="Unreported">The values of tracked variables that the server does not report, in their order; null: not set.</param>
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
        var unreported = new List<string?>();
        while (columns.MoveNext()) unreported.Add(columns.IsNull ? null : TextOf(columns.Value));
        var state = set.Length == 0 && undo.Length == 0 ? null : new KeptState(set, prepared, undo);
        if (state is not null && state.Equals(known)) state = known;
        if (before is not null) pin = pin.Length > 0 ? pin + ", " + before : before;
        return new StateAnswer(state, pin.Length > 0 ? pin : null, unreported);
    }

    private static string TextOf(ReadOnlySpan<byte> value) => Encoding.Latin1.GetString(value);
}
