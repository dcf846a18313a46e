using System.Text;
using FastPool.Core.Sessions;

namespace FastPool.Tests.Core.Sessions.Statements;

/// <summary>Texts that begin or end a transaction, and texts that only look like it.</summary>
public sealed class TransactionCommandTests
{
    [Theory]
    [InlineData("begin", "Begin")]
    [InlineData("  BEGIN ;; ", "Begin")]
    [InlineData("Begin Work", "Begin")]
    [InlineData("begin transaction -- the first\n;", "Begin")]
    [InlineData("begin isolation level serializable", "Begin")]
    [InlineData("begin isolation level repeatable read, read only, deferrable", "Begin")]
    [InlineData("BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE NOT DEFERRABLE;", "Begin")]
    [InlineData("begin work isolation level read uncommitted", "Begin")]
    [InlineData("begin read only", "Begin")]
    [InlineData("start transaction", "StartTransaction")]
    [InlineData("START\tTRANSACTION read write", "StartTransaction")]
    [InlineData("commit", "Commit")]
    [InlineData("COMMIT WORK;", "Commit")]
    [InlineData("end transaction", "Commit")]
    [InlineData("rollback", "Rollback")]
    [InlineData("abort work", "Rollback")]
    [InlineData("", "None")]
    [InlineData(";begin", "None")]
    [InlineData("begin; select 1", "None")]
    [InlineData("begin; begin", "None")]
    [InlineData("begin work work", "None")]
    [InlineData("begin,", "None")]
    [InlineData("begin , read only", "None")]
    [InlineData("begin read only,", "None")]
    [InlineData("begin read only,, deferrable", "None")]
    [InlineData("begin read", "None")]
    [InlineData("begin isolation serializable", "None")]
    [InlineData("begin isolation level read", "None")]
    [InlineData("begin isolation level snapshot", "None")]
    [InlineData("begin not", "None")]
    [InlineData("begin (read only)", "None")]
    [InlineData("begin 'read only'", "None")]
    [InlineData("\"begin\"", "None")]
    [InlineData("beginn", "None")]
    [InlineData("begin$1", "None")]
    [InlineData("begin atomic", "None")]
    [InlineData("begin /* no end", "None")]
    [InlineData("/* a */ begin", "None")]
    [InlineData("begin\vwork", "None")]
    [InlineData("begin\0", "None")]
    [InlineData("start", "None")]
    [InlineData("start work", "None")]
    [InlineData("start transaction work", "None")]
    [InlineData("commit and chain", "None")]
    [InlineData("commit and no chain", "None")]
    [InlineData("commit prepared 'x'", "None")]
    [InlineData("rollback to a", "None")]
    [InlineData("rollback to savepoint a", "None")]
    [InlineData("rollback and chain", "None")]
    [InlineData("end; end", "None")]
    [InlineData("select 1", "None")]
    [InlineData("prepare transaction 'x'", "None")]
    public void A_text_is_told(string text, string command) =>
        Assert.Equal(command, TransactionCommands.Of(Encoding.Latin1.GetBytes(text)).ToString());

    [Fact]
    public void A_long_text_is_none()
    {
        Assert.Equal(TransactionCommand.Begin, TransactionCommands.Of(Encoding.Latin1.GetBytes("begin" + new string(' ', 245))));
        Assert.Equal(TransactionCommand.None, TransactionCommands.Of(Encoding.Latin1.GetBytes("begin" + new string(' ', 246))));
    }
}
