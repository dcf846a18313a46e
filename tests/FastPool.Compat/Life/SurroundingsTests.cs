using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace FastPool.Compat.Life;

/// <summary>
/// Containers and clusters: what the process does without a name, a writable file, a capability, a library more than its own.
/// </summary>
public sealed class SurroundingsTests
{
    private const string StrangerId = "54321";

    private static readonly string[] Stranger =
        ["setpriv", $"--reuid={StrangerId}", $"--regid={StrangerId}", "--clear-groups", "--"];

    private static readonly string[] Powerless =
        [.. Machine.AsUser.SkipLast(1), "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"];

    [ViewTheory]
    [InlineData(Child.SigTerm)]
    [InlineData(Child.SigInt)]
    public async Task As_process_1_without_capabilities_on_a_read_only_system_it_serves_ends_and_buries_orphans(int signal)
    {
        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            f["unix_socket_dir"] = "";
            f.Wrapper = OwnView.Of("mount -o remount,bind,ro /", Powerless, "--pid", "--fork", "--mount-proc");
        });
        var inner = int.Parse((await File.ReadAllTextAsync($"/proc/{pooler.Pid}/task/{pooler.Pid}/children")).Trim());
        try
        {
            await LivesAsProcess1Async(pooler, inner, signal);
        }
        finally
        {
            _ = Machine.Kill(inner, Child.SigKill); // The outer process does not take it along once it has become another user.
        }
    }

    private static async Task LivesAsProcess1Async(Pooler pooler, int inner, int signal)
    {
        var status = await File.ReadAllTextAsync($"/proc/{inner}/status");
        Assert.Matches(@"\nNSpid:\t\d+\t1\n", status);
        Assert.Matches(@"\nCapBnd:\t0+\n", status);
        Assert.Contains(" [1] LOG process up", pooler.Process.Text, StringComparison.Ordinal);
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
        Assert.NotEqual(0,
            (await RunAsync("nsenter", $"--target={inner}", "--mount", "--pid", "touch",
            Path.Combine(Machine.Folder, "x"))).Exit);

        // Its parent is gone before it.
        Assert.Equal(0, (await RunAsync("nsenter", $"--target={inner}", "--mount", "--pid", "sh", "-c", "sleep 0.1 &")).Exit);
        await Until.TrueAsync(async () =>
            (await File.ReadAllTextAsync($"/proc/{inner}/task/{inner}/children")).Trim().Length == 0, "the orphan is buried");

        await RunAsync("kill", $"-{signal}", $"{inner}");
        Assert.Equal(0, await pooler.Process.ExitAsync());
    }

    [ViewTheory]
    [InlineData("trust", "in")]
    [InlineData("peer", "FATAL:  unix socket login rejected")]
    public async Task A_user_without_a_name_runs_it_and_only_peer_knows_him_not(string method, string answer)
    {
        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            var hba = Path.Combine(Machine.NewFolder("hba"), "hba");
            File.WriteAllText(hba, $"local all all {method}\nhost all all all trust\n");
            f["auth_type"] = "hba";
            f["auth_hba_file"] = hba;
            f["unix_socket_dir"] = OpenFolder();
            f.Wrapper = Stranger;
        });
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
        var socket = Regex.Match(pooler.Process.Text, @"listening on unix:(.*)/\.s\.PGSQL").Groups[1].Value;
        string[] psql = [.. Stranger, Machine.Program("psql"), "-X", "-At", "-h", socket, "-p", $"{pooler.Port}"];
        Assert.Contains(answer,
            (await RunAsync(psql[0], [.. psql[1..], "-U", "user_trust", "-d", "app", "-c", "select 'in'"])).Text,
            StringComparison.Ordinal);
        Assert.Contains("PgBouncer ",
            (await RunAsync(psql[0], [.. psql[1..], "-U", "pgbouncer", "-d", "pgbouncer", "-c", "show version"])).Text,
            StringComparison.Ordinal);
    }

    [ViewFact(NeedsReference = true)]
    public Task A_name_that_a_library_in_front_makes_up_counts_as_in_PgBouncer() => Reference.SameAsync(async program =>
    {
        var passwd = Path.Combine(Machine.NewFolder("nss"), "passwd");
        await File.WriteAllTextAsync(passwd, $"user_trust:x:{StrangerId}:{StrangerId}::/:/bin/false\n");
        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            var hba = Path.Combine(Machine.NewFolder("hba"), "hba");
            File.WriteAllText(hba, "local all all peer\nhost all all all trust\n");
            f.Program = program;
            f["auth_type"] = "hba";
            f["auth_hba_file"] = hba;
            f["unix_socket_dir"] = OpenFolder();
            f["user"] = "user_trust"; // Is already, by that name.
            f.Wrapper = Stranger;
            f.Environment.AddRange(
                [("LD_PRELOAD", "libnss_wrapper.so"), ("NSS_WRAPPER_PASSWD", passwd), ("NSS_WRAPPER_GROUP", passwd)]);
        });
        var socket = Regex.Match(pooler.Process.Text, @"listening on unix:(.*)/\.s\.PGSQL").Groups[1].Value;
        string[] psql =
            [.. Stranger, Machine.Program("psql"), "-X", "-At", "-h", socket, "-p", $"{pooler.Port}", "-d", "app", "-c",
            "select 'in'"];
        var (exit, text) = await RunAsync(psql[0], [.. psql[1..], "-U", "user_trust"]);
        Assert.Equal((0, "in"), (exit, text.Trim()));
        var (_, refusal) = await RunAsync(psql[0], [.. psql[1..], "-U", "user_plain"]);
        return Regex.Match(refusal, "FATAL:.*").Value;
    });

    [ViewFact]
    public async Task In_an_empty_file_system_it_needs_the_C_library_and_nothing_else()
    {
        var root = Machine.NewFolder("root");
        var (_, libraries) = await RunAsync("ldd", Binary.Path);
        Assert.DoesNotContain("not found", libraries, StringComparison.Ordinal);
        foreach (Match library in Regex.Matches(libraries, @"(/\S+) \(0x"))
        {
            Assert.Matches(@"/(ld-linux[^/]*|libc|libm|libdl|libpthread|librt|libgcc_s)\.so\.\d+$", library.Groups[1].Value);
            Copy(library.Groups[1].Value);
        }
        Copy(Binary.Path);
        var (exit, version) = await RunAsync("chroot", root, Binary.Path, "-V");
        Assert.True(exit == 0, version);
        Assert.StartsWith("PgBouncer ", version, StringComparison.Ordinal);

        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            f["unix_socket_dir"] = "";
            f.Wrapper = OwnView.Of(
                $"for ini; do :; done\ncp -a \"$(dirname \"$ini\")\" {root}{Machine.Folder}/",
                    ["chroot", $"--userspec={Machine.AsUser[1].Split('=')[1]}:{Machine.AsUser[2].Split('=')[1]}", "--groups=",
                    root]);
        });
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
        Assert.Equal(0, await SilentEndAsync(pooler));

        void Copy(string path)
        {
            var target = root + path;
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(path, target);
            File.SetUnixFileMode(target, (UnixFileMode)0b111_101_101);
        }
    }

    [ViewTheory(NeedsReference = true)]
    [InlineData("local3", "fp-test", 158)]
    [InlineData("daemon", "pgbouncer", 30)]
    public Task Syslog_gets_ident_facility_pid_and_the_bare_text_as_in_PgBouncer(string facility, string ident, int priority) =>
        Reference.SameAsync(async program =>
    {
        var folder = Machine.NewFolder("dev");
        using var log = Listen(Path.Combine(folder, "log"));
        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            f.Program = program;
            f["syslog"] = "1";
            f["syslog_facility"] = facility;
            f["syslog_ident"] = ident;
            f["verbose"] = "1"; // Lines for debugging are not for syslog.
            f.Wrapper = OwnView.Of($"""
                mkdir {folder}/new
                mount -t tmpfs none {folder}/new
                cp -a /dev/null /dev/zero /dev/urandom /dev/random {folder}/new/
                ln -s {folder}/log {folder}/new/log
                mount --move {folder}/new /dev
                """, Machine.AsUser);
        });
        var lines = new List<string>();
        do lines.Add(await HearAsync(log));
        while (!lines[^1].Contains("process up", StringComparison.Ordinal));
        Assert.All(lines, line => Assert.Matches($@"^<\d+>\w{{3}} [ \d]\d \d\d:\d\d:\d\d {ident}\[{pooler.Pid}\]: ", line));
        Assert.All(lines, line => Assert.StartsWith($"<{priority}>", line, StringComparison.Ordinal));
        return string.Join('\n', lines.Select(line => Regex.Match(line, @"\]: (kernel file|listening on|process up)").Value)
            .Where(text => text.Length > 0));
    });

    [ViewFact]
    public async Task The_journal_gets_entries_when_standard_error_leads_there()
    {
        var folder = Machine.NewFolder("run");
        using var journal = Listen(Path.Combine(folder, "socket"));
        var toJournal = Path.Combine(folder, "start");
        await File.WriteAllTextAsync(toJournal,
            $"#!/bin/sh\nexport JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2)\nexec {Binary.Path} \"$@\"\n");
        File.SetUnixFileMode(toJournal, (UnixFileMode)0b111_101_101);
        var ini = Path.Combine(folder, "p.ini");
        await File.WriteAllTextAsync(ini,
            $"[databases]\n[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port={Machine.FreePort()}\nunix_socket_dir=\nauth_type=trust\n");
        var view = OwnView.Of($"""
            mount -t tmpfs none /run
            mkdir -p /run/systemd/journal
            ln -s {folder}/socket /run/systemd/journal/socket
            """, Machine.AsUser);
        await using var child = Child.StartAsIs(view[0], [.. view.Skip(1), toJournal, ini], folder);
        var entries = new List<string>();
        do entries.Add(await HearAsync(journal));
        while (!entries[^1].Contains("process up", StringComparison.Ordinal));
        Assert.All(entries, entry => Assert.Matches(@"^PRIORITY=6\nSYSLOG_IDENTIFIER=pgbouncer\nMESSAGE\n", entry));
        Assert.All(entries, entry => Assert.DoesNotMatch(@"\d\d:\d\d:\d\d\.\d{3} ", entry));
        Assert.Equal("", child.Text); // Nothing goes there twice.
        child.Signal(Child.SigQuit);
        Assert.Equal(0, await child.ExitAsync());
    }

    [PoolerFact]
    public async Task A_JOURNAL_STREAM_of_somebody_else_changes_nothing()
    {
        await using var pooler = await Pooler.StartAsync(1, f => f.Environment.Add(("JOURNAL_STREAM", "1:1")));
        Assert.Matches(@"\d\d:\d\d:\d\d\.\d{3} \S+ \[\d+\] LOG process up", pooler.Process.Text);
    }

    private static string OpenFolder()
    {
        var folder = Machine.NewFolder("open");
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_111_111);
        return folder;
    }

    private static Socket Listen(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        File.SetUnixFileMode(path, (UnixFileMode)0b111_111_111);
        return socket;
    }

    private static async Task<string> HearAsync(Socket socket)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        var buffer = new byte[8192];
        return Encoding.UTF8.GetString(buffer, 0, await socket.ReceiveAsync(buffer, deadline.Token));
    }

    private static async Task<int> SilentEndAsync(Pooler pooler)
    {
        pooler.Process.Signal(Child.SigInt);
        return await pooler.Process.ExitAsync();
    }

    /// <summary>A program run as root.</summary>
    private static async Task<(int Exit, string Text)> RunAsync(string program, params string[] arguments)
    {
        await using var child = Child.StartAsIs(program, arguments, "/");
        return (await child.ExitAsync(), child.Text);
    }
}
