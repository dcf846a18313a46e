using System.Buffers.Binary;
using FastPool.Core.Auth;
using FastPool.Native;
using FastPool.Simulation.Network;

namespace FastPool.Simulation.Postgres;

internal enum ServerAuth { Trust, Plain, Md5, Scram }

/// <summary>
/// One connection from the pooler to a fake PostgreSQL: the login, then a <see cref="Postgres.Backend"/>; or a cancel request.
/// </summary>
internal sealed class FakeServer : IBackendHost
{
    private readonly FakeCluster _cluster;
    private readonly Dice _dice;
    private readonly ByteQueue _login = new();
    private readonly ByteQueue _output = new();
    private readonly byte[] _salt = [1, 2, 3, 4];
    private ScramServerExchange? _scram;
    private bool _isEncrypted;
    private long _slowUntilUs;
    private bool _isPartlySent;

    internal FakeServer(FakeCluster cluster, MemorySocket socket, Dice dice, int pid)
    {
        _cluster = cluster;
        _dice = dice;
        Socket = socket;
        Pid = pid;
        Secret = (int)dice.Next();
        Backend = new Backend(this, cluster.Version)
        {
            Leak = cluster.Leak,
            Trace = cluster.Log is { } log ? message => log.Add($"{cluster.NowUs / 1000,8} backend {pid} {message}") : null,
        };
    }

    internal MemorySocket Socket { get; }
    internal int Pid { get; }
    internal int Secret { get; }
    internal Backend Backend { get; }
    internal string? User { get; private set; }
    internal string? Database { get; private set; }
    internal bool IsLoggedIn { get; private set; }
    internal bool IsCancel { get; private set; }

    /// <summary>Its host was a standby when it was logged in to.</summary>
    internal bool WasStandby { get; private set; }
    internal bool IsOver { get; private set; }

    /// <summary>The client whose transaction runs; -1: none.</summary>
    internal int Owner { get; private set; } = -1;

    /// <summary>The client this session has served since its last reset; -1: none.</summary>
    internal int SessionOwner { get; private set; } = -1;

    /// <summary>A cancel request has come for the running statement.</summary>
    internal bool IsCanceled { get; set; }

    /// <summary>The connection counts for the pooler: it has not closed it.</summary>
    internal bool IsHeldByPooler => !Socket.IsPoolerClosed;

    /// <summary>All that it said has been heard.</summary>
    internal bool IsSilent => _output.Count == 0 && Socket.ReadableCount == 0;

    internal string Progress =>
        $"backend {Pid} ({User}@{Database}): {(IsLoggedIn ? "in" : "logging in")}, over {IsOver}, input {Backend.Input.Count}, at rest {Backend.IsAtRest}, status {Backend.Status}, unread {Socket.PeerInput.Length}, unsent {_output.Count}, for the pooler {Socket.ReadableCount}, handle {Socket.Handle}";

    internal void Step()
    {
        var mood = _cluster.MoodOf(Socket);
        if (mood == HostMood.Silent) return;
        if (Socket.ConnectResult is null)
        {
            if (Socket.IsPoolerClosed) IsOver = true;
            else if (!_cluster.IsBlackHole && _dice.Percent(40)) FinishConnect(_cluster.IsDown || mood == HostMood.Dead);
            return;
        }
        TakeInput();
        if (IsOver) return;
        if (IsLoggedIn)
        {
            Backend.Pump();
            MoveOutput();
            if (Backend.IsTerminated) Close();
        }
        SendSome();
        if (Socket.PeerSeesEnd) Close();
    }

    private void FinishConnect(bool isRefused)
    {
        Socket.ConnectResult = isRefused ? Errno.ECONNREFUSED : 0;
        if (isRefused) IsOver = true;
    }

    private void TakeInput()
    {
        var waiting = Socket.PeerInput;
        if (waiting.IsEmpty) return;
        var count = _cluster.IsCalm || _dice.Percent(60) ? waiting.Length : 1 + _dice.Below(waiting.Length);
        var target = IsLoggedIn ? Backend.Input : _login;
        target.Add(waiting[..count]);
        Socket.PeerTake(count);
        while (!IsLoggedIn && !IsOver && LogIn())
        {
        }
    }

    private void MoveOutput()
    {
        _output.Add(Backend.Output.Span);
        Backend.Output.Clear();
    }

    private void SendSome()
    {
        if (_output.Count == 0) return;
        var count = _cluster.IsCalm || _dice.Percent(50) ? _output.Count : 1 + _dice.Below(_output.Count);
        Socket.PeerWrite(_output.Span[..count]);
        _output.Take(count);
        _isPartlySent = _output.Count > 0;
    }

    /// <summary>PostgreSQL may say something that nobody asked for, between two messages of its own.</summary>
    internal void Notify(string payload)
    {
        if (!IsLoggedIn || _isPartlySent) return;
        _output.Add(Wire.Typed('A', [.. Wire.Int32(Pid), .. Wire.Strings("async", payload)]));
    }

    // ---- ends -----------------------------------------------------------------------------------------------------

    private void Close()
    {
        IsOver = true;
        Socket.PeerClose();
    }

    internal void Crash()
    {
        if (IsOver || Socket.ConnectResult is null) return;
        IsOver = true;
        switch (_dice.Below(4))
        {
            case 0:
                Socket.PeerReset();
                return;
            case 1 when IsLoggedIn && !_isPartlySent:
                MoveOutput();
                _output.Add(Wire.Error("FATAL", "57P01", "terminating connection due to administrator command"));
                Socket.PeerWrite(_output.Span);
                _output.Clear();
                break;
        }
        if (_output.Count > 0) Socket.PeerWrite(_output.Span[..(_dice.OneIn(2) ? _output.Count : _dice.Below(_output.Count))]);
        Socket.PeerClose();
    }

    // ---- login ----------------------------------------------------------------------------------------------------

    private bool LogIn()
    {
        var bytes = _login.Span;
        if (User is null)
        {
            if (bytes.Length < 8 || bytes.Length < BinaryPrimitives.ReadInt32BigEndian(bytes)) return false;
            var length = BinaryPrimitives.ReadInt32BigEndian(bytes);
            var packet = bytes[..length].ToArray();
            _login.Take(length);
            OnStartup(BinaryPrimitives.ReadInt32BigEndian(packet.AsSpan(4)), packet.AsSpan(8));
            return true;
        }
        var size = Wire.Frame(bytes, out var type);
        if (size == 0) return false;
        var body = bytes[5..size].ToArray();
        _login.Take(size);
        if (type == 'X') Close();
        else OnPassword(body);
        return true;
    }

    private void OnStartup(int code, ReadOnlySpan<byte> body)
    {
        if (code == Wire.CancelRequest)
        {
            IsCancel = true;
            _cluster.OnCancel(BinaryPrimitives.ReadInt32BigEndian(body), BinaryPrimitives.ReadInt32BigEndian(body[4..]));
            Close();
            return;
        }
        if (code == Wire.SslRequest)
        {
            Socket.PeerWrite(_cluster.HasTls ? "S"u8 : "N"u8);
            _isEncrypted = _cluster.HasTls;
            if (_isEncrypted) Socket.BeginPeerTls(PeerTls.ServerContext);
            return;
        }
        if (code != Wire.Version3) throw new SimulationException($"a server was sent the startup code {code}");
        var pairs = Wire.RawStrings(body);
        for (var i = 0; i + 1 < pairs.Length && pairs[i].Length > 0; i += 2)
        {
            if (pairs[i] == "user") User = pairs[i + 1];
            else if (pairs[i] == "database") Database = pairs[i + 1];
        }
        if (_cluster.LoginRefusal is { } refusal)
        {
            _output.Add(Wire.Error("FATAL", refusal.Code, refusal.Text));
            Socket.PeerWrite(_output.Span);
            Close();
            return;
        }
        switch (_cluster.Auth)
        {
            case ServerAuth.Trust: Welcome(); break;
            case ServerAuth.Plain: _output.Add(Wire.Typed('R', Wire.Int32(3))); break;
            case ServerAuth.Md5: _output.Add(Wire.Typed('R', [.. Wire.Int32(5), .. _salt])); break;
            // Without TLS the first is of no use.
            case ServerAuth.Scram:
                _output.Add(Wire.Typed('R',
                [.. Wire.Int32(10), .. Wire.Strings("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "")])); break;
        }
    }

    private void OnPassword(byte[] body)
    {
        var password = FakeCluster.PasswordOf(User!);
        switch (_cluster.Auth)
        {
            case ServerAuth.Plain: Admit(Wire.RawStrings(body)[0] == password); break;
            case ServerAuth.Md5:
                var stored = Md5Password.Store(Wire.Raw(password), Wire.Raw(User!));
                Admit(Wire.RawStrings(body)[0] == System.Text.Encoding.Latin1.GetString(Md5Password.Respond(stored, _salt)));
                break;
            case ServerAuth.Scram when _scram is null:
                var verifier = ScramVerifier.FromPassword(Wire.Raw(password), 2, [9, 8, 7, 6]);
                var binding =
                    new ScramBinding(_isEncrypted ? PeerTls.ServerContext.OwnEndPoint
                    : null, body.AsSpan().StartsWith("SCRAM-SHA-256-PLUS\0"u8));
                if (binding.IsChosen != _isEncrypted) throw new SimulationException("the pooler does not bind where it can");
                _scram = new ScramServerExchange(verifier, false, new byte[ScramServerExchange.NonceLength], binding);
                var at = body.AsSpan().IndexOf((byte)0) + 5;
                _output.Add(Wire.Typed('R', [.. Wire.Int32(11), .. _scram.ServerFirst(body.AsSpan(at))!]));
                break;
            case ServerAuth.Scram:
                var final = _scram!.ServerFinal(body) ?? throw new SimulationException("the pooler's proof is wrong");
                _output.Add(Wire.Typed('R', [.. Wire.Int32(12), .. final]));
                Welcome();
                break;
        }
    }

    private void Admit(bool isRight)
    {
        if (!isRight) throw new SimulationException("the pooler's password is wrong");
        Welcome();
    }

    private void Welcome()
    {
        _output.Add(Wire.Typed('R', Wire.Int32(0)));
        _output.Add(Wire.Typed('S', Wire.RawStrings("server_version", "15.3")));
        Backend.BeginSession(User!, []);
        foreach (var name in Backend.Reported) _output.Add(Wire.Typed('S', Wire.RawStrings(name, Backend.Session[name])));
        _output.Add(Wire.Typed('S', Wire.RawStrings("is_superuser", "off")));
        WasStandby = _cluster.Standbys.Contains(Socket.Remote.ToString());
        _output.Add(Wire.Typed('S', Wire.RawStrings("in_hot_standby", WasStandby ? "on" : "off")));
        if (!Backend.Reported.Contains("default_transaction_read_only"))
            _output.Add(Wire.Typed('S', Wire.RawStrings("default_transaction_read_only", "off")));
        _output.Add(Wire.Typed('K', [.. Wire.Int32(Pid), .. Wire.Int32(Secret)]));
        _output.Add(Wire.Typed('Z', [(byte)'I']));
        IsLoggedIn = true;
        Backend.Input.Add(_login.Span);
        _login.Clear();
    }

    // ---- what the backend asks ------------------------------------------------------------------------------------

    public SlowOutcome Outcome(string token)
    {
        if (_slowUntilUs == 0) _slowUntilUs = _cluster.NowUs + 1_000 * _dice.Between(1, 3_000);
        if (!IsCanceled && _cluster.NowUs < _slowUntilUs) return SlowOutcome.Pending;
        var outcome = IsCanceled ? SlowOutcome.Canceled : SlowOutcome.Finished;
        _slowUntilUs = 0;
        IsCanceled = false;
        _cluster.NoteOutcome(token, outcome);
        return outcome;
    }

    public void OnClient(int client, bool isCopyData)
    {
        if (Owner >= 0 && Owner != client)
            throw new SimulationException($"client {client} spoke to server {Pid} in the middle of client {Owner}'s transaction");
        if (isCopyData && Owner < 0) return; // The rest of a COPY that failed: PostgreSQL reads past it.
        Owner = client;
        if (_cluster.IsSessionPooled && SessionOwner >= 0 && SessionOwner != client)
            throw new SimulationException($"server {Pid} went from client {SessionOwner} to {client} without a reset");
        SessionOwner = client;
    }

    public void OnReady(char status)
    {
        if (status == 'I') Owner = -1;
    }

    public void OnReset() => SessionOwner = -1;
}
