using System.Text.RegularExpressions;
using FastPool.Base;
using FastPool.Core.Pools;

namespace FastPool.Tests.Core.Pools;

/// <summary>The table of a server's life in the code is the one that people read.</summary>
public sealed class ServerLifeTests
{
    [Fact]
    public void The_table_in_the_architecture_page_is_the_table_of_the_code()
    {
        var page = File.ReadAllText(Path.Combine(SourceTree.Folder, "ARCHITECTURE.md"));
        var rows = Regex.Matches(page, @"^\| `(\w+)` \| ([\w, ]+) → (\w+) \|", RegexOptions.Multiline)
            .Select(static match => (match.Groups[1].Value, match.Groups[2].Value, match.Groups[3].Value));
        Assert.Equal(ServerLife.Table.Select(static row => (row.Event.ToString(), row.From, row.To)), rows);
    }

    [Fact]
    public void Every_event_has_one_row() =>
        Assert.Equal(Enum.GetValues<ServerEvent>().Except([ServerEvent.None]).Order(),
            ServerLife.Table.Select(static row => row.Event).Order());

    [Theory]
    [InlineData(ServerState.Closing, ServerEvent.Grant)]
    [InlineData(ServerState.Used, ServerEvent.Grant)]
    [InlineData(ServerState.Gone, ServerEvent.Remove)]
    [InlineData(ServerState.Idle, ServerEvent.Test)]
    [InlineData(ServerState.Idle, ServerEvent.Link)]
    [InlineData(ServerState.Idle, ServerEvent.None)]
    public void An_event_that_the_table_does_not_know_throws_in_release_builds_too(ServerState state, ServerEvent what)
    {
        var thrown = Assert.Throws<CheckFailedException>(() => ServerLife.Next(state, what));
        Assert.Equal($"ServerState {state} knows no {what}", thrown.Message);
    }

    [Theory]
    [InlineData(ServerPhase.Linked, ServerEvent.Link)]
    [InlineData(ServerPhase.Moving, ServerEvent.Link)]
    [InlineData(ServerPhase.Free, ServerEvent.Part)]
    [InlineData(ServerPhase.Free, ServerEvent.Rest)]
    public void So_it_is_for_phases(ServerPhase phase, ServerEvent what) =>
        Assert.Throws<CheckFailedException>(() => ServerLife.Next(phase, what));
}
