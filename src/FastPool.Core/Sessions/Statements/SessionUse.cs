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
    internal static SafetyUse OfText(ReadOnlySpan<byte> text)
    {
        text = WithoutBlanksBefore(text);
        if (text.Length < 12 || text is not [var first, _, _, _, _, _, _, var eighth, ..]) return SafetyUse.None;
        return (first | 0x20) switch
        {
            'c' when TryTake(ref text, "create "u8) => IsTemporary(text) ? SafetyUse.TemporaryTable : SafetyUse.None,
            // Most queries are a SELECT: the byte behind the blank tells nearly all of them apart.
            's' when (eighth | 0x20) is 'p' or 's' => OfSelect(text),
            _ => SafetyUse.None,
        };
    }

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
    internal static bool DropsStatements(ReadOnlySpan<byte> text)
    {
        text = WithoutBlanksBefore(text);
        if (text.Length < ShortestDrop || text is not [(byte)'d' or (byte)'D', ..]) return false;
        return TryTake(ref text, "discard all"u8) || TryTake(ref text, "deallocate all"u8)
            || TryTake(ref text, "deallocate prepare all"u8);
    }

    private static ReadOnlySpan<byte> WithoutBlanksBefore(ReadOnlySpan<byte> text)
    {
        while (text is [(byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n', ..]) text = text[1..];
        return text;
    }

    /// <summary>Stands for all variables, where a name would stand.</summary>
    internal const string All = "*";

    /// <summary>
    /// The variable that a text resets which is one RESET, one SET to DEFAULT, or DISCARD ALL; null: it is none such.
    /// </summary>
    internal static string? ResetIn(ReadOnlySpan<byte> text)
    {
        text = WithoutBlanksBefore(text);
        // Most texts are a SELECT: the third byte tells it from a SET.
        if (text is not [var first, _, var third, ..] || (first | 0x20) is not ('d' or 'r' or 's')
            || ((first | 0x20) == 's' && (third | 0x20) != 't')) return null;
        var isSet = TryTake(ref text, "set "u8);
        var isDiscard = !isSet && TryTake(ref text, "discard "u8);
        if (!isSet && !isDiscard && !TryTake(ref text, "reset "u8)) return null;
        if (text.IndexOf((byte)0) is not (>= 0 and var end)) return null;
        var scanner = new SqlScanner(text[..end], hasBackslashes: false);
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
        while (kind == SqlToken.Semicolon) kind = scanner.Next();
        var isAll = !isSet && isWord && name == "all";
        return kind != SqlToken.End || (isDiscard && !isAll) ? null : isAll ? All : name;
    }

    /// <summary>Of a text that <see cref="ResetIn"/> knows: it is DISCARD ALL.</summary>
    internal static bool IsDiscard(ReadOnlySpan<byte> text)
    {
        text = WithoutBlanksBefore(text);
        return TryTake(ref text, "discard "u8);
    }

    /// <summary>
    /// The variables that are reset in a text of several commands, or with a comment before it: by RESET, DISCARD ALL, or SET to
    /// DEFAULT. Null: it is one command, or none resets.
    /// </summary>
    /// <param name="text">Of a query, with the NUL behind it.</param>
    /// <param name="hasRole">The command that resets all of them resets the role too: DISCARD ALL.</param>
    internal static List<string>? ResetsAmongOthers(ReadOnlySpan<byte> text, out bool hasRole)
    {
        hasRole = false;
        // Most are one command, and most of those end with it, or with one semicolon.
        if (text.IndexOf((byte)';') is var at
            && (at < 0 || at >= text.Length - 2 || text[at..].TrimStart("; \t\r\n\0"u8).IsEmpty)
            && WithoutBlanksBefore(text) is not [(byte)'/' or (byte)'-', ..]) return null;
        List<string>? names = null;
        text = text.TrimEnd((byte)0);
        var scanner = new SqlScanner(text, hasBackslashes: false);
        for (var kind = scanner.Next(); kind != SqlToken.End; kind = scanner.Next())
        {
            var mayReset = IsWord(scanner, kind, "reset"u8) || IsWord(scanner, kind, "discard"u8)
                || IsWord(scanner, kind, "set"u8);
            text.Overlaps(scanner.Token, out var start);
            var end = start;
            for (; kind is not (SqlToken.End or SqlToken.Semicolon); kind = scanner.Next())
            {
                text.Overlaps(scanner.Token, out end);
                end += scanner.Token.Length;
            }
            if (!mayReset) continue;
            byte[] command = [.. text[start..end], 0];
            if (ResetIn(command) is not { } name) continue;
            (names ??= []).Add(name);
            hasRole |= IsDiscard(command);
        }
        return names;
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
