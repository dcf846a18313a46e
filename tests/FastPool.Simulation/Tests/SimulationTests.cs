using FastPool.Simulation.Worlds;
using Xunit.Abstractions;

namespace FastPool.Simulation.Tests;

/// <summary>
/// Many worlds, each from a seed. FASTPOOL_SEED=n replays one with its log; FASTPOOL_SEEDS=n runs as many in place of the
/// usual number, FASTPOOL_FIRST_SEED=n from another first one. A seed makes two worlds: in one of them clients change more of
/// their sessions.
/// </summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int SeedsPerPart = 125;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Every_client_sees_what_a_direct_connection_would_have_shown(int part) => RunPart(part, isStateful: false);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Every_client_finds_its_own_session_and_nobody_elses(int part) => RunPart(part, isStateful: true);

    private void RunPart(int part, bool isStateful)
    {
        if (Number("FASTPOOL_SEED") is { } only)
        {
            if (part == 0) Replay(only, isStateful);
            return;
        }
        var count = Number("FASTPOOL_SEEDS") is { } total ? total / 4 : SeedsPerPart;
        var first = Number("FASTPOOL_FIRST_SEED") ?? 1;
        for (var seed = first + (ulong)part * count; seed < first + (ulong)(part + 1) * count; seed++)
        {
            var world = new World(seed, isStateful: isStateful);
            try
            {
                world.Run();
            }
            catch (Exception e)
            {
                Assert.Fail($"FASTPOOL_SEED={seed} ({world.Plan}), round {world.Round}:\n{e}");
            }
        }
    }

    [Fact]
    public void TLS_goes_from_process_to_process_in_the_midst_of_it()
    {
        var takeovers = 0;
        for (ulong seed = 1; takeovers < 100; seed++)
        {
            var world = new World(seed);
            Assert.True(seed < 500);
            if (!world.Plan.HasTls) continue;
            world.Run();
            takeovers += world.Engines.Sum(static engine => engine.TlsTakeovers);
        }
    }

    [Fact]
    public void Clients_move_from_loop_to_loop()
    {
        var (moves, changes) = (0, 0); // Some worlds have a thousand moves, and most have none.
        for (ulong seed = 1; moves < 1_000 || changes < 200; seed++)
        {
            Assert.True(seed < 600, $"{moves} moves, {changes} changes");
            var world = new World(seed, isStateful: seed % 2 == 0);
            world.Run();
            moves += world.ClientMoves;
            changes += world.UseChanges;
        }
    }

    [Fact]
    public void Results_are_held_for_slow_clients_and_refused()
    {
        var (held, refused) = (0L, 0L);
        for (ulong seed = 1; held < 200 || refused < 20; seed++)
        {
            Assert.True(seed < 200, $"held {held}, refused {refused}");
            var world = new World(seed);
            world.Run();
            foreach (var loop in world.Group.All)
            {
                held += loop.Figures.ResultsHeld;
                refused += loop.Figures.ResultsRefused;
            }
        }
    }

    [Theory]
    [InlineData(75607909213715)] // Canceled in the queue and back in it, within one turn.
    [InlineData(75994921747993)] // At the end of its script, in a COPY that it had not foreseen.
    [InlineData(79677619042998)] // RESET in a Query that claims to be 2 GB long.
    public void Worlds_that_showed_a_fault_once_show_none(ulong seed) => new World(seed).Run();

    private void Replay(ulong seed, bool isStateful)
    {
        var log = new List<string>();
        var world = new World(seed, log, isStateful: isStateful);
        try
        {
            world.Run();
        }
        finally
        {
            output.WriteLine($"{world.Plan}; {world.Round} rounds, {world.Clock.NowUs / 1_000_000} s");
            foreach (var line in log) output.WriteLine(line);
        }
    }

    private static ulong? Number(string variable) =>
        ulong.TryParse(Environment.GetEnvironmentVariable(variable), out var number) ? number : null;
}
