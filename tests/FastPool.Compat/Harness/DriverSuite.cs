using System.Runtime.CompilerServices;
using Xunit.Abstractions;

namespace FastPool.Compat.Harness;

/// <summary>
/// A pooler for drivers (transaction mode, two servers, few statements a server, and a database in session mode beside it), the
/// programs of tests/drivers, and the table that tests/drivers/run.sh prints.
/// </summary>
internal sealed class DriverSuite(ITestOutputHelper output)
{
    public const string SessionDatabase = "app_session";
    public const int PoolSize = 2;

    private static readonly Lock TableLock = new();

    public static Task<Pooler> StartAsync(int loops, int statements = 20, Action<PoolerFile>? change = null) =>
        Pooler.StartAsync(loops, file =>
    {
        change?.Invoke(file);
        file.Databases[SessionDatabase] = "{server} dbname=app pool_mode=session pool_size=10";
        file["default_pool_size"] = $"{PoolSize}";
        file["max_prepared_statements"] = $"{statements}";
        file["ignore_startup_parameters"] = "extra_float_digits"; // pgjdbc before 42.7 sends it.
    });

    /// <summary>Runs a driver's program through the pooler: each of its checks is a line, and all must be good.</summary>
    public Task RunAsync(string driver, Pooler pooler, string program, params string[] arguments) =>
        RunAsync(driver, pooler, null, program, arguments);

    /// <param name="certificates">It goes through TLS, and checks the certificate and its name.</param>
    public async Task RunAsync(string driver, Pooler pooler, Certificates? certificates, string program,
        params string[] arguments)
    {
        (string, string)[] tls = certificates is null ? []
            : [("PGSSLMODE", "verify-full"), ("PGSSLROOTCERT", certificates.Authority)];
        await using var child = Child.Start(program, arguments, CopyOf(driver), [.. Place(pooler), .. tls]);
        var exit = await child.ExitAsync(100);
        foreach (var line in child.Lines) output.WriteLine(line);
        var checks = child.Lines.Where(line => line.StartsWith("ok ", StringComparison.Ordinal)).ToList();
        foreach (var check in checks) Note(driver, check["ok ".Length..]);
        Assert.True(exit == 0
            && checks.Count > 0,
            $"{driver} ended with {exit}:\n{child.Text}\n--\n{string.Join('\n', pooler.Process.Lines.TakeLast(2000))}");
    }

    /// <summary>All servers are back: no client, cancel or pipeline left one behind.</summary>
    public static async Task IsCleanAsync(Pooler pooler)
    {
        await pooler.PoolIsAsync("cl_active", 0);
        await pooler.PoolIsAsync("sv_active", 0);
        await pooler.PoolIsAsync("sv_active", 0, database: SessionDatabase);
        Assert.InRange(await pooler.PoolAsync("sv_idle") + await pooler.PoolAsync("sv_used"), 0, PoolSize);
    }

    /// <summary>A check that is a test of its own has passed.</summary>
    public static void Passed(string driver, [CallerMemberName] string test = "") => Note(driver, test.Replace('_', ' '));

    public static IEnumerable<(string, string)> Place(Pooler pooler, string database = Postgres.Database) =>
    [
        ("PGHOST", "127.0.0.1"), ("PGPORT", $"{pooler.Port}"), ("PGUSER", "user_trust"), ("PGPASSWORD", Postgres.Password),
            ("PGDATABASE", database),
        ("SESSION_DATABASE", SessionDatabase), ("SESSION_STATE", pooler.SessionState),
            ("PGSSLMODE", "disable"), ("PGGSSENCMODE", "disable"),
            ("PYTHONDONTWRITEBYTECODE", "1"), ("NODE_NO_WARNINGS", "1"),
    ];

    /// <summary>The folder of tests/drivers that a driver's program lies in.</summary>
    public static string Folder(string name)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "FastPool.sln"))) folder = folder.Parent;
        return Path.Combine(folder?.FullName ?? "", "tests", "drivers", name);
    }

    /// <summary>A copy that the ordinary user can read, wherever the checkout lies.</summary>
    private static string CopyOf(string driver)
    {
        var (from, to) = (Folder(driver.Split(' ')[0]), Machine.NewFolder("d"));
        foreach (var folder in Directory.GetDirectories(from, "*", SearchOption.AllDirectories))
            Directory.CreateDirectory(folder.Replace(from, to, StringComparison.Ordinal));
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
            File.Copy(file, file.Replace(from, to, StringComparison.Ordinal));
        return to;
    }

    private static void Note(string driver, string check)
    {
        if (Environment.GetEnvironmentVariable("FASTPOOL_DRIVER_TABLE") is not { Length: > 0 } table) return;
        lock (TableLock) File.AppendAllText(table, $"{driver}\t{check}\n");
    }
}
