using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;

namespace FastPool.Generators;

/// <summary>The one rule that looks at all messages together: a direction and a type mean one message.</summary>
internal static class SharedTypes
{
    /// <summary>One mistake for each message that an earlier one, by name, cannot be told from.</summary>
    public static IEnumerable<Mistake> Find(ImmutableArray<Declaration> declarations)
    {
        List<Declaration> seen = [];
        foreach (var later in declarations
            .Where(static declaration => declaration.Message is not null)
            .OrderBy(static declaration => declaration.Message!.HintName, System.StringComparer.Ordinal))
        {
            var earlier = seen.Find(candidate => !CanBeToldApart(candidate.Message!, later.Message!));
            if (earlier is not null)
                yield return new Mistake(Diagnostics.SharedType, later.Place, later.Message!.Name, earlier.Message!.Name);
            seen.Add(later);
        }
    }

    private static bool CanBeToldApart(MessageModel one, MessageModel other)
    {
        if (one.Type != other.Type) return true;
        if (one.From != other.From && one.From != Sender.Either && other.From != Sender.Either) return true;
        if (one.Code is not null && other.Code is not null) return one.Code != other.Code;
        return (one.Code is not null || one.ByContext) && (other.Code is not null || other.ByContext);
    }
}
