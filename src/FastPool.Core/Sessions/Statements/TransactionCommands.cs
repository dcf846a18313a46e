using System.Text;

namespace FastPool.Core.Sessions;

/// <summary>A command that begins or ends a transaction and does nothing else.</summary>
internal enum TransactionCommand : byte
{
    None,
    Begin,
    StartTransaction,
    Commit,
    Rollback,
}

/// <summary>
/// Finds texts that are one command which begins a transaction, in any form that PostgreSQL takes, or ends one in a plain form.
/// A text that is not certain to be such is none: it goes to a server like any other. Source: PostgreSQL, BEGIN, COMMIT.
/// </summary>
internal static class TransactionCommands
{
    /// <summary>A longer text is none.</summary>
    internal const int TextBytesMax = 250;

    /// <param name="text">All of it, without the NUL.</param>
    internal static TransactionCommand Of(ReadOnlySpan<byte> text)
    {
        // Comments may have no end. A vertical tab is no blank before PostgreSQL 16.
        if (text.Length > TextBytesMax || text.IndexOfAny((byte)'/', (byte)0, (byte)'\v') >= 0) return TransactionCommand.None;
        var scanner = new SqlScanner(text, hasBackslashes: false);
        if (scanner.Next() != SqlToken.Word) return TransactionCommand.None;
        var first = scanner.Token;
        if (Is(first, "begin"u8)) return BeginsAs(ref scanner, TransactionCommand.Begin);
        if (Is(first, "start"u8))
        {
            return IsNext(ref scanner, "transaction"u8) && TakesModes(ref scanner, scanner.Next())
                ? TransactionCommand.StartTransaction : TransactionCommand.None;
        }
        if (Is(first, "commit"u8) || Is(first, "end"u8)) return EndsAs(ref scanner, TransactionCommand.Commit);
        if (Is(first, "rollback"u8) || Is(first, "abort"u8)) return EndsAs(ref scanner, TransactionCommand.Rollback);
        return TransactionCommand.None;
    }

    private static bool Is(ReadOnlySpan<byte> token, ReadOnlySpan<byte> word) => Ascii.EqualsIgnoreCase(token, word);

    private static bool IsNext(ref SqlScanner scanner, ReadOnlySpan<byte> word) =>
        scanner.Next() == SqlToken.Word && Is(scanner.Token, word);

    /// <summary>WORK or TRANSACTION may follow the first word.</summary>
    private static SqlToken NextBehindNoise(ref SqlScanner scanner)
    {
        var kind = scanner.Next();
        return kind == SqlToken.Word && (Is(scanner.Token, "work"u8) || Is(scanner.Token, "transaction"u8))
            ? scanner.Next() : kind;
    }

    private static TransactionCommand BeginsAs(ref SqlScanner scanner, TransactionCommand command) =>
        TakesModes(ref scanner, NextBehindNoise(ref scanner)) ? command : TransactionCommand.None;

    private static TransactionCommand EndsAs(ref SqlScanner scanner, TransactionCommand command) =>
        IsEnd(ref scanner, NextBehindNoise(ref scanner)) ? command : TransactionCommand.None;

    private static bool IsEnd(ref SqlScanner scanner, SqlToken kind)
    {
        while (kind == SqlToken.Semicolon) kind = scanner.Next();
        return kind == SqlToken.End;
    }

    /// <summary>Any number of modes, with commas between them or without, up to the end.</summary>
    private static bool TakesModes(ref SqlScanner scanner, SqlToken kind)
    {
        if (kind is SqlToken.End or SqlToken.Semicolon) return IsEnd(ref scanner, kind);
        while (kind == SqlToken.Word && TakesMode(ref scanner))
        {
            kind = scanner.Next();
            if (kind is SqlToken.End or SqlToken.Semicolon) return IsEnd(ref scanner, kind);
            if (kind == SqlToken.Other && scanner.Token is [(byte)',']) kind = scanner.Next();
        }
        return false;
    }

    private static bool TakesMode(ref SqlScanner scanner)
    {
        var word = scanner.Token;
        if (Is(word, "deferrable"u8)) return true;
        if (Is(word, "not"u8)) return IsNext(ref scanner, "deferrable"u8);
        if (Is(word, "read"u8))
        {
            return scanner.Next() == SqlToken.Word && (Is(scanner.Token, "only"u8) || Is(scanner.Token, "write"u8));
        }
        if (!Is(word, "isolation"u8) || !IsNext(ref scanner, "level"u8) || scanner.Next() != SqlToken.Word) return false;
        var level = scanner.Token;
        if (Is(level, "serializable"u8)) return true;
        if (Is(level, "repeatable"u8)) return IsNext(ref scanner, "read"u8);
        return Is(level, "read"u8) && scanner.Next() == SqlToken.Word
            && (Is(scanner.Token, "committed"u8) || Is(scanner.Token, "uncommitted"u8));
    }
}
