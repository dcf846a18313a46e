using System.Text;

namespace FastPool.Core.Sessions;

/// <summary>
/// The query that asks a server for the state of its session. Every name in it is qualified, and so is every operator, so that no
/// client's search_path decides what it means. Its answer is one row, <see cref="StateAnswer"/>.
/// </summary>
internal static class StateQuestion
{
    /// <summary>
    /// Short for the length of the lines: pg. is pg_catalog., and an operator between brackets is the one of that schema.
    /// Columns: the commands that set the state, those that prepare, those that take it away; the reasons why it cannot leave
    /// this server; the channels that it listens to. Then the SELECT that brings back what a PREPARE of this moment is read
    /// under, and the variables that are not reported.
    /// </summary>
    private const string Template = """
        WITH a AS (SELECT name, setting FROM pg.pg_settings WHERE source [=] 'session'),
        s AS (SELECT name, LITERAL(setting) AS value, LITERAL(name) AS var
            FROM (SELECT name, setting FROM a WHERE pg.lower(name) [<>] ALL (APART)
                UNION ALL SELECT n, pg.current_setting(n, true) FROM pg.unnest(CUSTOM) AS c(n)
                    WHERE pg.current_setting(n, true) [<>] '') AS listed_and_custom),
        p AS (SELECT name, statement, statement COLLATE pg."C" [~*] E'^\\s*prepare\\s[^;]*;?\\s*$'
                AND statement COLLATE pg."C" [~] E'^[\\t\\n\\r -~]*$' AND name COLLATE pg."C" [~] '^[ -~]*$' AS travels
            FROM pg.pg_prepared_statements WHERE from_sql),
        r AS (SELECT pg.current_setting('role') AS role WHERE pg.current_setting('role') [<>] 'none'),
        u AS (SELECT 'search_path' AS name, coalesce((SELECT pg.string_agg(pg.quote_ident(schema), ',' ORDER BY place)
                FROM pg.unnest(pg.current_schemas(false)) WITH ORDINALITY AS path(schema, place)), '') AS held
            UNION ALL SELECT n, pg.current_setting(n) FROM pg.unnest(READING) AS v(n)),
        l AS (SELECT c, c COLLATE pg."C" [~] '^[ -~]*$' AS travels FROM pg.pg_listening_channels() AS listening(c))
        SELECT
        pg.concat(
            (SELECT pg.string_agg(pg.concat('SELECT pg.set_config(', var, ',', value, ',false);'), '' ORDER BY name) FROM s),
            (SELECT pg.concat('SELECT pg.set_config(''role'',', LITERAL(role), ',false);') FROM r)),
        (SELECT pg.string_agg(pg.concat(E'\x01', statement), '' ORDER BY name) FROM p WHERE travels),
        pg.concat(
            (SELECT 'RESET ROLE;' FROM r),
            (SELECT pg.string_agg(pg.concat('SELECT pg.set_config(', var, ',NULL,false);'), '' ORDER BY name) FROM s),
            (SELECT pg.string_agg(pg.concat('DEALLOCATE ', pg.quote_ident(name), ';'), '' ORDER BY name) FROM p WHERE travels)),
        pg.concat_ws(', ',
            CASE WHEN EXISTS (SELECT FROM pg.pg_depend WHERE pg.pg_my_temp_schema() [<>] 0
                AND refclassid [=] 'pg.pg_namespace'::pg.regclass AND refobjid [=] pg.pg_my_temp_schema())
                THEN 'temporary table' END,
            CASE WHEN EXISTS (SELECT FROM pg.pg_locks WHERE locktype [=] 'advisory' AND pid [=] pg.pg_backend_pid())
                THEN 'advisory lock' END,
            CASE WHEN EXISTS (SELECT FROM pg.pg_cursors WHERE is_holdable) THEN 'held cursor' END,
            CASE WHEN EXISTS (SELECT FROM l WHERE NOT travels) THEN 'LISTEN' END,
            CASE WHEN EXISTS (SELECT FROM p WHERE travels IS NOT TRUE) THEN 'prepared statement' END,
            CASE WHEN pg.current_setting('fastpool.pin', true) [=] ANY ('{on,true,1,yes}'::pg.text[]) THEN 'fastpool.pin' END),
        (SELECT pg.string_agg(pg.concat(E'\x01', c), '' ORDER BY c COLLATE pg."C") FROM l WHERE travels),
        CASE WHEN EXISTS (SELECT FROM p WHERE travels) THEN (SELECT pg.concat('SELECT ',
            pg.string_agg(pg.concat('pg.set_config(''', name, ''',', LITERAL(held), ',true)'), ',' ORDER BY name)) FROM u) END
        """;

    /// <summary>A value as an expression in printable ASCII, whatever its encoding is.</summary>
    private const string Literal = """
        CASE WHEN @ COLLATE pg."C" [~] '^[ -~]*$' THEN pg.quote_literal(@) ELSE pg.format('pg.convert_from(pg.decode(%L,%L),%L)',
            pg.encode(pg.convert_to(@, pg.getdatabaseencoding()), 'hex'), 'hex', pg.getdatabaseencoding()) END
        """;

    /// <summary>They have the session as their source when SET TRANSACTION is used without one.</summary>
    private static readonly string[] OfTransaction =
        ["transaction_read_only", "transaction_isolation", "transaction_deferrable"];

    /// <summary>
    /// With the schemas that are searched, they decide what the text of a PREPARE means: its names, and the constants in it.
    /// </summary>
    private static readonly string[] Reading = ["role", "DateStyle", "IntervalStyle", "TimeZone", "standard_conforming_strings"];

    /// <param name="names">Custom variables to ask for.</param>
    /// <param name="isUnreported">Of a tracked variable: the server does not tell its changes.</param>
    internal static string Build(TrackedParameters tracked, CustomNames names, Func<int, bool> isUnreported)
    {
        var apart = Enumerable.Range(0, tracked.Count).Select(index => tracked[index].ToLowerInvariant()).Concat(OfTransaction);
        var text = new StringBuilder(Template);
        for (var i = 0; i < tracked.Count; i++)
        {
            if (!isUnreported(i)) continue;
            var name = Quoted(tracked[i].ToLowerInvariant());
            text.Append(tracked[i].Contains('.')
                ? $",\n(SELECT v FROM pg.current_setting({name}, true) AS c(v) WHERE v [<>] '')"
                : $",\n(SELECT setting FROM a WHERE pg.lower(name) [=] {name})");
        }
        foreach (var column in (string[])["setting", "name", "role", "held"])
            text.Replace($"LITERAL({column})", Literal.Replace("@", column, StringComparison.Ordinal));
        return text
            .Replace("[<>]", "OPERATOR(pg.<>)").Replace("[=]", "OPERATOR(pg.=)")
            .Replace("[~*]", "OPERATOR(pg.~*)").Replace("[~]", "OPERATOR(pg.~)")
            .Replace("pg.", "pg_catalog.")
            .Replace("READING", ArrayOf(Reading))
            .Replace("APART", ArrayOf(apart))
            .Replace("CUSTOM", ArrayOf(names.Sorted.Except(apart)))
            .ToString();
    }

    private static string ArrayOf(IEnumerable<string> names) =>
        $"ARRAY[{string.Join(',', names.Select(Quoted))}]::pg_catalog.text[]";

    private static string Quoted(string text) => "'" + text.Replace("'", "''", StringComparison.Ordinal) + "'";
}
