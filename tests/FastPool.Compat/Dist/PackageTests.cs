using System.Text.RegularExpressions;

namespace FastPool.Compat.Dist;

/// <summary>
/// The Debian package: built, installed into a root of its own in the place of the distribution's pgbouncer, removed.
/// </summary>
public sealed class PackageTests
{
    private const string Edited = "; edited by hand\n";

    private static readonly Lazy<Task<string>> Package = new(() => BuildAsync(Machine.NewFolder("deb")));

    [PoolerFact(FastPoolOnly = "has a package of its own")]
    public async Task It_says_what_it_needs_and_what_it_replaces()
    {
        var control = await Checkout.MustRunAsync(Checkout.Tool("dpkg-deb"), "-f", await Package.Value);
        Assert.Matches(@"(?m)^Package: fastpool$", control);
        Assert.Matches(@"(?m)^Depends: adduser, libc6 \(>= 2\.\d+\), libssl3 \| libssl3t64 \| libssl1\.1$", control);
        Assert.Matches(@"(?m)^Provides: pgbouncer \(= 1\.26\.1\)$", control);
        Assert.Matches(@"(?m)^Conflicts: pgbouncer$", control);
        Assert.Matches(@"(?m)^Replaces: pgbouncer$", control);
        var (_, version) = await Child.RunAsync(Binary.Path, ["-V"]);
        Assert.Contains($"FastPool {Regex.Match(control, @"(?m)^Version: (\S+)$").Groups[1].Value}", version,
            StringComparison.Ordinal);
    }

    [PoolerFact(FastPoolOnly = "has a package of its own")]
    public async Task Two_builds_are_equal()
    {
        var again = await BuildAsync(Machine.NewFolder("deb"));
        Assert.Equal(await File.ReadAllBytesAsync(await Package.Value), await File.ReadAllBytesAsync(again));
    }

    [PoolerFact(FastPoolOnly = "has a package of its own")]
    public async Task Unpacked_it_has_the_program_under_both_names()
    {
        var folder = Machine.NewFolder("deb");
        await Checkout.MustRunAsync(Checkout.Tool("dpkg-deb"), "-x", await Package.Value, folder);
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        foreach (var name in new[] { "pgbouncer", "fastpool" })
        {
            var (exitCode, text) = await Child.RunAsync($"{folder}/usr/sbin/{name}", ["-V"]);
            Assert.Equal(0, exitCode);
            Assert.StartsWith("PgBouncer 1.26.1\n", text, StringComparison.Ordinal);
        }

        foreach (var path in new[]
        {
            "usr/lib/systemd/system/pgbouncer.service", "usr/lib/systemd/system/pgbouncer.socket",
                "usr/lib/tmpfiles.d/fastpool.conf", "usr/share/fastpool/fastpool.logrotate",
            "usr/share/man/man1/pgbouncer.1.gz", "usr/share/man/man5/pgbouncer.5.gz", "usr/share/man/man1/fastpool-mkauth.1.gz",
                "usr/share/pgbouncer/mkauth.py", "usr/share/bash-completion/completions/pgbouncer",
            "usr/share/zsh/vendor-completions/_pgbouncer", "usr/share/fish/vendor_completions.d/pgbouncer.fish",
                "usr/share/doc/fastpool/copyright",
        })
        {
            Assert.True(File.Exists(Path.Combine(folder, path)), path);
        }
    }

    [PoolerFact(FastPoolOnly = "has a package of its own")]
    public async Task A_fresh_installation_has_a_configuration_and_purging_leaves_nothing()
    {
        var root = await NewRootAsync();
        await InstallAsync(root, await Package.Value);
        Assert.Equal(Checkout.Read("dist", "pgbouncer.ini"), File.ReadAllText($"{root}/etc/pgbouncer/pgbouncer.ini"));
        Assert.Equal((UnixFileMode)0b110_100_000, File.GetUnixFileMode($"{root}/etc/pgbouncer/userlist.txt"));
        await DpkgAsync(root, "--remove", "fastpool");
        Assert.True(File.Exists($"{root}/etc/pgbouncer/pgbouncer.ini"));
        Assert.False(File.Exists($"{root}/usr/sbin/pgbouncer"));
        await DpkgAsync(root, "--purge", "fastpool");
        var left = Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)
            .Where(path => path != $"{root}/lib" && !path.StartsWith($"{root}/var/lib/dpkg/", StringComparison.Ordinal));
        Assert.Empty(left);
    }

    [PoolerFact(FastPoolOnly = "has a package of its own")]
    public async Task It_takes_the_place_of_the_distribution_s_package_and_gives_it_back()
    {
        var root = await NewRootAsync();
        var theirs = await BuildTheirsAsync();
        await DpkgAsync(root, "--install", theirs);
        await File.AppendAllTextAsync($"{root}/etc/pgbouncer/pgbouncer.ini", Edited);
        await InstallAsync(root, await Package.Value);
        Assert.EndsWith(Edited, File.ReadAllText($"{root}/etc/pgbouncer/pgbouncer.ini"), StringComparison.Ordinal);
        Assert.Equal(["config-files", "installed"], await StatusAsync(root));
        Assert.Equal(await File.ReadAllBytesAsync(Binary.Path), await File.ReadAllBytesAsync($"{root}/usr/sbin/pgbouncer"));
        // Theirs were at /lib, which is a link: removing them after our unpacking takes ours along, and postinst brings them
        // back.
        Assert.Equal(Checkout.Read("dist", "pgbouncer.service"),
            File.ReadAllText($"{root}/usr/lib/systemd/system/pgbouncer.service"));
        Assert.Equal(Checkout.Read("dist", "pgbouncer.socket"),
            File.ReadAllText($"{root}/usr/lib/systemd/system/pgbouncer.socket"));

        await DpkgAsync(root, "--purge", "fastpool");
        Assert.EndsWith(Edited, File.ReadAllText($"{root}/etc/pgbouncer/pgbouncer.ini"), StringComparison.Ordinal);
        await DpkgAsync(root, "--install", theirs); // Asks nothing: there is nobody to answer.
        Assert.EndsWith(Edited, File.ReadAllText($"{root}/etc/pgbouncer/pgbouncer.ini"), StringComparison.Ordinal);
        Assert.Equal("theirs\n", File.ReadAllText($"{root}/usr/sbin/pgbouncer"));
    }

    /// <summary>Debian's package takes its files along when it is purged, and the links of the unit.</summary>
    [PoolerFact(FastPoolOnly = "has a package of its own")]
    public async Task Purging_what_the_distribution_s_package_left_changes_nothing()
    {
        var root = await NewRootAsync();
        await DpkgAsync(root, "--install", await BuildTheirsAsync());
        var wants = $"{root}/etc/systemd/system/multi-user.target.wants/pgbouncer.service";
        Directory.CreateDirectory(Path.GetDirectoryName(wants)!);
        File.CreateSymbolicLink(wants, "/lib/systemd/system/pgbouncer.service");
        var text = await InstallAsync(root, await Package.Value);
        Assert.Contains("it may be purged", text, StringComparison.Ordinal);
        Assert.False(File.Exists($"{root}/etc/logrotate.d/fastpool"), "there is a rule already");
        await File.AppendAllTextAsync($"{root}/etc/pgbouncer/pgbouncer.ini", Edited);
        await RunKeepAsync(root); // As the unit does when it starts or reloads.
        var secret = File.GetUnixFileMode($"{root}/etc/pgbouncer/userlist.txt");

        // dpkg reads its configuration outside of the root.
        var hook = File.ReadLines($"{root}/etc/dpkg/dpkg.cfg.d/fastpool")
            .Single(static line => line.StartsWith("post-invoke=", StringComparison.Ordinal));
        text = await DpkgAsync(root, "--" + hook, "--purge", "pgbouncer");
        Assert.Contains("/etc/pgbouncer is as it was", text, StringComparison.Ordinal);
        Assert.EndsWith(Edited, File.ReadAllText($"{root}/etc/pgbouncer/pgbouncer.ini"), StringComparison.Ordinal);
        Assert.Equal(secret, File.GetUnixFileMode($"{root}/etc/pgbouncer/userlist.txt"));
        Assert.NotNull(new FileInfo(wants).LinkTarget);
        Assert.False(Directory.Exists($"{root}/var/lib/fastpool/kept"));
        Assert.True(File.Exists($"{root}/usr/sbin/pgbouncer"));
    }

    [PoolerFact(FastPoolOnly = "has a package of its own")]
    public async Task A_binary_of_another_version_is_not_packed()
    {
        var folder = Machine.NewFolder("deb");
        var other = Path.Combine(folder, "fastpool");
        File.Copy("/bin/true", other); // Of this machine, and it says nothing of a version of ours.
        var (exit, text) = await Checkout.RunAsync(
            Checkout.Tool("bash"), Checkout.PathOf("dist", "debian", "build.sh"), "-b", other, "-o", folder);
        Assert.Equal(1, exit);
        Assert.Contains("is version unknown, the sources are", text, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder, "*.deb"));
    }

    private static Task RunKeepAsync(string root) =>
        Checkout.MustRunAsync("/usr/bin/env", $"DPKG_ROOT={root}", $"{root}/usr/share/fastpool/keep-configuration", "save");

    private static async Task<string> BuildAsync(string folder)
    {
        var text =
            await Checkout.MustRunAsync(Checkout.Tool("bash"), Checkout.PathOf("dist", "debian", "build.sh"), "-b", Binary.Path,
            "-o", folder);
        var package = Assert.Single(Directory.GetFiles(folder, "fastpool_*.deb"));
        Assert.Contains(package, text, StringComparison.Ordinal);
        return package;
    }

    /// <summary>A package of the shape that Debian's has.</summary>
    private static async Task<string> BuildTheirsAsync()
    {
        var folder = Machine.NewFolder("theirs");
        var tree = Path.Combine(folder, "tree");
        foreach (var (path, text) in new[]
        {
            ("DEBIAN/control",
                "Package: pgbouncer\nVersion: 1.18.0-1\nArchitecture: all\nMaintainer: Nobody <nobody@localhost>\nDescription: stands for the distribution's\n"),
            ("DEBIAN/conffiles", "/etc/pgbouncer/pgbouncer.ini\n/etc/pgbouncer/userlist.txt\n/etc/logrotate.d/pgbouncer\n"),
            ("etc/pgbouncer/pgbouncer.ini", "[pgbouncer]\n"),
            ("etc/pgbouncer/userlist.txt", ""),
            ("etc/logrotate.d/pgbouncer", "theirs\n"),
            ("DEBIAN/postrm", "#!/bin/sh\n[ $1 != purge ] || rm -f $DPKG_ROOT/etc/systemd/system/*.wants/pgbouncer.service\n"),
            ("lib/systemd/system/pgbouncer.service", "theirs\n"),
            ("lib/systemd/system/pgbouncer.socket", "theirs\n"),
            ("usr/sbin/pgbouncer", "theirs\n"),
            ("usr/share/man/man1/pgbouncer.1.gz", "theirs\n"),
        })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(tree, path))!);
            await File.WriteAllTextAsync(Path.Combine(tree, path), text);
        }

        File.SetUnixFileMode($"{tree}/DEBIAN/postrm", (UnixFileMode)0b111_101_101);
        await Checkout.MustRunAsync(Checkout.Tool("dpkg-deb"), "--root-owner-group", "--build", tree, $"{folder}/theirs.deb");
        return $"{folder}/theirs.deb";
    }

    /// <summary>A root with nothing in it but dpkg's own files and /lib as a link, as systems have it now.</summary>
    private static async Task<string> NewRootAsync()
    {
        Assert.True(Environment.IsPrivilegedProcess, "dpkg installs as root only: run this test as root.");
        var root = Machine.NewFolder("root");
        foreach (var path in new[] { "usr/lib", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers" })
            Directory.CreateDirectory(Path.Combine(root, path));
        File.CreateSymbolicLink($"{root}/lib", "usr/lib");
        await File.WriteAllTextAsync($"{root}/var/lib/dpkg/status", "");
        return root;
    }

    private static Task<string> InstallAsync(string root, string package) =>
        DpkgAsync(root, "--auto-deconfigure", "-B", "--install", package);

    // Scripts run outside of the root, which has no shell, and know it by DPKG_ROOT. Nothing that we depend on is in there.
    private static Task<string> DpkgAsync(string root, params string[] arguments) =>
        Checkout.MustRunAsync(Checkout.Tool("dpkg"),
            [$"--root={root}", "--force-script-chrootless", "--force-depends", "--log=/dev/null", .. arguments]);

    private static async Task<string[]> StatusAsync(string root)
    {
        var text =
            await Checkout.MustRunAsync(Checkout.Tool("dpkg-query"), $"--admindir={root}/var/lib/dpkg", "-W", "-f",
            "${db:Status-Status}\\n");
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];
    }
}
