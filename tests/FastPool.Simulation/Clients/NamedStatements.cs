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
/// The names that a client has given to statements, as a PostgreSQL of its own would know them. A name that may stand for this
/// or that is never used again: it could be a COPY, which wants data.
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
    private int _serial;

    internal bool HasAny => _known.Count > 0;

    internal string NewText(bool isFast) => dice.OneIn(9) ? "bad " + dice.Below(3) : dice.Of(isFast ? Texts[..^3] : Texts);

    /// <summary>A name for a Parse, sometimes one that is in use.</summary>
    internal string NameForParse()
    {
        for (var i = 0; i < NamesMost; i++)
        {
            var name = "s" + dice.Below(NamesMost);
            if (!_retired.Contains(name) && (!_known.ContainsKey(name) || dice.OneIn(8))) return name;
        }
        return "t" + _serial++;
    }

    internal (string Name, string Text) Any()
    {
        var (name, text) = dice.Of([.. _known.OrderBy(pair => pair.Key, StringComparer.Ordinal)]);
        return (name, text);
    }

    /// <returns>How it goes on.</returns>
    internal Course Parsed(string name, string text, Course course)
    {
        if (course == Course.Unknown) Retire(name);
        if (course != Course.Good) return course;
        if (text.StartsWith("bad", StringComparison.Ordinal) || !_known.TryAdd(name, text)) return Course.Failed;
        return course;
    }

    internal void Closed(string name, Course course)
    {
        if (course == Course.Good) _known.Remove(name);
        else if (course == Course.Unknown) Retire(name);
    }

    /// <summary>DEALLOCATE ALL or DISCARD ALL.</summary>
    internal void Dropped(Course course)
    {
        if (course == Course.Failed) return;
        if (course == Course.Unknown) _retired.UnionWith(_known.Keys);
        _known.Clear();
    }

    private void Retire(string name)
    {
        _known.Remove(name);
        _retired.Add(name);
    }
}
