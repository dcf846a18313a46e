using System.Text.RegularExpressions;

namespace FastPool.Compat.Dist;

/// <summary>The package for RHEL and its kin: built, looked at, and put into a root of its own.</summary>
public sealed class RpmTests
{
    private const string FastPoolOnly = "has a package of its own";

    private static readonly Lazy<Task<string>> Package = new(BuildAsync);

    private static async Task<string> BuildAsync()
    {
        var folder = Machine.NewFolder("rpm");
        await Checkout.MustRunAsync(
            Checkout.Tool("bash"), Checkout.PathOf("dist", "rpm", "build.sh"), "-b", Binary.Path, "-o", folder);
        return Assert.Single(Directory.GetFiles(folder, "fastpool-*.rpm"));
    }

    private static async Task<string> AskAsync(params string[] what) =>
        await Checkout.MustRunAsync(Checkout.Tool("rpm"), ["-qp", .. what, await Package.Value]);

    [PoolerFact(FastPoolOnly = FastPoolOnly)]
    public async Task It_says_what_it_needs_and_what_it_replaces()
    {
        Assert.Contains("pgbouncer = 1.26.1\n", await AskAsync("--provides"), StringComparison.Ordinal);
        Assert.Equal("pgbouncer\n", await AskAsync("--conflicts"));
        var needs = await AskAsync("--requires");
        Assert.Contains("(openssl-libs or libopenssl3 or libopenssl1_1)", needs, StringComparison.Ordinal);
        Assert.Contains("libc.so.6(GLIBC_2.28)", needs, StringComparison.Ordinal); // Of RHEL 8.
        Assert.DoesNotMatch(@"GLIBC_2\.(29|[3-9]\d)", needs);
        var configuration = await AskAsync("--configfiles");
        Assert.Equal(["/etc/logrotate.d/pgbouncer", "/etc/pgbouncer/pgbouncer.ini", "/etc/pgbouncer/userlist.txt"],
            configuration.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        var scripts = await AskAsync("--scripts");
        Assert.Contains("useradd -r -g pgbouncer", scripts, StringComparison.Ordinal);
        Assert.Contains("systemctl reload pgbouncer.service", scripts, StringComparison.Ordinal);
    }

    [PoolerFact(FastPoolOnly = FastPoolOnly)]
    public async Task Its_files_fit_together_in_a_root_of_their_own()
    {
        Assert.True(Environment.IsPrivilegedProcess, "rpm installs as root only: run this test as root.");
        var root = Machine.NewFolder("rpmroot");
        await Checkout.MustRunAsync(Checkout.Tool("rpm"), "--root", root, "--nodeps", "--noscripts", "-i", await Package.Value);
        Assert.Equal(await File.ReadAllBytesAsync(Binary.Path), await File.ReadAllBytesAsync($"{root}/usr/bin/pgbouncer"));
        var unit = await File.ReadAllTextAsync($"{root}/usr/lib/systemd/system/pgbouncer.service");
        Assert.Contains("\nUser=pgbouncer\nRuntimeDirectory=pgbouncer\n", unit, StringComparison.Ordinal);
        var ini = await File.ReadAllTextAsync($"{root}/etc/pgbouncer/pgbouncer.ini");
        foreach (var text in (string[])[unit, ini, await File.ReadAllTextAsync($"{root}/usr/lib/systemd/system/pgbouncer.socket"),
            await File.ReadAllTextAsync($"{root}/etc/logrotate.d/pgbouncer")])
        {
            Assert.DoesNotContain("/usr/sbin/pgbouncer", text, StringComparison.Ordinal);
            Assert.DoesNotMatch(new Regex("(?m)^[^#;]*(run/postgresql|=postgres$|su postgres)"), text);
        }
        Assert.Matches(@"(?m)^unix_socket_dir = /run/pgbouncer$", ini);
        Assert.Matches(@"(?m)^pidfile = /run/pgbouncer/pgbouncer\.pid$", ini);
    }
}
