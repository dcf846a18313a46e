using FastPool.Core.Settings;
using FastPool.Simulation.Clients;
using FastPool.Simulation.Network;
using FastPool.Simulation.Postgres;

namespace FastPool.Simulation.Hostile;

/// <summary>
/// A client that logs in, mostly, and then says what a client says, with wrong things in between. It may read nothing, and may
/// leave at any moment.
/// </summary>
internal sealed class HostileClient
{
    internal const string Database = "evil";
    internal const string User = "eve";

    private readonly MemoryNetwork _network;
    private readonly Dice _dice;
    private readonly Mutator _mutator;
    private readonly IReadOnlyList<Piece> _script;
    private readonly LoginAnswers _answers = new(User);
    private readonly ByteQueue _input = new();
    private readonly ByteQueue _output = new();
    private readonly bool _reads;
    private MemorySocket? _socket;
    private int _next;
    private bool _isIn;

    internal HostileClient(MemoryNetwork network, Dice dice)
    {
        _network = network;
        _dice = dice;
        _mutator = new Mutator(dice) { Rate = dice.Between(2, 40) };
        _reads = !dice.OneIn(4);
        _script =
            Script.Make(900
            + dice.Below(50), dice, new ScriptScope(PoolMode.Transaction, HasNames: true, MayDiscard: true, IsFast: true),
            dice.Between(2, 20));
    }

    internal bool IsOver { get; private set; }

    internal void Step(bool isCalm)
    {
        if (IsOver) return;
        if (_socket is null)
        {
            Connect();
            return;
        }
        if (_socket.PeerSeesEnd || isCalm || _dice.OneIn(300))
        {
            Leave();
            return;
        }
        Read();
        if (_isIn && _dice.OneIn(2)) Talk();
        if (_output.Count == 0) return;
        var count = _dice.Percent(60) ? _output.Count : 1 + _dice.Below(_output.Count);
        _socket.PeerWrite(_output.Span[..count]);
        _output.Take(count);
    }

    private void Connect()
    {
        _socket = _network.ConnectClient();
        for (var i = _dice.OneIn(5) ? _dice.Below(50) : 0; i > 0; i--)
            _output.Add(Wire.Untyped(_dice.Of([Wire.SslRequest, Wire.GssEncRequest])));
        var startup = Wire.Untyped(Wire.Version3,
            [.. Wire.Strings("user", User, "database", Database, "application_name", "x"), 0]);
        if (_dice.OneIn(6)) startup[_dice.Below(startup.Length)] = (byte)_dice.Next();
        _output.Add(startup);
        if (_dice.OneIn(6)) _isIn = true; // It does not wait to be let in.
    }

    private void Leave()
    {
        IsOver = true;
        switch (_dice.Below(3))
        {
            case 0: _socket!.PeerReset(); break;
            case 1: _socket!.PeerClose(); break;
            default:
                _socket!.PeerWrite(_output.Span);
                _socket.PeerHalfClose();
                _socket.PeerClose();
                break;
        }
    }

    private void Read()
    {
        var waiting = _socket!.PeerInput;
        if (waiting.IsEmpty || (_isIn && !_reads) || _dice.OneIn(3)) return;
        if (!_isIn) _input.Add(waiting);
        _socket.PeerTake(waiting.Length);
        while (!_isIn && _input.Count > 0)
        {
            if (_input.Span[0] is (byte)'N' && (_input.Count == 1 || Wire.Frame(_input.Span, out _) == 0))
            {
                _input.Take(1); // The answer to a request for encryption.
                continue;
            }
            var length = Wire.Frame(_input.Span, out var type);
            if (length == 0) return;
            if (type == 'R') _answers.Answer(_input.Span[5..length].ToArray(), _output);
            _isIn = type == 'Z';
            _input.Take(length);
        }
    }

    private void Talk()
    {
        if (_next == _script.Count)
        {
            Leave();
            return;
        }
        _mutator.Mutate(_script[_next++].Bytes, _output);
    }
}
