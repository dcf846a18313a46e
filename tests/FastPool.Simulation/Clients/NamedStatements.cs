using FastPool.Simulation.Network;

namespace FastPool.Simulation.Clients;

/// <summary>How far the replies to a pipeline can be foretold when it is written.</summary>
internal enum Course : byte
{
    Good,
    /// <summary>An error has come for certain: the server reads past everything up to the Sync.</summary>
    Failed,
    /// <summary>A cancel request, or an error before, may have changed it.</summary>
    Unknown,
}

/// <summary>
/// The names that a client has given to statements, as a PostgreSQL of its own would know them. Where a pooler must answer
/// otherwise than PostgreSQL (a name that is taken, a name it never heard of: FATAL), the script does not go: a name about
/// which that could happen is never used again.
/// </summary>
internal sealed class NamedStatements(Dice dice)
{
    private const int NamesMost = 6;

    /// <summary>
    /// The same for all clients, so that they share statements; what belongs to the client comes as the argument.
    /// </summary>
    private static readonly string[] Texts =
    [
        "select $1 1 5", "select $1 3 20", "select $1 7 0", "select $1 0 0", "select $1 2 300", "show $1", "notice $1",
            "copyout $1 4 9", "set TimeZone='zone 1'",
        "set application_name='prepared'", "fail $1", "slow $1", "copyin $1 0", "copyin $1 2",
    ];

    private readonly Dictionary<string, string> _known = [];
    private readonly HashSet<string> _retired = [];
    private readonly HashSet<string> _resting = [];
    private int _serial;

    internal bool HasAny => _known.Count > 0;

    internal string NewText(bool isFast) => dice.OneIn(9) ? "bad " + dice.Below(3) : dice.Of(isFast ? Texts[..^3] : Texts);

    /// <summary>A name for a Parse, often one that was in use before.</summary>
    internal string FreeName()
    {
        for (var i = 0; i < NamesMost; i++)
        {
            var name = "s" + dice.Below(NamesMost);
            if (!_known.ContainsKey(name) && !_retired.Contains(name) && !_resting.Contains(name)) return name;
        }
        return "t" + _serial++;
    }

    internal (string Name, string Text) Any()
    {
        var (name, text) = dice.Of([.. _known.OrderBy(pair => pair.Key, StringComparer.Ordinal)]);
        return (name, text);
    }

    internal void Parsed(string name, string text, Course course)
    {
        if (course == Course.Unknown) Retire(name);
        else if (course == Course.Good && !text.StartsWith("bad", StringComparison.Ordinal)) _known[name] = text;
        else _resting.Add(name);
    }

    /// <summary>All replies are here: the pooler knows, too, which Parses have failed.</summary>
    internal void Settle() => _resting.Clear();

    /// <summary>The pooler forgets the name even where PostgreSQL reads past the Close.</summary>
    internal void Closed(string name, Course course)
    {
        _known.Remove(name);
        if (course != Course.Good) Retire(name);
    }

    /// <summary>DEALLOCATE ALL or DISCARD ALL.</summary>
    internal void Dropped(Course course)
    {
        if (course == Course.Failed) return;
        if (course == Course.Unknown) _retired.UnionWith(_known.Keys);
        _known.Clear();
    }

    private void Retire(string name) => _retired.Add(name);
}
