using FastPool.Simulation.Network;
using FastPool.Simulation.Postgres;

namespace FastPool.Simulation.Clients;

/// <summary>How a client behaves beside what it says.</summary>
internal sealed record Habits
{
    /// <summary>Bytes it reads at a time; 0: all.</summary>
    internal int ReadsMost { get; init; }

    /// <summary>Chance, in 10,000 per step, to vanish without a word.</summary>
    internal int Vanishes { get; init; }

    internal bool AsksForTls { get; init; }

    /// <summary>And the pooler agrees.</summary>
    internal bool GetsTls { get; init; }

    /// <summary>The answer may be that of a pooler in trouble.</summary>
    internal bool MeetsMines { get; init; }

    /// <summary>Chance, in 1,000 per step, to send a cancel request while a reply is due.</summary>
    internal int Cancels { get; init; }
    internal bool ClosesWithTerminate { get; init; }
}

/// <summary>One client of the pooler: logs in, says its script, notes every byte that comes back.</summary>
internal sealed class FakeClient
{
    private enum Stage { Waits, NewConnection, AwaitsTls, LoggingIn, Talks, Over }

    private readonly MemoryNetwork _network;
    private readonly FakeCluster _cluster;
    private readonly Dice _dice;
    private readonly List<Piece> _script;
    private readonly ByteQueue _input = new();
    private readonly ByteQueue _output = new();
    private readonly byte[] _startup;
    private readonly LoginAnswers _answers;
    private Stage _stage;
    private int _next;
    private int _framed;
    private int _readySeen;
    private int _copyInSeen;
    private int _errorsSeen;
    private int _closesSeen; // Since the last ReadyForQuery.
    private readonly Dictionary<int, int> _canceled = [];
    private int _replyDueAt;
    private int _copyInsBefore;
    private byte[] _cancelKey = [];
    private MemorySocket? _cancelSocket;

    internal FakeClient(int id, string user, string database, string[] startup, IReadOnlyList<Piece> script, Habits habits,
        MemoryNetwork network, FakeCluster cluster, Dice dice)
    {
        Id = id;
        User = user;
        _answers = new LoginAnswers(user);
        Database = database;
        Habits = habits;
        _script = [.. script];
        _network = network;
        _cluster = cluster;
        _dice = dice;
        _startup = Wire.Untyped(Wire.Version3,
            [.. Wire.Strings("user", user, "database", database), .. Wire.Strings(startup), 0]);
        StartupValues = startup;
        Direct = NewDirect();
    }

    private DirectConnection NewDirect()
    {
        var direct = new DirectConnection(_cluster, _canceled);
        direct.Backend.BeginSession(User, StartupValues);
        return direct;
    }

    internal int Id { get; }
    internal string User { get; }
    internal string Database { get; }
    internal Habits Habits { get; }
    internal string[] StartupValues { get; }
    internal DirectConnection Direct { get; private set; }
    internal MemorySocket? Socket { get; private set; }

    /// <summary>Everything received after the welcome, or, when the login failed, before it.</summary>
    internal ByteQueue Received { get; } = new();

    /// <summary>ParameterStatus of the welcome, in order.</summary>
    internal List<(string Name, string Value)> WelcomeParameters { get; } = [];
    internal bool IsOver => _stage == Stage.Over;
    internal bool IsLoggedIn { get; private set; }
    internal bool HasVanished { get; private set; }

    /// <summary>Said everything, got everything.</summary>
    internal bool IsContent { get; private set; }

    /// <summary>It has been told, perhaps in part, that it may not keep its server.</summary>
    internal bool WasRefusedPin
    {
        get
        {
            var bytes = Received.Span;
            for (var at = bytes.LastIndexOf((byte)'E'); at >= 0; at = bytes[..at].LastIndexOf((byte)'E'))
            {
                var rest = bytes[Math.Min(at + 5, bytes.Length)..];
                if (rest.StartsWith(PinRefused) || PinRefused.StartsWith(rest)) return true;
            }
            return false;
        }
    }

    private static ReadOnlySpan<byte> PinRefused => "SFATAL\0C08P01\0Mtoo many pinned servers ("u8;

    internal string Progress =>
        $"client {Id} ({User}@{Database}): {_stage}, piece {_next} of {_script.Count}, {_readySeen} of {Direct.Backend.ReadyCount} ready, received {Received.Count} of {Direct.Backend.Output.Count}"
        + ", a direct connection is "
        + (Direct.Backend.IsAtRest ? "at rest" : Direct.Backend.IsWaitingForCopyData ? "in COPY" : "busy")
        + $", unsent {_output.Count}, unread {Socket?.ReadableCount}";

    /// <summary>Its bytes sent so far, a line a piece, to look into a failure.</summary>
    internal string Said =>
        string.Join('\n', _script.Take(_next).Select(piece => $"{Wire.InShort(piece.Bytes)}  then {piece.Pace}"));

    internal void Step(bool isCalm)
    {
        switch (_stage)
        {
            case Stage.Waits:
                _stage = Stage.NewConnection;
                return;
            case Stage.NewConnection:
                Connect();
                break;
            case Stage.Over:
                return;
        }
        if (!isCalm && Habits.Vanishes > 0 && _dice.Below(10_000) < Habits.Vanishes)
        {
            Vanish();
            return;
        }
        Read(isCalm);
        if (_stage == Stage.Talks) Talk(isCalm);
        SendSome(isCalm);
        if (_cancelSocket is { PeerSeesEnd: true }) _cancelSocket = null;
        if (Socket!.PeerSeesEnd) _stage = Stage.Over;
    }

    private void Connect()
    {
        Socket = _network.ConnectClient();
        if (Habits.AsksForTls)
        {
            _output.Add(Wire.Untyped(Wire.SslRequest));
            _stage = Stage.AwaitsTls;
            return;
        }
        _output.Add(_startup);
        _stage = Stage.LoggingIn;
    }

    private void Vanish()
    {
        HasVanished = true;
        _stage = Stage.Over;
        if (_dice.OneIn(3)) Socket!.PeerReset();
        else if (_dice.OneIn(2)) Socket!.PeerClose();
        else Socket!.PeerHalfClose();
    }

    private void SendSome(bool isCalm)
    {
        if (_output.Count == 0) return;
        var count = isCalm || _dice.Percent(60) ? _output.Count : 1 + _dice.Below(_output.Count);
        Socket!.PeerWrite(_output.Span[..count]);
        _output.Take(count);
    }

    // ---- reading --------------------------------------------------------------------------------------------------

    private void Read(bool isCalm)
    {
        var waiting = Socket!.PeerInput;
        if (waiting.IsEmpty || (!isCalm && Habits.ReadsMost > 0 && _dice.Percent(50))) return;
        var count = !isCalm && Habits.ReadsMost > 0 ? Math.Min(Habits.ReadsMost, waiting.Length) : waiting.Length;
        (_stage == Stage.Talks ? Received : _input).Add(waiting[..count]);
        Socket.PeerTake(count);
        if (_stage == Stage.AwaitsTls && _input.Span[0] == 'E' && Habits.MeetsMines) _stage = Stage.LoggingIn;
        if (_stage == Stage.AwaitsTls)
        {
            if (_input.Span[0] != (Habits.GetsTls ? 'S' : 'N'))
                throw new SimulationException("the answer to SSLRequest is wrong");
            _input.Take(1);
            if (Habits.GetsTls) Socket.BeginPeerTls(PeerTls.ClientContext);
            _output.Add(_startup);
            _stage = Stage.LoggingIn;
        }
        while (_stage == Stage.LoggingIn && TakeLoginMessage())
        {
        }
        CountReplies();
    }

    private bool TakeLoginMessage()
    {
        var length = Wire.Frame(_input.Span, out var type);
        if (length == 0) return false;
        var body = _input.Span[5..length].ToArray();
        switch (type)
        {
            case 'R': _answers.Answer(body, _output); break;
            case 'S': WelcomeParameters.Add((Wire.RawStrings(body)[0], Wire.RawStrings(body)[1])); break;
            case 'K': _cancelKey = body; break;
            case 'Z':
                _stage = Stage.Talks;
                IsLoggedIn = true;
                break;
            case 'E':
                Received.Add(_input.Span[..length]);
                break;
            default: throw new SimulationException($"client {Id} was sent '{type}' during its login");
        }
        _input.Take(length);
        if (_stage == Stage.Talks)
        {
            Received.Add(_input.Span);
            _input.Clear();
        }
        return true;
    }

    private void CountReplies()
    {
        while (_framed < Received.Count && Wire.Frame(Received.Span[_framed..], out var type) is var length and > 0)
        {
            var message = Received.Span.Slice(_framed, length);
            _framed += length;
            switch (type)
            {
                case 'Z':
                    _readySeen++;
                    _closesSeen = 0;
                    break;
                case 'G': _copyInSeen++; break;
                case '3': _closesSeen++; break;
                case 'E':
                    _errorsSeen++;
                    if (message.IndexOf(CanceledInQueue) >= 0) NoteCanceledInQueue();
                    break;
            }
        }
    }

    /// <summary>The error of a statement that runs goes on here with its token.</summary>
    private static ReadOnlySpan<byte> CanceledInQueue => "canceling statement due to user request\0"u8;

    /// <summary>It ended in the middle of hearing that its request was canceled in the queue.</summary>
    internal bool HasSeenCutCancel(ReadOnlySpan<byte> rest)
    {
        if (IsContent || Habits.Cancels == 0 || Wire.Frame(rest, out _) > 0) return false;
        ReadOnlySpan<byte> head = [.. "SERROR\0C57014\0M"u8, .. CanceledInQueue];
        return rest[0] == 'E' && head.StartsWith(rest[Math.Min(5, rest.Length)..]);
    }

    /// <summary>
    /// The pooler has canceled a request that waited: none of it was run. A direct connection that never ran it is what to
    /// compare with.
    /// </summary>
    private void NoteCanceledInQueue()
    {
        if (Habits.Cancels == 0) throw new SimulationException($"client {Id} was canceled, and asked for no such thing");
        _canceled.Add(_readySeen, _closesSeen);
        _cluster.CanceledInQueue++;
        Direct = NewDirect();
        foreach (var piece in _script.Take(_next)) Direct.Send(piece.Bytes);
    }

    // ---- talking --------------------------------------------------------------------------------------------------

    private void Talk(bool isCalm)
    {
        if (IsContent) return; // Has said goodbye.
        Direct.Backend.Pump(); // A slow statement may have ended meanwhile.
        var isReplyDue = _readySeen < Direct.Backend.ReadyCount || !Direct.Backend.IsAtRest;
        if (isReplyDue && !isCalm && Habits.Cancels > 0 && _cancelSocket is null && _dice.Below(1000) < Habits.Cancels)
            SendCancel();
        if (!isCalm && _dice.OneIn(3)) return; // Thinks.
        if (IsInUnforeseenCopy)
        {
            byte[] end = [.. Wire.CopyFail("nobody has data for it"), .. Wire.Sync];
            _script.Insert(_next, new Piece(end, Pace.Replies));
        }
        else if (_next == _script.Count)
        {
            if (isReplyDue) return;
            // A COPY that nobody had foreseen has swallowed the Sync, or what should have been a query.
            if (_canceled.Count > 0 && Direct.Backend.IsSkipping) _script.Add(new Piece(Wire.Sync, Pace.Replies));
            else SayGoodbye();
            return;
        }
        else if (!MayGoOn(isReplyDue))
        {
            return;
        }
        var piece = _script[_next++];
        (_copyInsBefore, _replyDueAt) = (_copyInSeen, _readySeen);
        Direct.Send(piece.Bytes);
        _output.Add(piece.Bytes);
    }

    /// <summary>
    /// Begun although the script counts on a failure, because what should have made it fail was canceled in the queue.
    /// </summary>
    private bool IsInUnforeseenCopy =>
        _canceled.Count > 0 && Direct.Backend.IsWaitingForCopyData && _readySeen == Direct.Backend.ReadyCount
            && Received.Count == Direct.Backend.Output.Count && (_next == _script.Count || !MayGoOn(isReplyDue: true));

    private bool MayGoOn(bool isReplyDue) => _next == 0 || _script[_next - 1].Pace switch
    {
        Pace.AtOnce => true,
        Pace.CopyIn => _copyInSeen > _copyInsBefore || _readySeen > _replyDueAt,
        Pace.Error => _errorsSeen >= Direct.Backend.ErrorCount,
        _ => !isReplyDue,
    };

    private void SayGoodbye()
    {
        IsContent = true;
        if (Habits.ClosesWithTerminate) _output.Add(Wire.Typed('X'));
        Socket!.PeerWrite(_output.Span);
        _output.Clear();
        Socket.PeerHalfClose();
    }

    private void SendCancel()
    {
        _cluster.NoteCancelRequest(Id);
        _cancelSocket = _network.ConnectClient();
        _cancelSocket.PeerWrite(Wire.Untyped(Wire.CancelRequest, _cancelKey));
        if (_dice.OneIn(5)) _cancelSocket.PeerClose();
    }
}
