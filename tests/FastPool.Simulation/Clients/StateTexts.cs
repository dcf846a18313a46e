using FastPool.Simulation.Network;
using FastPool.Simulation.Postgres;

namespace FastPool.Simulation.Clients;

/// <summary>How much of a session's state is to go with its client from server to server.</summary>
internal enum StateScope : byte
{
    /// <summary>The six variables that every version reports; scripts change little.</summary>
    Basic,

    /// <summary>All that servers report.</summary>
    Reported,

    /// <summary>All of it, but for what functions change unseen.</summary>
    Kept,

    /// <summary>That too.</summary>
    KeptAlways,

    /// <summary>The session is the client's own.</summary>
    OwnSession,
}

/// <summary>Random commands that leave something in a session, and are to be seen by nobody else.</summary>
internal sealed class StateTexts(Dice dice, StateScope scope, ServerVersion version, Func<string> token)
{
    private static readonly string[] Values = ["app", "o'brien", "back\\slash", "a;b", "", "'", "x=y", "on", "7"];
    private static readonly string[] Lists = ["a, b", "\"$user\", public", "b", "c"];
    private static readonly string[] Listed = ["work_mem", "lock_timeout"];
    private static readonly string[] Custom = ["app.a", "app.b"];
    private static readonly string[] Roles = ["r1", "r2"];

    private readonly bool _carriesAll = scope >= StateScope.Kept;
    private readonly IReadOnlyList<string> _reported = [.. Variables.ReportedBy(version).Where(IsFree)];

    /// <summary>Others need values of their own kind, or other commands.</summary>
    private static bool IsFree(string name) =>
        name is not ("client_encoding" or "standard_conforming_strings" or Variables.SessionAuthorization);

    /// <summary>SET in one of its forms.</summary>
    internal string Set(bool isInBlock)
    {
        // A value that is given back needs nobody to carry it.
        var isLocal = isInBlock && dice.OneIn(3);
        var name = isLocal ? dice.Of([Variables.SearchPath, "work_mem", .. Custom]) : Name();
        var value = Value(name);
        if (dice.OneIn(20)) value = "bogus";
        if (dice.OneIn(3)) return $"select set_config('{name}',{SqlText.Literal(value)},{(isLocal ? "true" : "false")})";
        if (name == Variables.SearchPath && value != "bogus") return $"set {(isLocal ? "local " : "")}{name}={value}";
        return $"set {(isLocal ? "local " : dice.OneIn(4) ? "session " : "")}{name}={SqlText.Literal(value)}";
    }

    private string Name() => _carriesAll && dice.OneIn(2) ? dice.Of([.. Listed, .. Custom, Variables.SearchPath])
        : dice.Of(_reported);

    private string Value(string name) => name switch
    {
        Variables.SearchPath => dice.Of(Lists),
        "default_transaction_read_only" => dice.Of(["on", "off"]),
        "DateStyle" => dice.Of(["German", "ISO", "SQL, DMY"]),
        // Nobody else has it: a client that sees another's has another's session.
        _ => dice.OneIn(2) ? "v" + token() : dice.Of(Values),
    };

    /// <summary>A change that only the server knows of.</summary>
    internal string Hidden()
    {
        var isCall = dice.OneIn(2) && _carriesAll;
        var name = (isCall || scope >= StateScope.KeptAlways) && dice.OneIn(2) ? dice.Of(Listed) : dice.Of(_reported);
        return $"{(isCall ? dice.Of(["call", "do"]) : "select")} hidden('{name}',{SqlText.Literal(Value(name))},false)";
    }

    /// <summary>It is to be all of its message.</summary>
    internal string Reset() => dice.Below(6) switch
    {
        0 => "reset all",
        1 when _carriesAll => "reset role",
        2 when version != ServerVersion.Old => "reset session authorization",
        _ => "reset " + (_carriesAll || dice.OneIn(2) ? Name() : dice.Of(_reported)),
    };

    internal string Savepoint() => dice.Of(["savepoint ", "savepoint ", "rollback to ", "release "]) + dice.Of(["a", "b"]);

    internal string Role() => _carriesAll && !dice.OneIn(3) ? $"set role {dice.Of([.. Roles, "none", "bogus"])}"
        : $"set session authorization {dice.Of(Roles)}";

    internal string Prepared()
    {
        var name = dice.Of(["q1", "q2"]);
        return dice.Below(4) switch
        {
            0 => $"prepare {name} as " + (dice.OneIn(3) ? $"show {token()}" : $"select {token()} 2 9"),
            1 => "deallocate " + (dice.OneIn(5) ? "all" : name),
            _ => "execute " + name,
        };
    }

    /// <summary>Something that cannot travel, or the end of it.</summary>
    internal string Pinning() => dice.Below(9) switch
    {
        0 => "create temp table t1",
        1 => "drop table t1",
        2 => "discard temp",
        3 => "select pg_advisory_lock(1)",
        4 => "select pg_advisory_unlock(1)",
        5 => "declare c1 cursor with hold for select",
        6 => "close c1",
        7 => "set fastpool.pin=on",
        _ => "set fastpool.pin=off",
    };
}
