using FastPool.Bench.Mover;

namespace FastPool.Simulation.Tests;

/// <summary>The model of the mover at high rates (bench/FastPool.Bench), where its figures can be told without it.</summary>
public sealed class MoverModelTests
{
    private const double Far = 1e9; // Beyond each run.

    private static readonly MoverCosts _costs = new()
    {
        Operation = 30,
        Waiting = 40,
        ScanWarm = 0,
        ScanCold = 0,
        ColdPool = 20,
        ColdObject = 50,
        Atomic = 5,
        Transfer = 60,
        LoopTurn = 10,
        Letter = 400,
        Signal = 500,
        WakeUp = 3_000,
        Detach = 300,
        Attach = 400,
    };

    private static ModelCase Bare(int loops, int servers) =>
        new() { Loops = loops, ClientsPerLoop = 2, Servers = servers, WarmUpNs = 1e6, SpanNs = 2e6 };

    private static ModelCase Working(int loops, double workNs) => Bare(loops, loops * 8) with
    {
        ClientsPerLoop = 8,
        TransactionNs = 20_000,
        WorkNs = workNs,
        IsRealLoop = true,
    };

    [Fact]
    public void One_loop_pays_its_operations_and_nothing_else()
    {
        var result = MoverModel.Run(Bare(1, 2), _costs);
        // Two clients take turns: an operation each for a turn of the loop, and the word is taken and given back.
        Assert.Equal(1e9 * 2 / (10 + 2 * (30 + 5 + 5)), result.Rate, 0.01 * result.Rate);
        Assert.Equal(0, result.LeftShare);
        Assert.Equal(0, result.LettersPerTake);
        Assert.Equal(5, result.TurnWaitNs, 0.1);
    }

    [Fact]
    public void One_loop_whose_clients_wait_pays_for_the_queue()
    {
        var result = MoverModel.Run(Bare(1, 1), _costs);
        Assert.InRange(result.Rate, 1e9 * 2 / (20 + 2 * (40 + 10)), 1.01e9 * 2 / (2 * (40 + 10)));
        Assert.Equal(0, result.LettersPerTake);
        Assert.True(result.RequestWaitNs > 40 + 10);
    }

    /// <summary>Operations of its own that a loop finds on the stack are run as anybody's: servers come as grants.</summary>
    [Fact]
    public void Loops_that_are_not_full_do_all_that_is_asked()
    {
        var what = Working(16, 20_000) with { SpanNs = 20e6, ClientsPerLoop = 16, Servers = 256 };
        Assert.InRange(MoverModel.Run(what, _costs).Rate, 0.9 * 16 * 2 / 21e-6, 16 * 2 / 20e-6);
    }

    [Fact]
    public void Runs_of_one_seed_are_the_same()
    {
        var what = Working(4, 1_000);
        Assert.Equal(MoverModel.Run(what, _costs), MoverModel.Run(what, _costs));
        Assert.NotEqual(MoverModel.Run(what, _costs).Rate, MoverModel.Run(what with { Seed = 2 }, _costs).Rate);
    }

    [Fact]
    public void Loops_with_much_other_work_do_not_feel_each_other()
    {
        var one = MoverModel.Run(Working(1, 20_000), _costs);
        var sixteen = MoverModel.Run(Working(16, 20_000), _costs);
        Assert.InRange(sixteen.Rate / one.Rate, 15, 17);
        Assert.InRange(sixteen.TurnShare, 0.01, 0.3);
    }

    /// <summary>No more is done than the one that has the turn can do.</summary>
    [Theory]
    [InlineData(8)]
    [InlineData(32)]
    public void The_turn_bounds_the_rate_of_bare_loops(int loops)
    {
        var result = MoverModel.Run(Bare(loops, 2 * loops), _costs);
        Assert.InRange(result.Rate, 1e6, 1e9 / _costs.Operation);
        Assert.True(result.TurnShare > 0.7, $"{result}");
        Assert.True(result.LeftShare > 0.3, $"{result}");
        Assert.True(result.TurnWaitNs > MoverModel.Run(Bare(1, 2), _costs).TurnWaitNs);
    }

    [Fact]
    public void A_look_at_all_idle_lists_costs_more_with_more_loops()
    {
        var looking = _costs with { ScanCold = 20 };
        var few = MoverModel.Run(Working(4, 20_000), looking).TurnShare / MoverModel.Run(Working(4, 20_000), _costs).TurnShare;
        var many = MoverModel.Run(Working(16, 20_000), looking).TurnShare / MoverModel.Run(Working(16, 20_000), _costs).TurnShare;
        Assert.True(many > few && few > 1, $"{many} with 16, {few} with 4 loops");
    }

    /// <summary>Within a step of arrival a server stays on its loop; where there is none, it must come by letter.</summary>
    [Fact]
    public void Servers_move_where_they_are_scarce()
    {
        var scarce = MoverModel.Run(Bare(4, 2), _costs);
        Assert.True(scarce.MovesPerTake > 0, $"{scarce}");
        Assert.True(scarce.RequestWaitNs > MoverModel.Run(Bare(4, 8), _costs).RequestWaitNs);
    }

    [Fact]
    public void Own_servers_without_the_turn_leave_loops_alone()
    {
        var what = Bare(16, 32) with { TakesOwnWithoutTurn = true };
        var one = MoverModel.Run(Bare(1, 2), _costs).Rate;
        Assert.InRange(MoverModel.Run(what, _costs).Rate, 15 * one, 17 * one);
    }

    [Fact]
    public void A_line_is_at_hand_until_another_core_writes_it()
    {
        var line = new CacheLine(_costs);
        Assert.Equal(65, line.Write(0, 0));
        Assert.Equal(105, line.Write(0, 100));
        Assert.Equal(200, line.Read(0, 200));
        Assert.Equal(360, line.Read(1, 300));
        Assert.Equal(400, line.Read(0, 400));
        Assert.Equal(565, line.Write(0, 500)); // The other has it too.
        Assert.Equal(660, line.Read(1, 600));
    }

    [Fact]
    public void Cores_that_want_a_line_at_once_get_it_one_after_the_other()
    {
        var line = new CacheLine(_costs);
        Assert.Equal([65, 130, 195], new[] { line.Write(0, 0), line.Write(1, 0), line.Write(2, 0) });
        Assert.Equal(Far + 65, line.Write(0, Far));
    }

    [Fact]
    public void The_law_is_found_in_points_that_follow_it()
    {
        var law = new ScalingLaw(5e6, 0.2, 0.003);
        var found = ScalingLaw.Fit([.. new[] { 1, 2, 4, 8, 16, 32, 64 }.Select(loops => (loops, law.At(loops)))]);
        Assert.Equal(0.2, found.Contention, 1e-9);
        Assert.Equal(0.003, found.Coherence, 1e-9);
        Assert.Equal(Math.Sqrt(0.8 / 0.003), found.BestLoops, 1e-6);
    }
}
