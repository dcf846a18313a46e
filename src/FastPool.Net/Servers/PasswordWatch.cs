using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;

namespace FastPool.Net;

/// <summary>
/// Password files whose word a server has refused, or that had none. They are read again with each tick, on the threads of
/// <see cref="ServerPasswords"/>: once one has another word, its pool need not wait for the end of server_login_retry. Belongs to
/// a loop.
/// </summary>
internal sealed class PasswordWatch(Loop loop)
{
    private readonly List<Watched> _watched = [];

    /// <param name="pool">The pool whose login has failed.</param>
    /// <param name="useless">The password that it had, or the lack of one.</param>
    internal void Add(Pool pool, PasswordRequest useless)
    {
        if (useless.Source.Kind != PasswordSourceKind.File) return; // A command is run when its word is wanted.
        _watched.RemoveAll(watched => watched.Pool == pool);
        _watched.Add(new Watched(pool, useless, loop.NowUs + loop.Registry.Settings.ServerLoginRetryUs));
    }

    /// <returns>True: there is nothing to look at.</returns>
    internal bool Tick()
    {
        if (_watched.Count == 0) return true;
        _watched.RemoveAll(watched => loop.NowUs >= watched.EndUs); // Its pool tries again by itself.
        foreach (var watched in _watched)
        {
            if (watched.Asked is { IsOver: false }) continue;
            var request = watched.Asked = new PasswordRequest(watched.Useless.Source);
            loop.Shared.Passwords.Begin(request, () => loop.Post(new ActionLetter(_ => OnRead(watched, request))));
        }
        return _watched.Count == 0;
    }

    /// <summary>At rest: room that a crowd has needed is given back.</summary>
    internal void GiveBack() => _watched.TrimExcess();

    private void OnRead(Watched watched, PasswordRequest request)
    {
        var useless = watched.Useless;
        if (request.Problem is not null || (useless.Problem is null && request.Password == useless.Password)) return;
        if (_watched.Remove(watched)) watched.Pool.LoginMayWork(loop);
    }

    private sealed class Watched(Pool pool, PasswordRequest useless, long endUs)
    {
        internal Pool Pool => pool;
        internal PasswordRequest Useless => useless;
        internal long EndUs => endUs;
        internal PasswordRequest? Asked { get; set; }
    }
}
