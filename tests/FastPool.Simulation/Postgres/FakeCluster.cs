using FastPool.Base;
using FastPool.Native;
using FastPool.Simulation.Network;

namespace FastPool.Simulation.Postgres;

internal enum HostMood { Well, Dead, Silent }

/// <summary>The PostgreSQL behind the pooler: its connections, its moods, and who canceled what.</summary>
internal sealed class FakeCluster(Dice dice, Clock clock) : IDialed
{
    private readonly Dictionary<string, SlowOutcome> _outcomes = [];
    private readonly HashSet<int> _cancelRequesters = [];
    private int _lastPid = 100;

    internal const int HostilePort = 5003;

    internal List<FakeServer> Servers { get; } = [];

    /// <summary>Those behind the port of the hostile ones.</summary>
    internal List<Hostile.HostileServer> HostileServers { get; } = [];
    /// <summary>Servers agree to TLS.</summary>
    internal bool HasTls { get; init; }

    internal ServerAuth Auth { get; init; }

    internal ServerVersion Version { get; init; }

    /// <summary>Of a replay; null: it is none.</summary>
    internal List<string>? Log { get; init; }

    /// <summary>Planted in the servers that are opened from now on.</summary>
    internal Leak Leak { get; set; }

    /// <summary>A server serves one client from reset to reset.</summary>
    internal bool IsSessionPooled { get; init; }

    internal bool IsDown { get; set; }

    /// <summary>Connects are neither accepted nor refused.</summary>
    internal bool IsBlackHole { get; set; }
    internal (string Code, string Text)? LoginRefusal { get; set; }
    internal bool IsCalm { get; set; }
    internal int LoginCount { get; private set; }
    internal long NowUs => clock.NowUs;

    /// <summary>The hosts that are not well, by address.</summary>
    internal Dictionary<string, HostMood> Moods { get; } = [];

    /// <summary>The hosts that are standbys; the others are primaries.</summary>
    internal HashSet<string> Standbys { get; } = [];

    internal HostMood MoodOf(MemorySocket socket) => Moods.GetValueOrDefault(socket.Remote.ToString());

    /// <summary>A host dies, falls silent, or is well again.</summary>
    internal void Turn(string address, HostMood mood)
    {
        Moods[address] = mood;
        if (mood != HostMood.Dead) return;
        foreach (var server in Servers)
        {
            if (server.Socket.Remote.ToString() == address) server.Crash();
        }
    }

    internal static string PasswordOf(string user) => "secret of " + user;

    public int OnDialed(MemorySocket socket)
    {
        if (socket.Remote.Port == HostilePort)
        {
            if (IsCalm) return Errno.ECONNREFUSED;
            HostileServers.Add(new Hostile.HostileServer(socket, dice, ++_lastPid));
            return 0;
        }
        if ((IsDown || MoodOf(socket) == HostMood.Dead) && dice.OneIn(2)) return Errno.ECONNREFUSED;
        Servers.Add(new FakeServer(this, socket, dice, ++_lastPid));
        LoginCount++;
        return 0;
    }

    internal void Step()
    {
        for (var i = Servers.Count - 1; i >= 0; i--)
        {
            if (!IsCalm && dice.Percent(50)) continue;
            Servers[i].Step();
            if (Servers[i].IsOver && Servers[i].Socket.IsPoolerClosed) Servers.RemoveAt(i);
        }
        for (var i = HostileServers.Count - 1; i >= 0; i--)
        {
            HostileServers[i].Step(IsCalm);
            if (HostileServers[i].IsOver) HostileServers.RemoveAt(i);
        }
    }

    internal void NoteOutcome(string token, SlowOutcome outcome) => _outcomes[token] = outcome;

    internal SlowOutcome OutcomeOf(string token) => _outcomes.GetValueOrDefault(token);

    /// <summary>Requests canceled before a server had them.</summary>
    internal int CanceledInQueue { get; set; }

    /// <summary>Whether the pooler may cancel what that client has left: it has gone.</summary>
    internal Func<int, bool> MayCancelFor { get; init; } = static _ => false;

    internal void NoteCancelRequest(int client) => _cancelRequesters.Add(client);

    internal void OnCancel(int pid, int secret)
    {
        var server = Servers.Find(server => server.Pid == pid);
        if (server is null || server.IsOver) return;
        if (server.Secret != secret) throw new SimulationException("a cancel request came with a wrong key");
        if (server.Backend.SlowToken is not { } token) return;
        var client = SqlText.ClientIn(Wire.Raw(token));
        if (!_cancelRequesters.Contains(client) && !MayCancelFor(client))
            throw new SimulationException($"a cancel request hit client {client}, who asked for none");
        server.IsCanceled = true;
    }
}
