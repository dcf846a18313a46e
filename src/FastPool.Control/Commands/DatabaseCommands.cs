using FastPool.Control.Answers;
using FastPool.Control.Operations;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using Microsoft.Extensions.Logging;

namespace FastPool.Control.Commands;

/// <summary>Commands about one database, or about all of them where none is named.</summary>
internal sealed class DatabaseCommands(PoolRegistry registry, Pausing pausing, WaitList waits, ILogger log)
{
    /// <summary>The words are those since PgBouncer 1.26.</summary>
    private bool IsNewer => registry.Settings.Own.ShowAs >= ShownVersion.V126;

    public string? Pause(ConsoleRequest request, string name)
    {
        request.RequireAdmin();
        RequireActive();
        LogIssued("PAUSE", name);
        var database = FindOrRegister(request, name, "cannot pause admin db");
        if (database is null) pausing.PauseAll();
        else pausing.Pause(database);
        var end = database is null ? WaitEnd.Resume : WaitEnd.ResumeOfDatabase;
        waits.Add(new Wait(request, "PAUSE", () => pausing.IsDrained(database), end) { Database = database });
        return null;
    }

    public string? Resume(ConsoleRequest request, string name)
    {
        request.RequireAdmin();
        LogIssued("RESUME", name);
        if (name.Length > 0)
        {
            var database = Find(name);
            if (!database.IsPaused) throw new ConsoleException($"database {name} is not paused");
            pausing.Resume(database);
            waits.Cancel(wait => wait.EndsWith == WaitEnd.ResumeOfDatabase && wait.Database == database);
            return "RESUME";
        }
        // A shutdown that waits for clients goes on while they are served; one that waits for servers is a pause of its own.
        if (registry.State is { IsEnding: true } or { IsRetiring: true }) throw new ConsoleException("pooler is shutting down");
        if (pausing.Mode == PoolerMode.Active)
            throw new ConsoleException(IsNewer ? "pooler is not paused" : "pooler is not paused/suspended");
        ResumeAll();
        return "RESUME";
    }

    /// <summary>Waits for the state that ends here are told.</summary>
    public void ResumeAll()
    {
        pausing.ResumeAll();
        waits.Cancel(static wait => wait.EndsWith == WaitEnd.Resume);
    }

    public string? Disable(ConsoleRequest request, string name)
    {
        request.RequireAdmin();
        RequireName(name);
        LogIssued("DISABLE", name);
        FindOrRegister(request, name, "cannot disable admin db")!.IsDisabled = true;
        return "DISABLE";
    }

    public string? Enable(ConsoleRequest request, string name)
    {
        request.RequireAdmin();
        RequireName(name);
        LogIssued("ENABLE", name);
        var database = Find(name);
        if (database == registry.Admin) throw new ConsoleException($"cannot {(IsNewer ? "enable" : "disable")} admin db: {name}");
        database.IsDisabled = false;
        return "ENABLE";
    }

    public string? Reconnect(ConsoleRequest request, string name)
    {
        request.RequireAdmin();
        LogIssued("RECONNECT", name);
        pausing.Reconnect(FindOrRegister(request, name, "cannot reconnect admin db"));
        return "RECONNECT";
    }

    public string? Kill(ConsoleRequest request, string name)
    {
        request.RequireAdmin();
        RequireActive();
        LogIssued("KILL", name);
        if (FindOrRegister(request, name, "cannot kill admin db") is { } database) pausing.Kill(database);
        else pausing.KillAll();
        return "KILL";
    }

    public string? WaitClose(ConsoleRequest request, string name)
    {
        request.RequireAdmin();
        LogIssued("WAIT_CLOSE", name);
        var database = FindOrRegister(request, name, "cannot wait in admin db");
        var hadNone = false;
        waits.Add(new Wait(request, "WAIT_CLOSE", IsOver));
        return null;

        // Without servers at once; else none twice in a row, because a server between two loops is seen on neither.
        bool IsOver()
        {
            if (pausing.IsDrained(database)) return true;
            var hasNone = pausing.CountMarked(database) == 0;
            var isOver = hasNone && hadNone;
            hadNone = hasNone;
            return isOver;
        }
    }

    private void RequireActive()
    {
        if (pausing.Mode == PoolerMode.Active) return;
        throw new ConsoleException(IsNewer && pausing.Mode == PoolerMode.Paused ? "already paused"
            : "already suspended/paused");
    }

    private static void RequireName(string name)
    {
        if (name.Length == 0) throw new ConsoleException("a database is required");
    }

    private void LogIssued(string command, string name) => log.CommandIssued(name.Length == 0 ? command : $"{command} '{name}'");

    /// <summary>The database, made from the * entry if need be.</summary>
    /// <returns>Null when no name is given.</returns>
    private Database? FindOrRegister(ConsoleRequest request, string name, string refusal)
    {
        if (name.Length == 0) return null;
        var database = registry.FindDatabase(name, out var isNew);
        if (isNew) log.RegisteredAutoDatabase(request.LogPrefix, name);
        if (database is null) throw new ConsoleException($"no such database: {name}");
        if (database == registry.Admin) throw new ConsoleException($"{refusal}: {name}");
        return database;
    }

    private Database Find(string name) =>
        registry.Databases.FirstOrDefault(database => database.Name == name)
            ?? throw new ConsoleException($"no such database: {name}");
}
