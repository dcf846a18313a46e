using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Net;
using FastPool.Simulation.Network;
using FastPool.Simulation.Postgres;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>result_buffer: a client that reads slowly, and a server that has said all.</summary>
public sealed class ResultBufferTests
{
    private const int Megabyte = 1024 * 1024;
    private const string Ample = "result_buffer=8388608\n";

    private TransactionPath _path = null!;
    private MemorySocket _slow = null!;
    private MemorySocket _other = null!;
    private MemorySocket _server = null!;

    private void Start(string own, string settings = "", bool hasTls = false)
    {
        _path = new TransactionPath(settings: settings, databases: "d = host=127.0.0.1\n[fastpool]\n" + own, hasTls: hasTls);
        _slow = _path.LogIn();
        _other = _path.LogIn();
        _server = _path.Server!;
    }

    private Pool Pool => _path.Registry.PoolList.Single(static pool => pool.Database.Name == "d");

    private LoopFigures Figures => _path.View.Figures;

    private ClientConnection Slow => ClientConnection.Of(_path.View.Clients[0]);

    /// <summary>Rows of a kilobyte each, of which none is like another.</summary>
    private static byte[] Result(int bytes, char status = 'I')
    {
        var result = new ByteQueue();
        result.Add(Wire.Typed('T', Wire.Int16(0)));
        for (var i = 0; result.Count < bytes; i++)
        {
            var value = new byte[1000];
            new Random(i).NextBytes(value);
            result.Add(Wire.Typed('D', [.. Wire.Int16(1), .. Wire.Int32(value.Length), .. value]));
        }
        result.Add(Wire.Typed('C', Wire.RawStrings("SELECT 1")));
        result.Add(Wire.Typed('Z', [(byte)status]));
        return result.ToArray();
    }

    private void Ask(MemorySocket client)
    {
        client.PeerWrite(TransactionPath.SimpleQuery());
        _path.Elapse(0.02, () => !_server.PeerInput.IsEmpty);
        Assert.Equal(TransactionPath.SimpleQuery().Length, _server.PeerInput.Length);
        _server.PeerTake(_server.PeerInput.Length);
    }

    /// <summary>The slow one asks, reads some bytes of the answer and no more, and the server says all of it.</summary>
    private byte[] AskSlowly(int bytes, char status = 'I')
    {
        _slow.Capacity = 1000;
        Ask(_slow);
        var result = Result(bytes, status);
        _server.PeerWrite(result);
        _path.Elapse(0.1);
        return result;
    }

    private void OtherIsServed()
    {
        Ask(_other);
        _server.PeerWrite(TransactionPath.SimpleReply());
        _path.Elapse(0.02);
        Assert.Equal(TransactionPath.SimpleReply(), _other.PeerInput.ToArray());
        _other.PeerTake(_other.PeerInput.Length);
    }

    private void HeldIsGone()
    {
        Assert.Equal((0L, 0), (Figures.HeldResultBytes, _path.View.Clients.Count == 0 ? 0 : Slow.Room));
        Assert.Equal(0, _path.ResultBytesTaken);
    }

    /// <summary>The slow one goes on reading, in steps.</summary>
    private void ReadsAll(byte[] result)
    {
        var read = new List<byte>();
        for (var rounds = 0; read.Count < result.Length; rounds++)
        {
            Assert.True(rounds < 1000);
            _path.Elapse(0.005);
            var here = _slow.PeerInput.ToArray(); // Of TLS, whole records.
            read.AddRange(here);
            _slow.PeerTake(here.Length);
            _slow.Capacity = Math.Min(200_000, _slow.Capacity * 2);
        }
        Assert.True(result.AsSpan().SequenceEqual(read.ToArray()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_server_goes_back_as_soon_as_it_has_said_all(bool hasTls)
    {
        Start(Ample, hasTls: hasTls);
        var result = AskSlowly(3 * Megabyte);
        Assert.Equal((1, 0), (Pool.Counts.Idle, Pool.Counts.Active));
        Assert.InRange(Figures.HeldResultBytes, 2 * Megabyte, 4 * Megabyte);
        Assert.Equal(Figures.HeldResultBytes, _path.ResultBytesTaken);
        for (var i = 0; i < 3; i++) OtherIsServed();
        ReadsAll(result);
        HeldIsGone();
        Assert.Equal((1L, 0L), (Figures.ResultsHeld, Figures.ResultsRefused));
        OtherIsServed();
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("result_buffer=0\n", "")]
    [InlineData(Ample, "pool_mode=session\ndefault_pool_size=2")]
    [InlineData(Ample + "result_buffer_total=0\n", "")]
    public void Without_it_the_server_waits_for_its_client(string own, string settings)
    {
        Start(own, settings);
        var result = AskSlowly(Megabyte);
        Assert.Equal(1, Pool.Counts.Active);
        Assert.InRange(_server.ReadableCount, Megabyte - 3 * Limits.ReceiveBytes, Megabyte);
        HeldIsGone();
        ReadsAll(result);
        Assert.Equal(0L, Figures.ResultsHeld);
    }

    [Fact]
    public void A_client_that_reads_in_time_costs_nothing()
    {
        Start(Ample);
        for (var i = 0; i < 3; i++) OtherIsServed();
        Ask(_other);
        _server.PeerWrite(Result(2 * Megabyte));
        _path.Elapse(0.1);
        Assert.Equal((0L, 0L), (Figures.ResultsHeld, Figures.HeldResultBytes));
    }

    [Fact]
    public void Beyond_its_bound_the_server_waits()
    {
        const int Bound = 1_000_000;
        Start($"result_buffer={Bound}\n");
        var result = AskSlowly(4 * Megabyte);
        Assert.Equal(1, Pool.Counts.Active);
        Assert.InRange(Slow.Unsent.Count, Bound, Bound + Limits.ReceiveBytes);
        Assert.InRange(Slow.Room, Bound - UnsentBytes.PieceBytes - Limits.ReceiveBytes, Bound);
        Assert.Equal(0L, Figures.ResultsRefused);
        ReadsAll(result);
        HeldIsGone();
        Assert.Equal(1, Pool.Counts.Idle);
    }

    [Fact]
    public void When_the_total_is_used_up_the_next_server_waits_until_others_have_read()
    {
        Start("result_buffer=8388608\nresult_buffer_total=2097152\n", "default_pool_size=2");
        var first = AskSlowly(2 * Megabyte - 100_000);
        Assert.Equal(0, Pool.Counts.Active);
        _other.Capacity = 1000;
        Ask(_other);
        var second = Result(Megabyte);
        _server.PeerWrite(second);
        _path.Elapse(1);
        Assert.Equal(1, Pool.Counts.Active);
        Assert.Equal((1L, true), (Figures.ResultsRefused, Figures.HeldResultBytes <= 2 * Megabyte));
        ReadsAll(first);
        _path.Elapse(1); // The second client has not taken a byte meanwhile.
        Assert.Equal(0, Pool.Counts.Active);
        Assert.Equal((2L, 1L), (Figures.ResultsHeld, Figures.ResultsRefused));
        _other.Capacity = int.MaxValue;
        _path.Elapse(0.02);
        Assert.True(second.AsSpan().SequenceEqual(_other.PeerInput));
        HeldIsGone();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_client_that_goes_leaves_nothing_behind(bool isMidResult)
    {
        Start(isMidResult ? "result_buffer=500000\n" : Ample);
        AskSlowly(2 * Megabyte);
        Assert.Equal(isMidResult ? 1 : 0, Pool.Counts.Active);
        Assert.NotEqual(0, Figures.HeldResultBytes);
        _slow.PeerReset();
        _path.Elapse(0.02);
        Assert.Single(_path.View.Clients);
        Assert.Equal((0L, 0L), (Figures.HeldResultBytes, _path.ResultBytesTaken));
    }

    [Fact]
    public void Its_next_query_waits_until_it_has_read_the_answer_to_the_last()
    {
        Start(Ample);
        var result = AskSlowly(2 * Megabyte);
        _slow.PeerWrite(TransactionPath.SimpleQuery());
        _path.Elapse(1);
        Assert.True(_server.PeerInput.IsEmpty);
        OtherIsServed();
        ReadsAll(result);
        _path.Elapse(0.02);
        Assert.Equal(TransactionPath.SimpleQuery(), _server.PeerInput.ToArray());
        _server.PeerTake(_server.PeerInput.Length);
        _server.PeerWrite(TransactionPath.SimpleReply());
        _path.Elapse(0.02);
        Assert.Equal(TransactionPath.SimpleReply(), _slow.PeerInput.ToArray());
    }

    [Fact]
    public void A_pipeline_is_answered_in_order()
    {
        Start(Ample);
        _slow.Capacity = 1000;
        for (var i = 0; i < 3; i++) _slow.PeerWrite(TransactionPath.SimpleQuery());
        _path.Elapse(0.02);
        Assert.Equal(3 * TransactionPath.SimpleQuery().Length, _server.PeerInput.Length);
        byte[] all = [.. Result(Megabyte), .. TransactionPath.SimpleReply(), .. Result(2 * Megabyte)];
        _server.PeerWrite(all);
        _path.Elapse(0.1);
        Assert.Equal(1, Pool.Counts.Idle);
        ReadsAll(all);
    }

    [Fact]
    public void A_reload_turns_it_on_and_off()
    {
        Start("result_buffer=0\n");
        var result = AskSlowly(2 * Megabyte);
        Assert.Equal(1, Pool.Counts.Active);
        _path.Set("result_buffer", "8388608");
        _path.Elapse(0.5);
        Assert.Equal(0, Pool.Counts.Active);
        _path.Set("result_buffer", "0");
        ReadsAll(result);
        HeldIsGone();
        AskSlowly(2 * Megabyte);
        Assert.Equal(1, Pool.Counts.Active);
    }

    [Fact]
    public void A_client_that_still_takes_something_is_not_idle()
    {
        Start(Ample, "client_idle_timeout=2");
        AskSlowly(2 * Megabyte);
        for (var i = 0; i < 10; i++)
        {
            OtherIsServed(); // It is not idle either.
            _path.Elapse(1);
            Assert.Equal(2, _path.View.Clients.Count);
            _slow.PeerTake(_slow.PeerInput.Length);
        }
        Assert.Equal(0, Pool.Counts.Active);
        OtherIsServed();
        _path.Elapse(1.5);
        OtherIsServed();
        _path.Elapse(1.5);
        Assert.Single(_path.View.Clients);
        Assert.Equal(0, Figures.HeldResultBytes);
    }

    [Fact]
    public void The_transaction_of_such_a_client_is_not_idle()
    {
        Start(Ample, "idle_transaction_timeout=2");
        AskSlowly(2 * Megabyte, status: 'T');
        Assert.Equal(1, Pool.Counts.Active);
        for (var i = 0; i < 10; i++)
        {
            _path.Elapse(1);
            Assert.Equal(2, _path.View.Clients.Count);
            _slow.PeerTake(_slow.PeerInput.Length);
        }
        _path.Elapse(3);
        Assert.Single(_path.View.Clients);
        Assert.Equal(0, Figures.HeldResultBytes);
    }

    [Fact]
    public void A_drain_waits_until_it_has_read_all()
    {
        Start(Ample);
        var result = AskSlowly(2 * Megabyte);
        Assert.Equal(1, _path.View.Drain(1000)); // The other one has gone.
        _path.Elapse(0.02);
        Assert.Equal(1, _path.View.Drain(1000));
        ReadsAll(result);
        _path.Elapse(0.02);
        Assert.Equal(0, _path.View.Drain(1000));
        Assert.Equal((byte)'E', _slow.PeerInput[0]);
        Assert.Equal(0, _path.ResultBytesTaken);
    }
}
