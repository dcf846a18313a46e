using FastPool.Base;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;

namespace FastPool.Net;

/// <summary>
/// Asks files and commands for passwords, on a few threads, so that no loop waits. Several logins at once are one question. A
/// file is read for each login, so it may change at any time. The word of a command holds until a server refuses it, or a reload.
/// Any loop.
/// </summary>
internal sealed class ServerPasswords
{
    private const int StackBytes = 256 * 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<PasswordSource, string> _known = [];
    private readonly Dictionary<PasswordSource, List<(PasswordRequest Request, Action Answer)>> _asked = [];
    private readonly Queue<PasswordSource> _waiting = new();
    private int _threads;

    /// <param name="answer">Called when the request has its answer: at once, or on a thread of ours.</param>
    internal void Begin(PasswordRequest request, Action answer)
    {
        if (!IsKnown(request, answer)) return;
        answer();
    }

    private bool IsKnown(PasswordRequest request, Action answer)
    {
        lock (_gate)
        {
            if (_known.TryGetValue(request.Source, out var password))
            {
                request.Answer(password, isFresh: false);
                return true;
            }
            if (_asked.TryGetValue(request.Source, out var others))
            {
                others.RemoveAll(static other => other.Request.IsAbandoned);
                others.Add((request, answer));
                return false;
            }
            _asked.Add(request.Source, [(request, answer)]);
            _waiting.Enqueue(request.Source);
            if (_threads == Limits.PasswordThreadsMax) return false;
            _threads++;
        }
        new Thread(Work, StackBytes) { Name = "password", IsBackground = true }.Start();
        return false;
    }

    /// <summary>A server has refused it.</summary>
    internal void Forget(PasswordRequest request)
    {
        lock (_gate)
        {
            if (_known.TryGetValue(request.Source, out var password) && password == request.Password)
                _known.Remove(request.Source);
        }
    }

    /// <summary>A reload: who wants a password asks for it anew.</summary>
    internal void ForgetAll()
    {
        lock (_gate) _known.Clear();
    }

    private void Work()
    {
        while (Next() is { } source)
        {
            var password = Read(source, out var problem);
            foreach (var (request, answer) in Take(source, problem is null ? password : null))
            {
                if (problem is null) request.Answer(password, isFresh: true);
                else request.Fail(problem);
                answer();
            }
        }
    }

    private static string Read(PasswordSource source, out string? problem)
    {
        try
        {
            return PasswordReader.Read(source, out problem);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            problem = $"{source.Key} of {source.Owner}: {Loop.InternalError}"; // One source's trouble is no other's.
            return "";
        }
    }

    private PasswordSource? Next()
    {
        lock (_gate)
        {
            if (_waiting.TryDequeue(out var source)) return source;
            _threads--;
            return null;
        }
    }

    private List<(PasswordRequest Request, Action Answer)> Take(PasswordSource source, string? password)
    {
        lock (_gate)
        {
            _ = _asked.Remove(source, out var all);
            if (password is not null && source.Kind == PasswordSourceKind.Command) _known[source] = password;
            return all!;
        }
    }
}
