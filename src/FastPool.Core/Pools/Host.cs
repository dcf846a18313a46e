using FastPool.Base;

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
    Down,
}

/// <summary>One host as it was at one moment.</summary>
/// <param name="Role">primary or standby, as PostgreSQL 14 and newer reports it; empty: not known.</param>
/// <param name="LoginUs">The time that the last login took.</param>
public readonly record struct HostReading(string Name, string Address, int Port, HostState State, string Role, int Servers,
    string LastError, long LastErrorWallUs, long LoginUs, long Failures);

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
    private long _failures;
    private int _servers;
    private string _role = "";
    private string _lastError = "";
    private long _lastErrorWallUs;

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

    /// <summary>Of a name with known addresses: that of the best of them.</summary>
    public HostRank RankAt(long nowUs)
    {
        var addresses = Addresses;
        if (addresses.Count > 0) return addresses.Min(each => each.RankAt(nowUs));
        lock (_lock)
        {
            // One attempt tries it when its time has come, and the others wait for the outcome elsewhere.
            if (_isDown) return nowUs < _nextTryUs || _attempts > 0 ? HostRank.Down : HostRank.Ready;
            return IsSilentFor(PatienceUs, nowUs) ? HostRank.Slow : HostRank.Ready;
        }
    }

    /// <summary>Nothing is known against it: of a name with known addresses, against one of them.</summary>
    public bool IsWellAt(long nowUs)
    {
        var addresses = Addresses;
        if (addresses.Count > 0) return addresses.Any(each => each.IsWellAt(nowUs));
        lock (_lock) return !_isDown && !IsSilentFor(PatienceUs, nowUs);
    }

    /// <summary>Attempts are under way, and none of them has heard anything for so long.</summary>
    public bool IsSilentAt(long nowUs, long patienceUs)
    {
        lock (_lock) return IsSilentFor(patienceUs, nowUs);
    }

    private bool IsSilentFor(long patienceUs, long nowUs) => _attempts > 0 && nowUs - _silentSinceUs >= patienceUs;

    /// <summary>The time from which a host that is down may be tried again.</summary>
    public long NextTryUs
    {
        get
        {
            var addresses = Addresses;
            if (addresses.Count > 0) return addresses.Min(static each => each.NextTryUs);
            lock (_lock) return _isDown ? _nextTryUs : 0;
        }
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
            return new HostReading(name, address, port, state, _role, _servers, _lastError, _lastErrorWallUs, _loginUs,
                _failures);
        }
    }

    /// <summary>The latest one, of a name with known addresses: of them; empty: none.</summary>
    public string LastError
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
        get { lock (_lock) return (_lastError, _lastErrorWallUs); }
    }

    /// <summary>An attempt begins. It ends by one of the four that follow.</summary>
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

    /// <param name="role">Empty: the server has not told.</param>
    public void LoggedIn(string role, long tookUs, long nowUs)
    {
        lock (_lock)
        {
            _attempts--;
            _servers++;
            _silentSinceUs = nowUs;
            _loginUs = tookUs;
            (_isDown, _wasUp, _backOffUs) = (false, true, 0);
            if (role.Length > 0) _role = role;
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
