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
        if (text.IndexOf((byte)0) is >= 0 and var end) text = text[..end];
        if (!isWhole) return StateTrace.Ask | StateTrace.Names;
        text = text.Trim(" \t\r\n;"u8);
        var trace = HasRareWord(text) ? StateTrace.Ask | StateTrace.Names : StateTrace.None;
        var hasSeveral = text.Contains((byte)';');
        if (hasSeveral || text is [(byte)'/' or (byte)'-' or (byte)'(', ..])
        {
            trace |= StateTrace.Names;
            if (Contains(text, "hold"u8) || Contains(text, "execute"u8)) trace |= StateTrace.Ask;
        }
        if (text is not [var first, _, ..]) return trace;
        var isOfInterest = (first | 0x20) switch
        {
            's' => Begins(text, "set"u8),
            'd' => Begins(text, "do"u8) || (Begins(text, "declare"u8) && Contains(text, "hold"u8)),
            'e' => Begins(text, "execute"u8),
            'c' => Begins(text, "call"u8),
            _ => false,
        };
        if (!isOfInterest) return trace;
        if (!hasSeveral && (Begins(text, "set local "u8) || Begins(text, "set local\t"u8) || Begins(text, "set local\n"u8)))
            return trace | StateTrace.Local;
        return trace | StateTrace.Ask | StateTrace.Names;
    }

    /// <summary>Commands whose tag says that nothing outlives the transaction.</summary>
    /// <param name="tag">With its NUL.</param>
    internal static bool IsPlain(ReadOnlySpan<byte> tag)
    {
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

    /// <summary>set_config, pg_advisory_…, pg_temp, INTO TEMP.</summary>
    private static bool HasRareWord(ReadOnlySpan<byte> text)
    {
        var from = 0;
        while (text[from..].IndexOfAny((byte)'_', (byte)'p', (byte)'P') is >= 0 and var step)
        {
            var found = text[(from + step)..];
            if (Begins(found, "_config"u8) && !SetNames.SetsLocally(found)) return true;
            if (Begins(found, "_advisory"u8) || Begins(found, "_settings"u8)
                || (from + step >= 3 && Begins(text[(from + step - 3)..], "temp"u8))) return true;
            from += step + 1;
        }
        return false;
    }

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
