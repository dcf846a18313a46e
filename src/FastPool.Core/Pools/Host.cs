using FastPool.Base;
using FastPool.Core.Settings;

namespace FastPool.Core.Pools;

/// <summary>The condition of a host.</summary>
public enum HostState : byte
{
    Unknown,
    Connecting,
    Up,
    Down,
}

/// <summary>The order in which hosts are tried: the lowest first.</summary>
public enum HostRank
{
    Ready,
    Slow,

    /// <summary>In another role than the one that is wanted, when it was last heard of.</summary>
    Unsuited,
    Down,
}

/// <summary>One host as it was at one moment.</summary>
/// <param name="LoginUs">The time that the last login took.</param>
public readonly record struct HostReading(string Name, string Address, int Port, HostState State, HostRole Role, int Servers,
    string LastError, long LastErrorWallUs, long LoginUs, long Failures, long LagMs);

/// <summary>
/// One address of a host list, shared by all pools that use it. It is asked and told by who opens and closes servers, never on
/// the way of a transaction. Any thread; the lock is held for a few words.
/// </summary>
/// <param name="address">Empty: the host as it was named stands for addresses that are not known yet.</param>
public sealed class Host(string name, string address, int port)
{
    private readonly Lock _lock = new();
    private IReadOnlyList<Host> _addresses = [];
    private bool _isDown;
    private bool _wasUp;
    private int _attempts;
    private long _silentSinceUs;
    private long _nextTryUs;
    private long _backOffUs;
    private long _loginUs;
    private long _lastLoginUs;
    private long _failures;
    private int _servers;
    private int _role; // A HostRole.
    private long _roleUs;
    private long _lostUs;
    private long _checkUs;
    private bool _isDoubted;
    private long _lagMs;
    private bool _lags;
    private string _lastError = "";
    private long _lastErrorWallUs;
    private (string Text, long WallUs) _lastMisfit = ("", 0); // In another role than the one that was wanted, which is no error.

    /// <summary>The addresses that the name stood for when it was last looked up.</summary>
    public IReadOnlyList<Host> Addresses
    {
        get { lock (_lock) return _addresses; }
        set { lock (_lock) _addresses = value; }
    }

    /// <summary>Nothing would be lost with it but a past error.</summary>
    internal bool IsUnused
    {
        get { lock (_lock) return _attempts == 0 && _servers == 0; }
    }

    /// <summary>As it was when it was last heard of.</summary>
    public HostRole Role => (HostRole)Volatile.Read(ref _role); // Pairs: NoteRole.

    /// <summary>The last check that had no answer; the servers that were opened before are of no use any more. 0: none.</summary>
    public long LostUs => Volatile.Read(ref _lostUs); // Pairs: Lose.

    /// <summary>
    /// Asks any session for the role and for the milliseconds by which a standby is behind. It is behind by nothing while it has
    /// applied all that it has received, and still receives.
    /// </summary>
    public const string CheckQuery =
        "SELECT pg_catalog.pg_is_in_recovery(), CASE WHEN NOT pg_catalog.pg_is_in_recovery() "
        + "OR (pg_catalog.pg_last_wal_receive_lsn() = pg_catalog.pg_last_wal_replay_lsn() "
        + "AND EXISTS (SELECT FROM pg_catalog.pg_stat_wal_receiver)) THEN 0 ELSE (EXTRACT(EPOCH FROM "
        + "pg_catalog.now() - pg_catalog.pg_last_xact_replay_timestamp()) * 1000)::bigint END";

    /// <summary>One server asks it in each period, of all pools and loops, and once when it is doubted.</summary>
    /// <param name="periodUs">host_check_period; 0: it is asked in doubt alone.</param>
    public bool TryBeginCheck(long nowUs, long periodUs)
    {
        if (periodUs <= 0 && !Volatile.Read(ref _isDoubted)) return false; // Pairs: Doubt.
        lock (_lock)
        {
            var isDue = periodUs > 0 && nowUs - _checkUs >= periodUs;
            if (!isDue && !(_isDoubted && nowUs - _checkUs >= Limits.DoubtPauseUs)) return false;
            _checkUs = nowUs;
            _isDoubted = false;
            return true;
        }
    }

    /// <summary>
    /// One of its servers was lost, or has said that it only reads: the host may be in another role, or down. The next one that
    /// is idle asks.
    /// </summary>
    internal void Doubt() => Volatile.Write(ref _isDoubted, true); // Pairs: TryBeginCheck.

    /// <param name="lagMs">By which it is behind its primary.</param>
    /// <param name="mostMs">max_replica_lag.</param>
    /// <returns>True: it is too far behind since now, or no more.</returns>
    public bool NoteLag(long lagMs, long mostMs)
    {
        lock (_lock)
        {
            _lagMs = lagMs;
            var lags = lagMs > mostMs;
            if (lags == _lags) return false;
            Volatile.Write(ref _lags, lags); // Pairs: Lags.
            return true;
        }
    }

    /// <summary>A standby that is further behind than max_replica_lag, as the last check has found.</summary>
    public bool Lags => Volatile.Read(ref _lags); // Pairs: NoteLag.

    /// <summary>A check has had no answer: it is down, and what is connected to it is lost.</summary>
    public void Lose(string reason, long wallUs, long nowUs, long backOffMaxUs)
    {
        Begin(nowUs);
        Failed(reason, wallUs, nowUs, backOffMaxUs);
        Volatile.Write(ref _lostUs, nowUs); // Pairs: LostUs.
    }

    /// <summary>It has told its role.</summary>
    /// <returns>True: it is another than before.</returns>
    public bool NoteRole(HostRole role, long nowUs)
    {
        if (role == HostRole.Unknown) return false;
        lock (_lock)
        {
            _roleUs = nowUs;
            if (_role == (int)role) return false;
            Volatile.Write(ref _role, (int)role); // Pairs: Role.
            return true;
        }
    }

    internal bool HasServers
    {
        get { lock (_lock) return _servers > 0; }
    }

    /// <summary>Of a name with known addresses: that of the best of them.</summary>
    public HostRank RankAt(long nowUs, TargetSessionAttrs target = TargetSessionAttrs.Any)
    {
        var addresses = Addresses;
        if (addresses.Count > 0) return addresses.Min(each => each.RankAt(nowUs, target));
        lock (_lock)
        {
            // One attempt tries it when its time has come, and the others wait for the outcome elsewhere.
            if (_isDown && (nowUs < _nextTryUs || _attempts > 0)) return HostRank.Down;
            if (Lags || !target.Prefers(Role)) return HostRank.Unsuited;
            return IsSilentFor(PatienceUs, nowUs) ? HostRank.Slow : HostRank.Ready;
        }
    }

    /// <summary>Nothing is known against it: of a name with known addresses, against one of them.</summary>
    public bool IsWellAt(long nowUs, TargetSessionAttrs target = TargetSessionAttrs.Any)
    {
        var addresses = Addresses;
        if (addresses.Count > 0) return addresses.Any(each => each.IsWellAt(nowUs, target));
        lock (_lock) return !_isDown && !IsSilentFor(PatienceUs, nowUs) && !Lags && target.Prefers(Role);
    }

    /// <summary>Attempts are under way, and none of them has heard anything for so long.</summary>
    public bool IsSilentAt(long nowUs, long patienceUs)
    {
        lock (_lock) return IsSilentFor(patienceUs, nowUs);
    }

    private bool IsSilentFor(long patienceUs, long nowUs) => _attempts > 0 && nowUs - _silentSinceUs >= patienceUs;

    /// <summary>
    /// The time from which a host that is down may be tried again, or one that was in the wrong role; 0: now.
    /// </summary>
    public long NextTryUs(TargetSessionAttrs target = TargetSessionAttrs.Any)
    {
        var addresses = Addresses;
        if (addresses.Count > 0) return addresses.Min(each => each.NextTryUs(target));
        lock (_lock) return _isDown ? _nextTryUs : target.MayServe(Role) ? 0 : _roleUs + Limits.RoleTrustUs;
    }

    /// <summary>For so long an attempt is left alone before another host is tried beside it.</summary>
    /// <param name="isPreferred">It is not one of many alike: the others are for the case that it is dead.</param>
    public long PatienceOf(bool isPreferred)
    {
        lock (_lock) return isPreferred && _wasUp && !_isDown ? Limits.HostPatienceMaxUs : PatienceUs;
    }

    private long PatienceUs => Math.Clamp(4 * _loginUs, Limits.HostPatienceUs, Limits.HostPatienceMaxUs);

    public HostReading Read(long nowUs)
    {
        lock (_lock)
        {
            var isSlow = IsSilentFor(PatienceUs, nowUs);
            var state = _isDown ? HostState.Down : _attempts > 0 && (isSlow || !_wasUp) ? HostState.Connecting
                : _wasUp ? HostState.Up : HostState.Unknown;
            return new HostReading(name, address, port, state, Role, _servers, _lastError, _lastErrorWallUs, _loginUs,
                _failures, _lagMs);
        }
    }

    /// <summary>It lives, and is not in the role that is wanted: it may come to be so.</summary>
    public bool IsInWrongRole(TargetSessionAttrs target)
    {
        var addresses = Addresses;
        if (addresses.Count > 0) return addresses.Any(each => each.IsInWrongRole(target));
        lock (_lock) return !_isDown && !target.MayServe(Role);
    }

    /// <summary>
    /// The latest reason why it could not be used, of a name with known addresses: of them; empty: none.
    /// </summary>
    public string LastProblem
    {
        get
        {
            var addresses = Addresses;
            if (addresses.Count == 0) return ErrorNow.Text;
            // A name that could not be looked up has an error of its own.
            return addresses.Select(static address => address.ErrorNow).Append(ErrorNow).MaxBy(static error => error.WallUs).Text;
        }
    }

    private (string Text, long WallUs) ErrorNow
    {
        get { lock (_lock) return _lastMisfit.WallUs > _lastErrorWallUs ? _lastMisfit : (_lastError, _lastErrorWallUs); }
    }

    /// <summary>An attempt begins. It ends by one of the five that follow.</summary>
    public void Begin(long nowUs)
    {
        lock (_lock)
        {
            if (_attempts++ == 0) _silentSinceUs = nowUs;
        }
    }

    /// <summary>It has said something to an attempt: it lives.</summary>
    public void Heard(long nowUs)
    {
        lock (_lock) _silentSinceUs = nowUs;
    }

    /// <summary>A login is over, and the server is in.</summary>
    /// <returns>True: nothing was known for it before; servers elsewhere may stand in for it.</returns>
    public bool LoggedIn(long tookUs, long nowUs)
    {
        lock (_lock)
        {
            var isNews = _isDown || !_wasUp || tookUs >= PatienceUs;
            _attempts--;
            _servers++;
            _silentSinceUs = nowUs;
            _loginUs = tookUs;
            Volatile.Write(ref _lastLoginUs, nowUs); // Pairs: LastLoginUs.
            (_isDown, _wasUp, _backOffUs) = (false, true, 0);
            return isNews;
        }
    }

    /// <summary>When a login was last over; of a name with known addresses: at any of them. 0: never.</summary>
    public long LastLoginUs
    {
        get
        {
            var addresses = Addresses;
            return addresses.Count > 0 ? addresses.Max(static each => each.LastLoginUs)
                : Volatile.Read(ref _lastLoginUs); // Pairs: LoggedIn.
        }
    }

    /// <summary>It is left alone for a while that doubles each time.</summary>
    public void Failed(string reason, long wallUs, long nowUs, long backOffMaxUs)
    {
        lock (_lock)
        {
            _attempts--;
            _silentSinceUs = nowUs;
            _failures++;
            (_lastError, _lastErrorWallUs) = (reason, wallUs);
            if (_isDown && nowUs < _nextTryUs) return; // One of several attempts that were under way at once.
            _isDown = true;
            _backOffUs = Math.Min(Math.Max(2 * _backOffUs, Limits.HostBackOffUs), backOffMaxUs);
            _nextTryUs = nowUs + _backOffUs;
        }
    }

    /// <summary>It is there, and wants this login not: another host would say the same.</summary>
    public void Refused(string reason, long wallUs, long nowUs)
    {
        lock (_lock)
        {
            _attempts--;
            _silentSinceUs = nowUs;
            _failures++;
            (_lastError, _lastErrorWallUs) = (reason, wallUs);
            (_isDown, _wasUp, _backOffUs) = (false, true, 0);
        }
    }

    /// <summary>It is there, in another role than the one that is wanted.</summary>
    public void Misfit(string reason, long wallUs, long nowUs)
    {
        lock (_lock)
        {
            _attempts--;
            _silentSinceUs = nowUs;
            _lastMisfit = (reason, wallUs);
            (_isDown, _wasUp, _backOffUs) = (false, true, 0);
        }
    }

    /// <summary>The attempt was ended by the pooler itself, which tells nothing of the host.</summary>
    public void GiveUp()
    {
        lock (_lock) _attempts--;
    }

    /// <summary>A server that was in is closed.</summary>
    public void ServerGone()
    {
        lock (_lock) _servers--;
    }
}
