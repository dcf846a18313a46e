namespace FastPool.Compat.Harness;

/// <summary>
/// This machine once more, with a real systemd as process 1: its files below an overlay that is gone at the end, a network of its
/// own, PostgreSQL on 127.0.0.1:5432, and nothing else. Needs root, systemd-nspawn and overlays.
/// </summary>
internal sealed class SystemdMachine : IAsyncDisposable
{
    /// <summary>/tmp of the machine is its own; this folder is not.</summary>
    public const string Folder = "/root/fastpool-test";

    private const string Script = """
        set -e
        mount -t tmpfs tmpfs "$0"
        mkdir "$0/upper" "$0/work" "$0/root"
        mount -t overlay overlay -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" "$0/root"
        # As a machine of its own, on which services may start.
        rm -f "$0/root/etc/machine-id" "$0/root/usr/sbin/policy-rc.d"
        systemd-id128 new >"$0/root/etc/machine-id"
        mkdir -p "$0/root$1"
        exec timeout 600 systemd-nspawn -q -D "$0/root" --private-network --register=no --keep-unit -M fastpool-test \
            --console=pipe -b systemd.unit=basic.target
        """;

    private readonly Child _container;
    private int _leader;

    private SystemdMachine(Child container) => _container = container;

    public static async Task<SystemdMachine> StartAsync()
    {
        Assert.True(Environment.IsPrivilegedProcess, "systemd-nspawn wants root: run this test as root.");
        Checkout.Tool("systemd-nspawn");
        var folder = Machine.NewFolder("systemd");
        var machine = new SystemdMachine(Child.StartAsIs(
            "unshare", ["-m", "--propagation", "private", "sh", "-c", Script, folder, Folder], folder));
        await Until.TrueAsync(machine.IsUpAsync, "systemd is up", 60, () => machine._container.Text);
        return machine;
    }

    private async Task<bool> IsUpAsync()
    {
        Assert.False(_container.HasExited, $"The machine did not start:\n{_container.Text}");
        _leader = FindLeader();
        if (_leader == 0) return false;
        var (_, state) = await RunAsync("systemctl is-system-running");
        return state.Trim() is "running" or "degraded";
    }

    /// <summary>The process that is number 1 in there.</summary>
    private int FindLeader()
    {
        foreach (var path in Directory.GetDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(path), out var pid)) continue;
            try
            {
                var ids = File.ReadLines($"{path}/status")
                    .FirstOrDefault(static line => line.StartsWith("NSpid:", StringComparison.Ordinal));
                if (ids?.Split('\t', StringSplitOptions.RemoveEmptyEntries) is [_, _, "1"] && IsOurs(pid)) return pid;
            }
            catch (IOException)
            {
                // It has just ended.
            }
        }
        return 0;
    }

    private bool IsOurs(int pid)
    {
        for (; pid > 1; pid = ParentOf(pid))
        {
            if (pid == _container.Pid) return true;
        }
        return false;
    }

    private static int ParentOf(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Runs lines of shell in there, as root.</summary>
    public Task<(int ExitCode, string Text)> RunAsync(string script) => Checkout.RunAsync(
        "nsenter", "-t", $"{_leader}", "-m", "-u", "-i", "-n", "-p", "-C", "-w", "env", "-i",
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive",
        "sh", "-c", $"cd {Folder}\n{script}");

    /// <summary>As above, for lines that have to succeed.</summary>
    /// <returns>Their output, without the blank at its end.</returns>
    public async Task<string> MustRunAsync(string script)
    {
        var (exitCode, text) = await RunAsync("set -e\n" + script);
        Assert.True(exitCode == 0, $"{script}\nended with {exitCode}:\n{text}\n{await JournalAsync()}");
        return text.TrimEnd();
    }

    /// <summary>The last lines of the service.</summary>
    public async Task<string> JournalAsync() =>
        (await RunAsync("journalctl -u pgbouncer --no-pager -o cat | tail -n 60")).Text;

    /// <summary>A file of this machine, for in there.</summary>
    public void Put(string path, string name) => File.Copy(path, $"/proc/{_leader}/root{Folder}/{name}", overwrite: true);

    public Task WriteAsync(string path, string text) => File.WriteAllTextAsync($"/proc/{_leader}/root{path}", text);

    public async ValueTask DisposeAsync()
    {
        // With process 1 all others end, and with the last one the mounts are gone.
        if (_leader > 0) await Checkout.RunAsync("kill", "-KILL", $"{_leader}");
        await _container.DisposeAsync();
    }
}
