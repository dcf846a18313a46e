using System.Text;

namespace FastPool.Core.Sessions;

/// <summary>
/// Settings that a client gave in its startup message beside the tracked variables, for <c>session_state</c>: they are a part of
/// its state from the start, and RESET and DISCARD ALL go back to them. The server judges the values. Immutable.
/// </summary>
public sealed class LoginSettings
{
    /// <summary>Of one client.</summary>
    private const int CountMax = 64;

    private const string Role = SetBatch.Role;

    private readonly (string Name, string Value)[] _all;

    private LoginSettings((string Name, string Value)[] all)
    {
        _all = all;
        State = new KeptState(string.Concat(ToSet.Select(static each => $"SELECT {Call(each)};")), "",
            string.Concat(ToSet.Reverse().Select(static each =>
                each.Name == Role ? "RESET ROLE;" : $"SELECT pg_catalog.set_config('{each.Name}',NULL,false);")));
    }

    /// <summary>In the order to set them in: another role may not be allowed to set the rest.</summary>
    private IEnumerable<(string Name, string Value)> ToSet => _all.OrderBy(static each => each.Name == Role);

    /// <summary>As a client has it that has done nothing yet.</summary>
    public KeptState State { get; }

    /// <summary>In the order of their names, which are in lower case.</summary>
    public IReadOnlyList<(string Name, string Value)> All => _all;

    /// <param name="value">One char a byte.</param>
    /// <returns>
    /// The settings with one more, or with another value; null: a server would not take such a name, or they are too many.
    /// </returns>
    public static LoginSettings? TryAdd(LoginSettings? before, string name, string value)
    {
        name = name.ToLowerInvariant();
        if (!IsName(name)) return null;
        var all = (before?._all ?? []).Where(each => each.Name != name).Append((name, value))
            .OrderBy(static each => each.Item1, StringComparer.Ordinal).ToArray();
        return all.Length <= CountMax ? new LoginSettings(all) : null;
    }

    /// <summary>The commands that bring back the values of the login; no row is in their answers. Null: there are none.</summary>
    /// <param name="name">The only one to bring back. Another session_authorization ends the role: that comes back too.</param>
    /// <param name="isAll">All of them.</param>
    /// <param name="hasRole">RESET ALL leaves the role as it is, DISCARD ALL does not.</param>
    internal string? Restore(string name, bool isAll, bool hasRole)
    {
        var commands = string.Concat(ToSet
            .Where(each => isAll ? hasRole || each.Name != Role
                : each.Name.Equals(IsUser(name) ? Role : name, StringComparison.OrdinalIgnoreCase))
            .Select(static each => $"SELECT FROM {Call(each)} AS c(v) WHERE v IS NULL;"));
        return commands.Length > 0 ? commands : null;
    }

    /// <summary>The calls for <see cref="SetBatch.RestoreWhatIsReset"/>.</summary>
    /// <param name="names">Those that may have been reset.</param>
    /// <param name="isAll">All may have been, but for the role.</param>
    internal IEnumerable<(string Name, string Call)> Calls(List<string> names, bool isAll) =>
        ToSet.Where(each => names.Contains(each.Name, StringComparer.OrdinalIgnoreCase)
                || (each.Name == Role ? names.Any(IsUser) : isAll))
            .Select(static each => (each.Name, Call(each)));

    /// <summary>Another user has no role: RESET of the one ends the other.</summary>
    private static bool IsUser(string name) => name.Equals("session_authorization", StringComparison.OrdinalIgnoreCase);

    /// <summary>Letters, digits, underscores, and dots between names.</summary>
    private static bool IsName(string name) => name.Length is > 0 and < 256 && !char.IsAsciiDigit(name[0])
        && name.Split('.').All(static part => part.Length > 0 && part.All(static c => char.IsAsciiLetterOrDigit(c) || c == '_'));

    private static string Call((string Name, string Value) setting) =>
        $"pg_catalog.set_config('{setting.Name}',{Literal(setting.Value)},false)";

    /// <summary>An expression in printable ASCII. As in PostgreSQL, the bytes are in the encoding of the database.</summary>
    private static string Literal(string value)
    {
        if (value.All(static c => c is >= ' ' and <= '~'))
        {
            var text = new StringBuilder();
            SetBatch.AppendLiteral(text, value);
            return text.ToString();
        }
        var hex = Convert.ToHexStringLower(Encoding.Latin1.GetBytes(value));
        return $"pg_catalog.convert_from(pg_catalog.decode('{hex}','hex'),pg_catalog.getdatabaseencoding())";
    }
}
