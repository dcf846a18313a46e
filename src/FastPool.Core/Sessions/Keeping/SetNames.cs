using System.Buffers;
using System.Text;

namespace FastPool.Core.Sessions;

/// <summary>
/// Finds the names that a text gives to SET and to set_config. It knows no grammar: a name too many is asked for in vain.
/// </summary>
/// <param name="text">Its beginning, as a rule all of it.</param>
internal ref struct SetNames(ReadOnlySpan<byte> text)
{
    private ReadOnlySpan<byte> _rest = text;
    private bool _isInWord;

    /// <summary>The number of the parameter that is the name, where the text has none; 0: it is something else.</summary>
    internal int Parameter { get; private set; }

    /// <summary>Goes on to the next one.</summary>
    /// <param name="name">In lower case; null: the text does not have it (a parameter, an expression).</param>
    internal bool Next(out string? name)
    {
        while (_rest.IndexOfAny((byte)'s', (byte)'S') is >= 0 and var at)
        {
            var isInWord = at == 0 ? _isInWord : IsInWord(_rest[at - 1]);
            var found = _rest[at..];
            _rest = found[1..];
            _isInWord = true;
            if (isInWord) continue;
            if (TryTake(ref found, "set_config"u8))
            {
                if (SetsLocally(found)) continue;
                name = ConfigName(found);
                Parameter = name is null ? ConfigParameter(found) : 0;
                return true;
            }
            if (!TryTake(ref found, "set"u8) || found.IsEmpty || IsInWord(found[0])) continue;
            if (CommandName(found) is not { } given) continue;
            name = given;
            return true;
        }
        name = null;
        return false;
    }

    /// <summary>The third argument says so: nothing outlives the transaction.</summary>
    internal static bool SetsLocally(ReadOnlySpan<byte> text)
    {
        var end = text.IndexOf((byte)')');
        if (end < 0) return false;
        var arguments = text[..end].TrimEnd(" \t\r\n"u8);
        // A parenthesis within them, or in a literal: the end is another.
        if (arguments.Count((byte)'(') != 1 || arguments.Count((byte)'\'') % 2 != 0) return false;
        return (arguments.Length > 4 && Ascii.EqualsIgnoreCase(arguments[^4..], "true"u8) && !IsInWord(arguments[^5]))
            || arguments.EndsWith("'t'"u8);
    }

    /// <summary>The literal in the first place.</summary>
    private static string? ConfigName(ReadOnlySpan<byte> text)
    {
        text = text.TrimStart("\" \t\r\n"u8);
        if (text is not [(byte)'(', ..]) return null;
        text = text[1..].TrimStart(" \t\r\n"u8);
        if (text is not [(byte)'\'', ..]) return null;
        text = text[1..];
        if (text.IndexOf((byte)'\'') is not (> 0 and var end)) return null;
        var isAll = text[(end + 1)..].TrimStart(" \t\r\n"u8) is [(byte)',', ..]; // Else it is a part of the name.
        return isAll ? Encoding.Latin1.GetString(text[..end]).ToLowerInvariant() : null;
    }

    /// <summary>The n of a $n in the first place, with nothing but a cast behind it; 0: there is none.</summary>
    private static int ConfigParameter(ReadOnlySpan<byte> text)
    {
        text = text.TrimStart("\" \t\r\n"u8);
        if (text is not [(byte)'(', ..]) return 0;
        text = text[1..].TrimStart(" \t\r\n"u8);
        if (text is not [(byte)'$', ..] || text.IndexOf((byte)',') is not (> 0 and var end)) return 0;
        var argument = text[1..end];
        var digits = argument.IndexOfAnyExceptInRange((byte)'0', (byte)'9') is >= 0 and var rest ? rest : argument.Length;
        var cast = argument[digits..].Trim(" \t\r\n"u8);
        var isPlain = cast.IsEmpty || (cast.StartsWith("::"u8) && cast[2..].IndexOfAnyExcept(_lettersOfType) < 0);
        return isPlain && int.TryParse(argument[..digits], out var number) ? number : 0;
    }

    private static readonly SearchValues<byte> _lettersOfType =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_. \""u8);

    /// <summary>The name behind SET; null: none with a dot in it.</summary>
    private static string? CommandName(ReadOnlySpan<byte> text)
    {
        var scanner = new SqlScanner(text, hasBackslashes: false);
        var name = "";
        for (var kind = scanner.Next(); kind is SqlToken.Word or SqlToken.QuotedName; kind = scanner.Next())
        {
            var part = Encoding.Latin1.GetString(SqlScanner.NameOf(kind, scanner.Token)).ToLowerInvariant();
            if (name.Length == 0 && part is "session" or "local") continue;
            name += part;
            if (scanner.Next() != SqlToken.Other || !scanner.Token.SequenceEqual("."u8)) break;
            name += ".";
        }
        return name.Contains('.') ? name : null;
    }

    private static bool IsInWord(byte b) => char.IsAsciiLetterOrDigit((char)b) || b is (byte)'_' or (byte)'$' || b >= 0x80;

    private static bool TryTake(ref ReadOnlySpan<byte> text, ReadOnlySpan<byte> lowerCase)
    {
        if (text.Length < lowerCase.Length || !Ascii.EqualsIgnoreCase(text[..lowerCase.Length], lowerCase)) return false;
        text = text[lowerCase.Length..];
        return true;
    }
}
