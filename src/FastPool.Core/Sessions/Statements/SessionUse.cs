using System.Runtime.CompilerServices;
using System.Text;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// Finds in query texts and command tags what outlives its transaction. A text is only looked at where it begins, and counts
/// once the server has said that the command went well. Some uses are missed: the price of speed.
/// </summary>
internal static class SessionUse
{
    private const int ShortestDrop = 11; // DISCARD ALL

    /// <summary>A command of this length or less is looked at as a whole, where it matters whether it drops statements.</summary>
    internal const int DropLengthMax = 64;

    /// <summary>The same, where it matters whether it resets what a client gave at its login: drivers have long ones.</summary>
    internal const int ResetLengthMax = 512;

    /// <summary>The first word of a query, where the command tag will not tell it.</summary>
    /// <param name="text">Of the query, or its beginning.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static SafetyUse OfText(ReadOnlySpan<byte> text)
    {
        text = WithoutBlanksBefore(text);
        if (text.Length < 12 || text is not [var first, _, _, _, _, _, _, var eighth, ..]) return SafetyUse.None;
        return (first | 0x20) switch
        {
            'c' => OfCreate(text),
            // Most queries are a SELECT: the byte behind the blank tells nearly all of them apart.
            's' when (eighth | 0x20) is 'p' or 's' => OfSelect(text),
            _ => SafetyUse.None,
        };
    }

    private static SafetyUse OfCreate(ReadOnlySpan<byte> text) =>
        TryTake(ref text, "create "u8) && IsTemporary(text) ? SafetyUse.TemporaryTable : SafetyUse.None;

    private static SafetyUse OfSelect(ReadOnlySpan<byte> text)
    {
        if (!TryTake(ref text, "select "u8)) return SafetyUse.None;
        if (TryTake(ref text, "pg_advisory_lock"u8) || TryTake(ref text, "pg_try_advisory_lock"u8)) return SafetyUse.AdvisoryLock;
        if (!TryTake(ref text, "set_config"u8) && !TryTake(ref text, "pg_catalog.set_config"u8)) return SafetyUse.None;
        return SetNames.SetsLocally(text) ? SafetyUse.None : SafetyUse.SetConfig;
    }

    /// <summary>
    /// Whether it begins as a command that drops every prepared statement; one that only looks alike may be taken for it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool DropsStatements(ReadOnlySpan<byte> text)
    {
        text = WithoutBlanksBefore(text);
        return text is [(byte)'d' or (byte)'D', ..] && IsDrop(text);
    }

    private static bool IsDrop(ReadOnlySpan<byte> text)
    {
        if (text.Length < ShortestDrop) return false;
        return TryTake(ref text, "discard all"u8) || TryTake(ref text, "deallocate all"u8)
            || TryTake(ref text, "deallocate prepare all"u8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ReadOnlySpan<byte> WithoutBlanksBefore(ReadOnlySpan<byte> text) =>
        text is [> (byte)' ', ..] ? text : BehindBlanks(text);

    private static ReadOnlySpan<byte> BehindBlanks(ReadOnlySpan<byte> text)
    {
        while (text is [(byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n', ..]) text = text[1..];
        return text;
    }

    /// <summary>Stands for all variables, where a name would stand.</summary>
    internal const string All = "*";

    /// <summary>
    /// The variables that a text resets by RESET, SET to DEFAULT or DISCARD ALL, of which the last resets the role too. Null: it
    /// resets none.
    /// </summary>
    /// <param name="text">With the NUL behind it.</param>
    /// <param name="hasQuery">It may have several commands.</param>
    /// <param name="isAlone">It is this one command.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static List<string>? ResetsIn(ReadOnlySpan<byte> text, bool hasQuery, out bool isAlone)
    {
        isAlone = false;
        return MayReset(text, hasQuery) ? NamesOfResets(text, out isAlone) : null;
    }

    private static List<string>? NamesOfResets(ReadOnlySpan<byte> text, out bool isAlone)
    {
        isAlone = false;
        if (text.IndexOf((byte)0) is not (>= 0 and var end)) return null;
        text = text[..end];
        List<string>? names = null;
        var commands = 0;
        var scanner = new SqlScanner(text, hasBackslashes: false);
        for (var kind = scanner.Next(); kind != SqlToken.End; kind = scanner.Next())
        {
            if (kind == SqlToken.Semicolon) continue;
            text.Overlaps(scanner.Token, out var first);
            var behind = first;
            for (; kind is not (SqlToken.End or SqlToken.Semicolon); kind = scanner.Next())
            {
                text.Overlaps(scanner.Token, out behind);
                behind += scanner.Token.Length;
            }
            commands++;
            if (ResetOf(text[first..behind], out var isDiscard) is not { } name) continue;
            (names ??= []).Add(name);
            if (isDiscard) names.Add(SetBatch.Role);
        }
        isAlone = commands == 1;
        return names;
    }

    /// <summary>Most texts are one command, which is none such: that is told by its first letters and a semicolon.</summary>
    private static bool MayReset(ReadOnlySpan<byte> text, bool hasQuery)
    {
        var first = WithoutBlanksBefore(text);
        // Most texts are a SELECT: the third byte tells it from a SET.
        if (first is [(byte)'/' or (byte)'-' or (byte)'d' or (byte)'D' or (byte)'r' or (byte)'R', ..]
            or [(byte)'s' or (byte)'S', _, (byte)'t' or (byte)'T', ..]) return true;
        return hasQuery && text.IndexOf((byte)';') is >= 0 and var at && at < text.Length - 2
            && !text[at..].TrimStart("; \t\r\n\0"u8).IsEmpty;
    }

    /// <param name="text">One command.</param>
    private static string? ResetOf(ReadOnlySpan<byte> text, out bool isDiscard)
    {
        isDiscard = false;
        var isSet = TryTake(ref text, "set "u8);
        isDiscard = !isSet && TryTake(ref text, "discard "u8);
        if (!isSet && !isDiscard && !TryTake(ref text, "reset "u8)) return null;
        var scanner = new SqlScanner(text, hasBackslashes: false);
        var kind = scanner.Next();
        var isWord = kind == SqlToken.Word;
        if (TryTakeName(ref scanner, ref kind) is not { } name) return null;
        if (isSet && isWord && name == "session" && !IsWord(scanner, kind, "authorization"u8))
        {
            isWord = kind == SqlToken.Word;
            if (TryTakeName(ref scanner, ref kind) is not { } set) return null;
            name = set;
        }
        var hasSign = true;
        if (isWord && name == "session" && IsWord(scanner, kind, "authorization"u8))
        {
            (name, hasSign) = ("session_authorization", false);
            kind = scanner.Next();
        }
        else if (isWord && name == "time" && IsWord(scanner, kind, "zone"u8))
        {
            (name, hasSign) = ("timezone", false);
            kind = scanner.Next();
            if (isSet && IsWord(scanner, kind, "local"u8)) // Another word for DEFAULT.
            {
                kind = scanner.Next();
                isSet = false;
                isWord = false;
            }
        }
        else if (isSet && isWord && name == "names")
        {
            (name, hasSign) = ("client_encoding", false);
        }
        if (isSet && !IsDefault(ref scanner, ref kind, hasSign)) return null;
        var isAll = !isSet && isWord && name == "all";
        return kind != SqlToken.End || (isDiscard && !isAll) ? null : isAll ? All : name;
    }

    /// <summary>The name at the present token, with its parts; the token behind it becomes the present one.</summary>
    private static string? TryTakeName(ref SqlScanner scanner, ref SqlToken kind)
    {
        var name = "";
        while (kind is SqlToken.Word or SqlToken.QuotedName)
        {
            name += Encoding.Latin1.GetString(SqlScanner.NameOf(kind, scanner.Token));
            kind = scanner.Next();
            if (kind != SqlToken.Other || !scanner.Token.SequenceEqual("."u8)) return name;
            name += ".";
            kind = scanner.Next();
        }
        return null;
    }

    /// <summary>DEFAULT, behind TO or = where there is one. The token behind it becomes the present one.</summary>
    private static bool IsDefault(ref SqlScanner scanner, ref SqlToken kind, bool hasSign)
    {
        if (hasSign)
        {
            if (!IsWord(scanner, kind, "to"u8) && (kind != SqlToken.Other || !scanner.Token.SequenceEqual("="u8))) return false;
            kind = scanner.Next();
        }
        if (!IsWord(scanner, kind, "default"u8)) return false;
        kind = scanner.Next();
        return true;
    }

    private static bool IsWord(in SqlScanner scanner, SqlToken kind, ReadOnlySpan<byte> word) =>
        kind == SqlToken.Word && Ascii.EqualsIgnoreCase(scanner.Token, word);

    private static bool IsTemporary(ReadOnlySpan<byte> text)
    {
        if (!TryTake(ref text, "local "u8)) TryTake(ref text, "global "u8);
        return TryTake(ref text, "temp "u8) || TryTake(ref text, "temporary "u8);
    }

    private static bool TryTake(ref ReadOnlySpan<byte> text, ReadOnlySpan<byte> lowerCase)
    {
        if (text.Length < lowerCase.Length || !Ascii.EqualsIgnoreCase(text[..lowerCase.Length], lowerCase)) return false;
        text = text[lowerCase.Length..];
        return true;
    }

    /// <summary>The query text in a Query, or in a Parse of the unnamed statement; empty: not here.</summary>
    /// <param name="message">The bytes of it that have come, header included.</param>
    internal static ReadOnlySpan<byte> TextOf(byte type, ReadOnlySpan<byte> message)
    {
        var start = type == FrontendMessage.Query ? MessageHeader.Size : MessageHeader.Size + 1;
        return message.Length > start ? message[start..] : default;
    }
}
