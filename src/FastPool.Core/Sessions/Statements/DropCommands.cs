using System.Text;

namespace FastPool.Core.Sessions;

/// <summary>
/// The commands of an SQL text that drop prepared statements: DEALLOCATE of a name or of all, DISCARD ALL. PostgreSQL decides
/// what they do; this only says which names it will be asked about.
/// </summary>
/// <param name="hasBackslashes">standard_conforming_strings is off.</param>
internal ref struct DropCommands(ReadOnlySpan<byte> text, bool hasBackslashes)
{
    private SqlScanner _scanner = new(text, hasBackslashes);
    private bool _isPastAny;

    /// <summary>The name that is dropped; null: all are.</summary>
    internal byte[]? Name { get; private set; }

    /// <summary>Whether a text may have any: most have not, and are not cut.</summary>
    internal static bool MayBeIn(ReadOnlySpan<byte> text)
    {
        while (text.IndexOfAny((byte)'D', (byte)'d') is >= 0 and var at)
        {
            text = text[at..];
            if (Begins(text, "deallocate"u8) || Begins(text, "discard"u8)) return true;
            text = text[1..];
        }
        return false;
    }

    private static bool Begins(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word) =>
        text.Length >= word.Length && Ascii.EqualsIgnoreCase(text[..word.Length], word);

    /// <summary>The name that a text drops which is one command; null: it is none such.</summary>
    internal static byte[]? OnlyName(ReadOnlySpan<byte> text)
    {
        if (!MayBeIn(text)) return null;
        var commands = new DropCommands(text, hasBackslashes: false);
        return commands.MoveNext() ? commands.Name : null;
    }

    /// <summary>Goes on to the next such command.</summary>
    internal bool MoveNext()
    {
        while (true)
        {
            if (_isPastAny && !SkipToNextCommand()) return false;
            _isPastAny = true;
            var kind = SkipEmptyCommands();
            if (kind == SqlToken.End) return false;
            if (kind != SqlToken.Word) continue;
            if (Ascii.EqualsIgnoreCase(_scanner.Token, "discard"u8))
            {
                Name = null;
                if (IsAll(Ahead(out var what), what)) return true;
            }
            else if (Ascii.EqualsIgnoreCase(_scanner.Token, "deallocate"u8) && ReadDeallocate())
            {
                return true;
            }
        }
    }

    private SqlToken SkipEmptyCommands()
    {
        SqlToken kind;
        do
        {
            kind = _scanner.Next();
        }
        while (kind == SqlToken.Semicolon);
        return kind;
    }

    /// <returns>False: there is none.</returns>
    private bool SkipToNextCommand()
    {
        while (true)
        {
            switch (_scanner.Next())
            {
                case SqlToken.End: return false;
                case SqlToken.Semicolon: return true;
            }
        }
    }

    /// <summary>DEALLOCATE [ PREPARE ] { name | ALL }: a statement may be called "prepare".</summary>
    private bool ReadDeallocate()
    {
        var kind = Ahead(out var name);
        if (kind is not (SqlToken.Word or SqlToken.QuotedName)) return false;
        if (kind == SqlToken.Word && Ascii.EqualsIgnoreCase(name, "prepare"u8))
        {
            _scanner.Next();
            var next = Ahead(out var second);
            if (next is SqlToken.Word or SqlToken.QuotedName)
            {
                kind = next;
                name = second;
            }
        }
        Name = IsAll(kind, name) ? null : SqlScanner.NameOf(kind, name);
        return true;
    }

    private static bool IsAll(SqlToken kind, ReadOnlySpan<byte> word) =>
        kind == SqlToken.Word && Ascii.EqualsIgnoreCase(word, "all"u8);

    /// <summary>The next token, which is still to come.</summary>
    private readonly SqlToken Ahead(out ReadOnlySpan<byte> token)
    {
        var ahead = _scanner;
        var kind = ahead.Next();
        token = ahead.Token;
        return kind;
    }
}
