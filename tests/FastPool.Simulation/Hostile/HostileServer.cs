using System.Buffers.Binary;
using FastPool.Simulation.Network;
using FastPool.Simulation.Postgres;

namespace FastPool.Simulation.Hostile;

/// <summary>A server that answers what it is asked, mostly, and says wrong things in between.</summary>
internal sealed class HostileServer(MemorySocket socket, Dice dice, int pid)
{
    private readonly Mutator _mutator = new(dice) { Rate = dice.Between(3, 60) };
    private readonly ByteQueue _input = new();
    private readonly ByteQueue _right = new();
    private readonly ByteQueue _output = new();
    private bool _isIn;

    internal MemorySocket Socket => socket;

    internal bool IsOver { get; private set; }

    internal void Step(bool isCalm)
    {
        if (IsOver) return;
        socket.ConnectResult ??= isCalm ? Native.Errno.ECONNREFUSED : 0;
        if (isCalm || socket.PeerSeesEnd || dice.OneIn(400))
        {
            IsOver = true;
            if (dice.OneIn(2)) socket.PeerReset();
            else socket.PeerClose();
            return;
        }
        Read();
        Answer();
        _mutator.Mutate(_right.Span, _output);
        _right.Clear();
        if (dice.OneIn(4)) return; // Later.
        var count = dice.Percent(60) ? _output.Count : dice.Below(_output.Count + 1);
        socket.PeerWrite(_output.Span[..count]);
        _output.Take(count);
    }

    private void Read()
    {
        var waiting = socket.PeerInput;
        if (waiting.IsEmpty || dice.OneIn(3)) return;
        _input.Add(waiting);
        socket.PeerTake(waiting.Length);
    }

    private void Answer()
    {
        if (!_isIn)
        {
            var bytes = _input.Span;
            if (bytes.Length < 8 || bytes.Length < BinaryPrimitives.ReadInt32BigEndian(bytes)) return;
            var code = BinaryPrimitives.ReadInt32BigEndian(bytes[4..]);
            _input.Take(BinaryPrimitives.ReadInt32BigEndian(bytes));
            if (code == Wire.SslRequest)
            {
                socket.PeerWrite(dice.OneIn(10) ? "E"u8 : "N"u8);
                return;
            }
            if (code == Wire.CancelRequest)
            {
                IsOver = true;
                socket.PeerClose();
                return;
            }
            Welcome();
        }
        while (Wire.Frame(_input.Span, out var type) is var length and > 0)
        {
            _input.Take(length);
            Reply(type);
        }
    }

    private void Welcome()
    {
        _isIn = true;
        if (dice.OneIn(8))
            _right.Add(Wire.Typed('R', [.. Wire.Int32(dice.Of([3, 5, 7, 8, 10, 11, 12])), .. Wire.Strings("SCRAM-SHA-256", "")]));
        if (dice.OneIn(10)) _right.Add(Wire.Error("FATAL", "57P03", "not now"));
        _right.Add(Wire.Typed('R', Wire.Int32(0)));
        _right.Add(Wire.Typed('S', Wire.RawStrings("server_version", "15.3")));
        foreach (var (name, value) in Backend.Tracked) _right.Add(Wire.Typed('S', Wire.RawStrings(name, value)));
        _right.Add(Wire.Typed('K', [.. Wire.Int32(pid), .. Wire.Int32(7)]));
        _right.Add(Wire.Typed('Z', [(byte)'I']));
    }

    private void Reply(char type)
    {
        if (dice.OneIn(15)) _right.Add(Wire.Notice("what now"));
        if (dice.OneIn(20))
            _right.Add(Wire.Typed('S',
                Wire.RawStrings(dice.Of(["DateStyle", "TimeZone", "unknown"]), dice.Of(["x", "", "a,b"]))));
        switch (type)
        {
            case 'Q':
                if (dice.OneIn(4)) _right.Add(Wire.Error("ERROR", dice.Of(["26000", "0A000", "42601"]), "no"));
                else if (dice.OneIn(8)) _right.Add(Wire.Typed('G', [0, 0, 0]));
                else Row();
                Ready();
                break;
            case 'P': _right.Add(Wire.Typed('1')); break;
            case 'B': _right.Add(Wire.Typed('2')); break;
            case 'C': _right.Add(Wire.Typed('3')); break;
            case 'D':
                if (dice.OneIn(2)) _right.Add(Wire.Typed('n'));
                else Row();
                break;
            case 'E': Row(); break;
            case 'F':
                _right.Add(Wire.Typed('V', Wire.Int32(-1)));
                Ready();
                break;
            case 'S': Ready(); break;
            case 'X':
                IsOver = true;
                socket.PeerClose();
                break;
            case 'c' or 'f': _right.Add(Wire.Typed('C', Wire.RawStrings("COPY 1"))); break;
        }
    }

    private void Row()
    {
        _right.Add(Wire.Typed('T', [0, 1, .. Wire.Strings("a"), .. new byte[18]]));
        for (var i = dice.Below(4); i > 0; i--) _right.Add(Wire.Typed('D', [0, 1, .. Wire.Int32(1), (byte)'x']));
        _right.Add(Wire.Typed('C', Wire.RawStrings(
            dice.Of(["SELECT 1", "DISCARD ALL", "DEALLOCATE ALL", "SET", "BEGIN", "COMMIT", "LISTEN", "PREPARE"]))));
    }

    private void Ready() => _right.Add(Wire.Typed('Z', [(byte)dice.Of("IIIITE".ToCharArray())]));
}
