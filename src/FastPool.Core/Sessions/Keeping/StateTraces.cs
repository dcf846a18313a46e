using System.Numerics;
using System.Runtime.Intrinsics;
using System.Text;

namespace FastPool.Core.Sessions;

/// <summary>The signs in a text of the session state that a command may leave.</summary>
[Flags]
internal enum StateTrace : byte
{
    None = 0,

    /// <summary>Something may outlive the transaction: the server is to be asked.</summary>
    Ask = 1,

    /// <summary>The text may set variables by name.</summary>
    Names = 2,

    /// <summary>It is one SET LOCAL and nothing else.</summary>
    Local = 4,
}

/// <summary>
/// Finds in texts and command tags whether a server must be asked for its session's state. A find in vain costs a question; the
/// state itself is never taken from a text.
/// </summary>
internal static class StateTraces
{
    /// <param name="text">Of a query, with what stands behind it in its message.</param>
    /// <param name="isWhole">False: there is more of it.</param>
    internal static StateTrace InText(ReadOnlySpan<byte> text, bool isWhole)
    {
        if (!isWhole) return StateTrace.Ask | StateTrace.Names;
        if (text.IndexOf((byte)0) is >= 0 and var end) text = text[..end];
        while (text is [(byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or (byte)';', ..]) text = text[1..];
        while (text is [.., (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or (byte)';']) text = text[..^1];
        var trace = LookThrough(text, out var hasSeveral);
        if (hasSeveral || text is [(byte)'/' or (byte)'-' or (byte)'(', ..])
        {
            trace |= StateTrace.Names;
            if (Contains(text, "hold"u8) || Contains(text, "execute"u8)) trace |= StateTrace.Ask;
        }
        var isOfInterest = text switch
        {
            [(byte)'s' or (byte)'S', _, (byte)'t' or (byte)'T', ..] => Begins(text, "set"u8),
            [(byte)'d' or (byte)'D', _, ..] => Begins(text, "do"u8) || (Begins(text, "declare"u8) && Contains(text, "hold"u8)),
            [(byte)'e' or (byte)'E', _, ..] => Begins(text, "execute"u8),
            [(byte)'c' or (byte)'C', _, ..] => Begins(text, "call"u8),
            _ => false,
        };
        if (!isOfInterest) return trace;
        if (!hasSeveral && (Begins(text, "set local "u8) || Begins(text, "set local\t"u8) || Begins(text, "set local\n"u8)))
            return trace | StateTrace.Local;
        return trace | StateTrace.Ask | StateTrace.Names;
    }

    /// <summary>Looks at each end of a command, and at each letter at which a rare word is known.</summary>
    /// <param name="text">Without any end of a command at its own end.</param>
    private static StateTrace LookThrough(ReadOnlySpan<byte> text, out bool hasSeveral)
    {
        hasSeveral = false;
        var trace = StateTrace.None;
        var at = 0;
        for (; at + Vector256<byte>.Count <= text.Length; at += Vector256<byte>.Count)
        {
            var part = Vector256.Create(text.Slice(at, Vector256<byte>.Count));
            var found = Vector256.Equals(part, Vector256.Create((byte)'_')) | Vector256.Equals(part, Vector256.Create((byte)';'))
                | Vector256.Equals(part | Vector256.Create((byte)0x20), Vector256.Create((byte)'p'));
            var signs = found.ExtractMostSignificantBits();
            for (; signs != 0; signs &= signs - 1)
                trace |= LookAt(text, text[(at + BitOperations.TrailingZeroCount(signs))..], ref hasSeveral);
        }
        for (var rest = text[at..]; rest is [var sign, ..]; rest = rest[1..])
            if (sign is (byte)'_' or (byte)';' or (byte)'p' or (byte)'P') trace |= LookAt(text, rest, ref hasSeveral);
        return trace;
    }

    private static StateTrace LookAt(ReadOnlySpan<byte> text, ReadOnlySpan<byte> rest, ref bool hasSeveral)
    {
        if (rest is [(byte)';', ..]) hasSeveral = true;
        return IsRareWord(text, rest) ? StateTrace.Ask | StateTrace.Names : StateTrace.None;
    }

    /// <summary>Commands whose tag says that nothing outlives the transaction.</summary>
    /// <param name="tag">With its NUL.</param>
    internal static bool IsPlain(ReadOnlySpan<byte> tag)
    {
        if (tag.StartsWith("SELECT "u8)) return true; // Most are.
        var end = tag.IndexOfAny((byte)' ', (byte)0);
        if (end < 0) return false;
        return tag[..end] switch
        {
            [(byte)'S', ..] => Is(tag[..end], "SELECT"u8) || Is(tag[..end], "SAVEPOINT"u8) || Is(tag[..end], "SHOW"u8)
                || tag.SequenceEqual("START TRANSACTION\0"u8),
            [(byte)'I', ..] => Is(tag[..end], "INSERT"u8),
            [(byte)'U', ..] => Is(tag[..end], "UPDATE"u8),
            [(byte)'D', ..] => Is(tag[..end], "DELETE"u8) || tag.SequenceEqual("DECLARE CURSOR\0"u8),
            [(byte)'B', ..] => Is(tag[..end], "BEGIN"u8),
            [(byte)'C', ..] => Is(tag[..end], "COMMIT"u8) || Is(tag[..end], "COPY"u8) || tag.SequenceEqual("CLOSE CURSOR\0"u8),
            [(byte)'R', ..] => Is(tag[..end], "ROLLBACK"u8) || Is(tag[..end], "RELEASE"u8),
            [(byte)'F', ..] => Is(tag[..end], "FETCH"u8),
            [(byte)'M', ..] => Is(tag[..end], "MOVE"u8) || Is(tag[..end], "MERGE"u8),
            [(byte)'E', ..] => Is(tag[..end], "EXPLAIN"u8),
            [(byte)'N', ..] => Is(tag[..end], "NOTIFY"u8),
            [(byte)'L', ..] => Is(tag[..end], "LOCK"u8),
            [(byte)'V', ..] => Is(tag[..end], "VACUUM"u8),
            [(byte)'A', ..] => Is(tag[..end], "ANALYZE"u8),
            [(byte)'T', ..] => Is(tag[..end], "TRUNCATE"u8),
            _ => false,
        };
    }

    /// <summary>Its first command is a SET.</summary>
    internal static bool BeginsWithSet(ReadOnlySpan<byte> text) =>
        Begins(text.TrimStart(" \t\r\n"u8), "set "u8);

    /// <summary>Commands that may set a variable by a name which is in their text.</summary>
    /// <param name="tag">With its NUL.</param>
    internal static bool MaySetByName(ReadOnlySpan<byte> tag) =>
        tag.SequenceEqual("SET\0"u8) || tag.SequenceEqual("DO\0"u8) || tag.SequenceEqual("CALL\0"u8);

    /// <summary>set_config, pg_advisory_…, pg_settings, pg_temp, INTO TEMP.</summary>
    /// <param name="rest">From its underscore on, or from the p at its end.</param>
    private static bool IsRareWord(ReadOnlySpan<byte> text, ReadOnlySpan<byte> rest) => rest switch
    {
        [(byte)'_', (byte)'c' or (byte)'C', ..] => Begins(rest, "_config"u8) && !SetNames.SetsLocally(rest),
        [(byte)'_', (byte)'a' or (byte)'A', ..] => Begins(rest, "_advisory"u8),
        [(byte)'_', (byte)'s' or (byte)'S', ..] => Begins(rest, "_settings"u8),
        [(byte)'p' or (byte)'P', ..] when text.Length - rest.Length is >= 3 and var at =>
            text[(at - 3)..] is [(byte)'t' or (byte)'T', ..] word && Begins(word, "temp"u8),
        _ => false,
    };

    private static bool Contains(ReadOnlySpan<byte> text, ReadOnlySpan<byte> lowerCase)
    {
        for (var at = 0; at + lowerCase.Length <= text.Length; at++)
        {
            if (Begins(text[at..], lowerCase)) return true;
        }
        return false;
    }

    private static bool Is(ReadOnlySpan<byte> word, ReadOnlySpan<byte> other) => word.SequenceEqual(other);

    private static bool Begins(ReadOnlySpan<byte> text, ReadOnlySpan<byte> lowerCase) =>
        text.Length >= lowerCase.Length && Ascii.EqualsIgnoreCase(text[..lowerCase.Length], lowerCase);
}
