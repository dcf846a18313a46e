using FastPool.Simulation.Network;
using FastPool.Simulation.Postgres;

namespace FastPool.Simulation.Clients;

/// <summary>
/// Random messages of the extended protocol about named statements, up to a Sync: errors anywhere, simple queries in between.
/// </summary>
internal sealed class NamedPipeline(Dice dice, NamedStatements names, ByteQueue bytes, Func<string> token, bool mayDiscard,
    bool isFast)
{
    /// <summary>Writes one.</summary>
    /// <param name="course">Good, or Unknown in a transaction that may have failed.</param>
    /// <param name="isInBlock">Inside BEGIN.</param>
    /// <param name="cut">Called where the client may make a pause.</param>
    /// <returns>How it goes.</returns>
    internal Course Write(Course course, bool isInBlock, Action cut)
    {
        for (var i = dice.Between(1, 9); i > 0; i--)
        {
            course = AddStep(course, isInBlock);
            if (dice.OneIn(12)) bytes.Add(Wire.Typed('H'));
            if (dice.OneIn(5)) cut();
        }
        bytes.Add(Wire.Typed('S'));
        return course;
    }

    private Course AddStep(Course course, bool isInBlock)
    {
        switch (dice.Below(12))
        {
            // In a transaction that has failed PostgreSQL refuses a Parse; the pooler may know better what the server has.
            case 0 or 1 or 2 when course != Course.Unknown || !isInBlock: return AddParse(course);
            case 3 when names.HasAny: return AddClose(course);
            case 4:
                bytes.Add(Wire.Close('S', "nobody's"));
                return course;
            case 5 when names.HasAny && (course != Course.Unknown || !isInBlock):
                bytes.Add(Wire.Describe('S', names.Any().Name));
                return course;
            case 6 when dice.OneIn(2):
                bytes.Add(Wire.Query($"select {token()} 2 6"));
                return course;
            case 7 when dice.OneIn(3): return AddDrop(course, isInBlock);
            case 8 when dice.OneIn(3):
                bytes.Add(Wire.Execute("no such portal", 0));
                return course == Course.Good ? Course.Failed : course;
            default: return names.HasAny ? AddUse(course) : AddUnnamed(course);
        }
    }

    private Course AddParse(Course course)
    {
        var (name, text) = (names.NameForParse(), names.NewText(isFast));
        bytes.Add(Wire.Parse(name, text));
        return names.Parsed(name, text, course);
    }

    private Course AddClose(Course course)
    {
        var name = names.Any().Name;
        bytes.Add(Wire.Close('S', name));
        names.Closed(name, course);
        return course;
    }

    /// <summary>Every named statement goes; those prepared behind it in the same pipeline do not.</summary>
    private Course AddDrop(Course course, bool isInBlock)
    {
        var isDiscard = mayDiscard && !isInBlock && dice.OneIn(2);
        var text = isDiscard ? "discard all" : "deallocate all";
        if (dice.OneIn(2))
        {
            bytes.Add(Wire.Query(text));
        }
        else
        {
            bytes.Add(Wire.Parse("", text));
            bytes.Add(Wire.Bind("", "", token()));
            bytes.Add(Wire.Execute("", 0));
        }
        names.Dropped(course);
        return course;
    }

    private Course AddUse(Course course)
    {
        if (dice.OneIn(15))
        {
            bytes.Add(Wire.Bind("", "nobody's", token()));
            return course == Course.Good ? Course.Failed : course;
        }
        var (name, text) = names.Any();
        if (text.StartsWith("copyin", StringComparison.Ordinal)) return course; // These have a way of their own.
        var portal = dice.OneIn(4) ? "p" : "";
        if (dice.OneIn(5) && course == Course.Good) bytes.Add(Wire.Describe('S', name));
        bytes.Add(Wire.Bind(portal, name, token()));
        if (dice.OneIn(4)) bytes.Add(Wire.Describe('P', portal));
        bytes.Add(Wire.Execute(portal, dice.OneIn(4) ? 2 : 0));
        if (dice.OneIn(8)) bytes.Add(Wire.Execute(portal, 0));
        if (dice.OneIn(8)) bytes.Add(Wire.Close('P', portal));
        return text.Split(' ')[0] switch
        {
            "fail" when course == Course.Good => Course.Failed,
            "slow" when course == Course.Good => Course.Unknown,
            _ => course,
        };
    }

    private Course AddUnnamed(Course course)
    {
        bytes.Add(Wire.Parse("", $"select {token()} 1 3"));
        bytes.Add(Wire.Bind("", "", token()));
        bytes.Add(Wire.Execute("", 0));
        return course;
    }
}
