using FastPool.Core.Settings;
using FastPool.Simulation.Clients;
using FastPool.Simulation.Hostile;
using FastPool.Simulation.Network;
using FastPool.Simulation.Postgres;

namespace FastPool.Simulation.Worlds;

/// <summary>The kind of world that a seed makes: the settings, the clients, the faults. Chosen before anything runs.</summary>
internal sealed class WorldPlan
{
    private const int QueryWaitTimeoutSeconds = 20;

    /// <param name="dice">Of the seed.</param>
    /// <param name="seed">For what came later than the worlds that are known by their seeds.</param>
    /// <param name="stateDice">Of a world whose clients change more of their sessions; null: of another.</param>
    internal WorldPlan(Dice dice, ulong seed, Dice? stateDice)
    {
        RollsBackAbandoned = seed % 2 == 0;
        DefersBegin = seed / 2 % 2 == 0;
        ResultBuffer = (seed / 4 % 4) switch { 0 => 0, 1 => 100, 2 => 3_000, _ => 1_000_000 };
        ResultBufferTotal = seed / 16 % 2 == 0 ? 4_000 : 4_000_000;
        MovesPercent = (seed / 32 % 4) switch { 0 => 0, 1 => 3, 2 => 20, _ => 90 };
        LoopCount = dice.Between(1, 3);
        Mode = dice.Of([PoolMode.Transaction, PoolMode.Transaction, PoolMode.Session, PoolMode.Statement]);
        HasFaults = dice.Percent(65);
        PoolSize = dice.Between(1, 4);
        ReservePoolSize = dice.OneIn(3) ? dice.Between(1, 2) : 0;
        MaxDbConnections = dice.OneIn(4) ? dice.Between(2, 4) : 0;
        MaxUserConnections = dice.OneIn(5) ? dice.Between(2, 4) : 0;
        MinPoolSize = dice.OneIn(4) ? 1 : 0;
        ClientCount = dice.Between(2, 12);
        ItemsMost = dice.Between(3, 10);
        ServerAuth = dice.Of([ServerAuth.Trust, ServerAuth.Plain, ServerAuth.Md5, ServerAuth.Scram]);
        AuthType = dice.Of(["trust", "plain", "md5", "scram-sha-256"]);
        SocketCapacity = dice.OneIn(3) ? dice.Between(16, 600) : 64 * 1024;
        ResetsAlways = dice.OneIn(5);
        Lifetime = dice.OneIn(4) ? dice.Below(4) : 3600;
        IdleTimeout = dice.OneIn(4) ? 2 : 600;
        CheckDelay = dice.OneIn(3) ? 1 : 30;
        CheckQuery = dice.OneIn(3) ? "check" : "<empty>";
        LoginRetry = dice.OneIn(4) ? 0 : 1;
        IsRoundRobin = dice.OneIn(3);
        QueryTimeout = HasFaults && dice.OneIn(5) ? 2 : 0;
        HasTls = dice.OneIn(6);
        RequiresServerTls = HasTls && dice.OneIn(2);
        MaxPreparedStatements = dice.Of([0, 1, 2, 3, 5, 200]);
        SendsTogether = !dice.OneIn(3);
        HostileCount = dice.OneIn(3) ? dice.Between(1, 6) : 0;
        HostList = dice.Of(["127.0.0.1", "127.0.0.1,127.0.0.2", "127.0.0.1,127.0.0.2,127.0.0.3"]);
        LoadBalance = dice.Of(["round-robin", "disable"]);
        Target = dice.Of(["any", "any", "primary", "prefer-standby"]);
        MineChance = HostileCount > 0 ? 0 : HasFaults && dice.OneIn(4) ? dice.Between(100, 2_000) : 0;
        if (stateDice is null) return;
        SessionState = stateDice.Of(["off", "keep", "keep", "always"]);
        Version = stateDice.Of([ServerVersion.V15, ServerVersion.V18]);
        PinnedServersMax = stateDice.OneIn(2) ? stateDice.Between(1, 3) : 0;
        State = Mode == PoolMode.Session ? StateScope.OwnSession : SessionState switch
        {
            "off" => StateScope.Reported,
            "keep" => StateScope.Kept,
            _ => StateScope.KeptAlways,
        };
    }

    internal int LoopCount { get; }

    /// <summary>A client is handed over to another loop in so many of a hundred rounds, if it can be.</summary>
    internal int MovesPercent { get; }
    internal PoolMode Mode { get; }

    /// <summary>Without them every client must get everything.</summary>
    internal bool HasFaults { get; }
    internal int PoolSize { get; }
    internal int ReservePoolSize { get; }
    internal int MaxDbConnections { get; }
    internal int MaxUserConnections { get; }
    internal int MinPoolSize { get; }
    internal int ClientCount { get; }
    internal int ItemsMost { get; }
    internal ServerAuth ServerAuth { get; }
    internal string AuthType { get; }
    internal int SocketCapacity { get; }

    /// <summary>A server whose client goes in the middle of something is kept.</summary>
    internal bool RollsBackAbandoned { get; }

    /// <summary>A BEGIN costs no server before something else does.</summary>
    internal bool DefersBegin { get; }

    /// <summary>Bytes that are held for a client that reads slowly.</summary>
    internal int ResultBuffer { get; }

    internal int ResultBufferTotal { get; }
    internal bool ResetsAlways { get; }
    internal int Lifetime { get; }
    internal int IdleTimeout { get; }
    internal int CheckDelay { get; }
    internal string CheckQuery { get; }
    internal int LoginRetry { get; }
    internal bool IsRoundRobin { get; }
    internal int QueryTimeout { get; }

    /// <summary>Clients that ask for it get TLS, and servers agree to it.</summary>
    internal bool HasTls { get; }
    internal bool RequiresServerTls { get; }

    /// <summary>Mostly fewer than the clients use between them.</summary>
    internal int MaxPreparedStatements { get; }

    /// <summary>Small sends of a turn leave at its end, or later.</summary>
    internal bool SendsTogether { get; }

    /// <summary>Clients that say wrong things to servers that say wrong things, beside all the others.</summary>
    internal int HostileCount { get; }

    /// <summary>The hosts of d1.</summary>
    internal string HostList { get; }

    internal string LoadBalance { get; }

    /// <summary>The sessions that d1 wants.</summary>
    internal string Target { get; }

    /// <summary>One call in so many of what the pooler calls throws; 0: none does.</summary>
    internal int MineChance { get; }

    internal string SessionState { get; } = "off";

    /// <summary>0: half of a pool.</summary>
    internal int PinnedServersMax { get; }

    internal ServerVersion Version { get; }

    /// <summary>The part of a session's state that goes with its client.</summary>
    internal StateScope State { get; }

    /// <summary>Servers may stay with their clients, and too many of those are refused.</summary>
    internal bool HasPins => State is StateScope.Kept or StateScope.KeptAlways;

    /// <summary>Clients may name their statements.</summary>
    internal bool HasNames => Mode == PoolMode.Session || MaxPreparedStatements > 0;
    internal static IReadOnlyList<string> Users { get; } = ["ann", "bob"];
    internal static IReadOnlyList<string> Databases { get; } = ["d1", "d2"];

    internal long QueryWaitTimeoutUs => (HasFaults ? QueryWaitTimeoutSeconds : 0) * 1_000_000L;

    internal string UserFile =>
        string.Concat(Users.Append(HostileClient.User).Select(user => $"\"{user}\" \"{FakeCluster.PasswordOf(user)}\"\n"));

    internal string Settings(int poolSize) => $"""
        [databases]
        d1 = host={HostList} port=5001 load_balance_hosts={LoadBalance} target_session_attrs={Target}
        d2 = host=one.example,two.example port=5002
        {HostileClient.Database} = host=127.0.0.1 port={FakeCluster.HostilePort}
        [pgbouncer]
        auth_type = {AuthType}
        auth_file = users
        pool_mode = {Mode.ToString().ToLowerInvariant()}
        default_pool_size = {poolSize}
        min_pool_size = {MinPoolSize}
        reserve_pool_size = {ReservePoolSize}
        reserve_pool_timeout = 1
        max_db_connections = {MaxDbConnections}
        max_user_connections = {MaxUserConnections}
        max_client_conn = 1000
        server_reset_query_always = {(ResetsAlways ? 1 : 0)}
        server_lifetime = {Lifetime}
        server_idle_timeout = {IdleTimeout}
        server_check_delay = {CheckDelay}
        server_check_query = {CheckQuery}
        server_login_retry = {LoginRetry}
        server_round_robin = {(IsRoundRobin ? 1 : 0)}
        server_connect_timeout = 4
        max_prepared_statements = {MaxPreparedStatements}
        query_wait_timeout = {QueryWaitTimeoutUs / 1_000_000}
        query_timeout = {QueryTimeout}
        client_login_timeout = {(HasFaults ? 30 : 0)}
        cancel_wait_timeout = 5
        client_tls_sslmode = {(HasTls ? "allow" : "disable")}
        client_tls_cert_file = {PeerTls.CertificateFile}
        client_tls_key_file = {PeerTls.KeyFile}
        server_tls_sslmode = {(RequiresServerTls ? "require" : "prefer")}
        [fastpool]
        session_state = {SessionState}
        pinned_servers_max = {PinnedServersMax}
        abandoned_transaction = {(RollsBackAbandoned ? "rollback" : "close")}
        defer_begin = {(DefersBegin ? 1 : 0)}
        result_buffer = {ResultBuffer}
        result_buffer_total = {ResultBufferTotal}
        """;

    public override string ToString() =>
        $"{Mode}, {LoopCount} loops, {ClientCount} clients, pool_size {PoolSize}+{ReservePoolSize}, max_db {MaxDbConnections}, max_user {MaxUserConnections}, "
        + $"client auth {AuthType}, server auth {ServerAuth}, sockets of {SocketCapacity}, faults {HasFaults}, lifetime {Lifetime}, retry {LoginRetry}, check '{CheckQuery}' after {CheckDelay}, TLS {HasTls} {RequiresServerTls}, {MaxPreparedStatements} statements, mines {MineChance}, hosts {HostList} {LoadBalance} {Target}, {HostileCount} hostile, session_state {SessionState} on {Version}, {PinnedServersMax} pinned, rolls back {RollsBackAbandoned}, defers {DefersBegin}, holds {ResultBuffer} of {ResultBufferTotal}, moves in {MovesPercent} % of rounds";
}
