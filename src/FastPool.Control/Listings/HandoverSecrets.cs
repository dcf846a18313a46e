using FastPool.Core.Auth;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Sessions.Handover;
using FastPool.Core.Settings;

namespace FastPool.Control.Listings;

/// <summary>
/// The secrets that a process that takes over needs for logins to servers and cannot read from its own files. It never leaves the
/// system user.
/// </summary>
internal sealed class HandoverSecrets(PoolRegistry registry, ScramVerifiers verifiers, TrackedParameters tracked)
{
    public TrackedParameters Tracked => tracked;

    /// <summary>A user's secret if it was fetched; null if it is in the userlist, or unknown.</summary>
    public string? SecretOf(string? database, string? user)
    {
        if (database is null || user is null || registry.Settings.UserList.TryGet(user, out _)) return null;
        return registry.FindDatabase(database, out _)?.FetchedSecrets.GetValueOrDefault(user)?.Text;
    }

    /// <summary>The secret that a client of that name has proved to know.</summary>
    public ScramKeys? KeysOf(string? database, string? user)
    {
        if (database is null || user is null || registry.FindDatabase(database, out _) is not { Entry.ForcedUser: null } known)
            return null;
        var secret = registry.Settings.UserList.TryGet(user, out var listed) ? listed
            : known.FetchedSecrets.GetValueOrDefault(user);
        return secret is { Kind: SecretKind.Scram } ? verifiers.Proof(secret.StoredKey) : null;
    }

    public void AddTo(HandedState state)
    {
        foreach (var database in registry.Databases)
        {
            foreach (var (user, secret) in database.FetchedSecrets) state.Secrets.Add((database.Name, user, secret.Text));
        }
        foreach (var keys in verifiers.Proofs) state.Proofs.Add((keys.ClientKey, keys.ServerKey));
    }
}
