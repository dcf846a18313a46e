using System.Globalization;
using System.Text.RegularExpressions;
using FastPool.Compat.Dist;

namespace FastPool.Compat.Life;

/// <summary>The process as init scripts and service managers see it, beside PgBouncer.</summary>
public sealed class DaemonTests
{
    [ReferenceTheory]
    [InlineData("{ini} -q -v")]
    [InlineData("-qv {ini}")]
    [InlineData("{ini} -vq")]
    [InlineData("--quie {ini} --verb")]
    [InlineData("-u{user} -q {ini}")]
    [InlineData("-q -u {user} -- {ini}")]
    [InlineData("--user={user} --quiet {ini}")]
    public Task Options_are_read_as_getopt_reads_them(string options) => Reference.SameAsync(async program =>
    {
        var shop = await Shop.OpenAsync(program);
        string[] arguments =
            [.. options.Replace("{ini}", shop.Ini, StringComparison.Ordinal)
            .Replace("{user}", Checkout.UserName, StringComparison.Ordinal).Split(' ')];
        await using var child = Child.Start(program, arguments, shop.Folder);
        await shop.IsUpAsync(() => child.Text);
        await using var console = await RawClient.LoginAsync(shop.Port, "admin", "pgbouncer");
        var verbosity = (await console.QueryAsync("SHOW CONFIG")).Rows.Single(row => row[0] == "verbose")[1];
        child.Signal(Child.SigInt);
        return (await child.ExitAsync(), child.Text, verbosity);
    });

    [ReferenceTheory]
    [InlineData("-d {ini}")]
    [InlineData("{ini} -dq")]
    [InlineData("--dae {ini}")]
    public Task A_daemon_has_left_everything_behind_as_PgBouncer_does(string options) => Reference.SameAsync(async program =>
    {
        var shop = await Shop.OpenAsync(program);
        var (exit, text) =
            await Child.RunAsync("sh",
            ["-c", "cd $0 && umask 027 && exec \"$@\"", shop.Folder, program,
            .. options.Replace("{ini}", shop.Ini, StringComparison.Ordinal).Split(' ')]);
        await shop.IsUpAsync(() => text);
        var pid = await shop.PidAsync();
        var (parent, session) = ("", "");
        await Until.TrueAsync(async () =>
        {
            var stat = (await File.ReadAllTextAsync($"/proc/{pid}/stat")).Split(") ")[1].Split(' ');
            (parent, session) = (stat[1], stat[3]);
            try
            {
                return await File.ReadAllTextAsync($"/proc/{parent}/comm") != await File.ReadAllTextAsync($"/proc/{pid}/comm");
            }
            catch (IOException)
            {
                return false; // It has just gone.
            }
        }, "the process that has sent it into the background is gone");
        var seen = (
            exit,
            text,
            parent,
            IsOfOurSession: session == (await File.ReadAllTextAsync("/proc/self/stat")).Split(") ")[1].Split(' ')[3],
            Streams: string.Join(' ', Enumerable.Range(0, 3).Select(i => new FileInfo($"/proc/{pid}/fd/{i}").LinkTarget)),
            IsStill: new FileInfo($"/proc/{pid}/cwd").LinkTarget == shop.Folder,
            Umask: Regex.Match(await File.ReadAllTextAsync($"/proc/{pid}/status"), @"Umask:\t(\d+)").Groups[1].Value,
            Name: (await File.ReadAllTextAsync($"/proc/{pid}/comm")).Trim() == Path.GetFileName(program));
        await shop.EndAsync(pid);
        return seen;
    });

    [ReferenceFact]
    public Task The_pid_file_has_its_mode_and_form_as_in_PgBouncer() => Reference.SameAsync(async program =>
    {
        var shop = await Shop.OpenAsync(program);
        await using var child = Child.Start(program, ["-q", shop.Ini], shop.Folder);
        await shop.IsUpAsync(() => child.Text);
        Assert.Equal($"{child.Pid}\n", await File.ReadAllTextAsync(shop.PidFile));
        var mode = File.GetUnixFileMode(shop.PidFile);
        child.Signal(Child.SigInt);
        return (mode, await child.ExitAsync(), File.Exists(shop.PidFile));
    });

    [PoolerFact]
    public async Task Under_its_drop_in_name_scripts_find_it_and_it_alone()
    {
        var shop = await Shop.OpenAsync(Binary.Path);
        var program = Path.Combine(shop.Folder, "pgbouncer");
        File.Copy(Binary.Path, program);
        File.SetUnixFileMode(program, (UnixFileMode)0b111_101_101);
        await using var child = Child.Start(program, ["-q", shop.Ini], shop.Folder);
        await shop.IsUpAsync(() => child.Text);
        Assert.Contains($"{child.Pid}", (await Checkout.MustRunAsync(Checkout.Tool("pidof"), program)).Trim().Split(' '));
        Assert.Contains($"{child.Pid}", (await Checkout.MustRunAsync(Checkout.Tool("pgrep"), "--exact", "pgbouncer")).Trim()
            .Split('\n'));
        Assert.Equal(program, new FileInfo($"/proc/{child.Pid}/exe").LinkTarget);
        Assert.Equal("", (await Checkout.RunAsync(Checkout.Tool("pgrep"), "--parent", $"{child.Pid}")).Text);
        await Checkout.MustRunAsync(Checkout.Tool("start-stop-daemon"), "--status", "--pidfile", shop.PidFile, "--exec", program);
        await Checkout.MustRunAsync(Checkout.Tool("start-stop-daemon"), "--stop", "--retry", "10", "--pidfile", shop.PidFile,
            "--exec", program);
        Assert.Equal(0, await child.ExitAsync());
    }

    [PoolerFact]
    public async Task Everything_goes_to_standard_error_at_once_and_nothing_to_standard_output()
    {
        var shop = await Shop.OpenAsync(Binary.Path);
        await using var child = Child.Start("sh", ["-c", "exec \"$@\" 2>/dev/null", "sh", Binary.Path, shop.Ini], shop.Folder);
        await shop.IsUpAsync(() => child.Text);
        child.Signal(Child.SigQuit);
        Assert.Equal(0, await child.ExitAsync());
        Assert.Equal("", child.Text);
    }

    /// <summary>
    /// The C library has the last word on names, also where summer is the standard time and where a zone has no letters.
    /// </summary>
    [ReferenceTheory]
    [InlineData("UTC", "UTC")]
    [InlineData("Europe/Dublin", "(GMT|IST)")]
    [InlineData("IST-1GMT0,J1/0,J365/25", "GMT")]
    [InlineData("GMT0IST,J1/0,J365/25", "IST")]
    [InlineData("Asia/Kolkata", "IST")]
    [InlineData("America/Sao_Paulo", "-03")]
    [InlineData("Nowhere/AtAll", "Nowhere")]
    public Task A_line_has_the_time_and_the_zone_of_the_place_as_in_PgBouncer(string zone, string name) =>
        Reference.SameAsync(async program =>
    {
        var shop = await Shop.OpenAsync(program);
        await using var child = Child.Start(program, ["-q", shop.Ini], shop.Folder, ("TZ", zone));
        await shop.IsUpAsync(() => child.Text);
        child.Signal(Child.SigInt);
        await child.ExitAsync();
        var zones = (await File.ReadAllLinesAsync(shop.Log)).Select(line =>
        {
            var match =
                Regex.Match(line,
                $@"^(\d{{4}}-\d\d-\d\d \d\d:\d\d):\d\d\.\d{{3}} ({name}) \[\d+\] (FATAL|ERROR|WARNING|LOG|DEBUG|NOISE) ");
            Assert.True(match.Success, line);
            return (Zone: match.Groups[2].Value, Hour: DateTime.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture));
        }).ToList();
        var (_, date) = await Child.RunAsync("date", ["+%Y-%m-%d %H:%M"], ("TZ", zone));
        Assert.InRange((DateTime.Parse(date, CultureInfo.InvariantCulture) - zones[0].Hour).TotalMinutes, 0, 2);
        return Assert.Single(zones.Select(static line => line.Zone).Distinct());
    });

    /// <summary>A folder with an ini for any version.</summary>
    private sealed record Shop(string Folder, int Port, string Ini, string Log, string PidFile)
    {
        public static async Task<Shop> OpenAsync(string program)
        {
            Assert.True(File.Exists(program));
            var folder = Machine.NewFolder("d");
            var shop =
                new Shop(folder, Machine.FreePort(), Path.Combine(folder, "p.ini"), Path.Combine(folder, "log"),
                Path.Combine(folder, "pid"));
            await File.WriteAllTextAsync(shop.Ini,
                $"[databases]\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {shop.Port}\nadmin_users = admin\nunix_socket_dir = {folder}\nauth_type = any\nlogfile = {shop.Log}\npidfile = {shop.PidFile}\n");
            return shop;
        }

        public Task IsUpAsync(Func<string> more) => Until.TrueAsync(
            () => File.Exists(Log) && File.ReadAllText(Log).Contains("process up", StringComparison.Ordinal)
                && File.Exists(PidFile) && File.ReadAllText(PidFile).EndsWith('\n'),
            "it is up", 15, () => more() + (File.Exists(Log) ? File.ReadAllText(Log) : ""));

        public async Task<int> PidAsync() => int.Parse(await File.ReadAllTextAsync(PidFile), CultureInfo.InvariantCulture);

        public async Task EndAsync(int pid)
        {
            _ = Machine.Kill(pid, Child.SigInt);
            await Until.TrueAsync(() => !Directory.Exists($"/proc/{pid}"), "it has ended");
        }
    }
}
