using FastPool.Base;
using FastPool.Core.Settings;
using FastPool.Logs;
using FastPool.Native;
using FastPool.Native.Process;
using Microsoft.Extensions.Logging;

namespace FastPool.Life;

/// <summary>
/// The limit of descriptors, and the number that the settings may need. The limit is raised as far as the system allows: the
/// soft limit is for programs that cannot deal with many.
/// </summary>
internal static class DescriptorLimit
{
    /// <summary>The soft limit becomes the hard one.</summary>
    internal static void Raise() => _ = Identity.TryRaiseDescriptorLimit();

    /// <summary>As it is now; it may have been changed from outside.</summary>
    internal static void Look(DescriptorReserve reserve)
    {
        if (Identity.DescriptorLimit(out var soft, out _) >= 0) reserve.SetLimit(soft);
    }

    internal static void Report(Settings settings, ILogger log)
    {
        var result = Identity.DescriptorLimit(out var soft, out var hard);
        if (result < 0) log.NoDescriptorLimit(Errno.Text(result));
        else log.DescriptorLimit(Text(soft), Text(hard), settings.MaxClientConn, Expected(settings));
    }

    /// <summary>
    /// All clients, some files, and each pool full: a database has one pool for its forced user, else one for each user.
    /// </summary>
    internal static long Expected(Settings settings)
    {
        const int Files = 10;
        const int Console = 2;
        var users = KnownUsers(settings);
        var expected = (long)settings.MaxClientConn + Files + Console;
        foreach (var database in settings.Databases.Values)
        {
            var pools = database.ForcedUser is null ? users : 1;
            expected += pools * settings.PoolSize(database, user: null);
        }

        return expected;
    }

    /// <summary>Of the userlist, of [users], and the console's own.</summary>
    private static long KnownUsers(Settings settings)
    {
        const string ConsoleUser = "pgbouncer";
        long count = settings.UserList.Count;
        if (!settings.UserList.TryGet(ConsoleUser, out _) && !settings.Users.ContainsKey(ConsoleUser)) count++;
        foreach (var name in settings.Users.Keys)
        {
            if (!settings.UserList.TryGet(name, out _)) count++;
        }

        return count;
    }

    /// <summary>No limit has always been printed as the signed number that stands for it.</summary>
    private static string Text(ulong limit) => ((long)limit).ToString(System.Globalization.CultureInfo.InvariantCulture);
}
