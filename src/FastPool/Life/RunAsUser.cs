using FastPool.Native;
using FastPool.Native.Process;

namespace FastPool.Life;

/// <summary>The user that serves: another one when it is named, and never root.</summary>
internal static class RunAsUser
{
    private const uint Root = 0;

    /// <summary>Becomes a user, with the primary group as the only one.</summary>
    /// <param name="name">Empty: stay who we are.</param>
    internal static void Switch(string name)
    {
        if (name.Length == 0) return;
        if (!Identity.TryFindUser(name, out var uid, out var gid))
            throw new FatalError($"could not find user '{name}' to switch to");
        if (Identity.Uid == Root)
        {
            var reset = Identity.ResetGroups(gid);
            if (reset < 0) throw new FatalError($"failed to reset groups: {Errno.Text(reset)}");
        }

        var result = Identity.SetGroup(gid);
        if (result >= 0) result = Identity.SetUser(uid);
        if (result < 0) throw new FatalError($"failed to assume identity of user '{name}': {Errno.Text(result)}");
        if (Identity.Uid != uid) throw new FatalError("setuid() failed to work");
    }

    internal static void RefuseRoot()
    {
        if (Identity.Uid == Root) throw new FatalError("PgBouncer should not run as root");
    }
}
