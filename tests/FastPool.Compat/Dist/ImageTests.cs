using System.Text.Json;

namespace FastPool.Compat.Dist;

/// <summary>dist/image.py: the image without an engine, unpacked by another tool and run.</summary>
public sealed class ImageTests
{
    private const string FastPoolOnly = "has an image of its own";

    private static readonly Lazy<Task<(string Folder, string Root)>> Unpacked = new(UnpackAsync);

    private static async Task<(string Folder, string Root)> UnpackAsync()
    {
        Assert.True(Environment.IsPrivilegedProcess, "an image has files of several users: run this test as root.");
        var folder = Machine.NewFolder("image");
        await Checkout.MustRunAsync(
            Checkout.Tool("python3"), Checkout.PathOf("dist", "image.py"), "-b", Binary.Path, "-o", folder);
        var layout = Directory.CreateDirectory(Path.Combine(folder, "layout")).FullName;
        await Checkout.MustRunAsync(
            Checkout.Tool("tar"), "-C", layout, "-xf", Assert.Single(Directory.GetFiles(folder, "*-oci.tar")));
        var version = Checkout.Read("Directory.Build.props").Split("<Version>")[1].Split('<')[0];
        await Checkout.MustRunAsync(
            Checkout.Tool("umoci"), "unpack", "--image", $"{layout}:{version}", Path.Combine(folder, "bundle"));
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        return (folder, Path.Combine(folder, "bundle", "rootfs"));
    }

    [PoolerFact(FastPoolOnly = FastPoolOnly)]
    public async Task It_has_the_pooler_its_libraries_and_nothing_else()
    {
        var (folder, root) = await Unpacked.Value;
        var files = Directory.GetFiles(root, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
            .Where(path => !path.StartsWith($"{root}/etc/pgbouncer/", StringComparison.Ordinal)) // They are the other test's.
            .Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal).ToArray();
        Assert.All(files, static name => Assert.True(
            name is "pgbouncer" or "fastpool" or "passwd" or "group" or "copyright" or "ca-certificates.crt"
            || name.Contains(".so", StringComparison.Ordinal), name));
        Assert.Contains(files, static name => name.StartsWith("libssl.so", StringComparison.Ordinal));
        using var config = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "bundle", "config.json")));
        var process = config.RootElement.GetProperty("process");
        var user = process.GetProperty("user");
        Assert.Equal((10001, 10001), (user.GetProperty("uid").GetInt32(), user.GetProperty("gid").GetInt32()));
        Assert.Equal(["/usr/sbin/pgbouncer", "/etc/pgbouncer/pgbouncer.ini"],
            process.GetProperty("args").EnumerateArray().Select(static word => word.GetString()));
    }

    [PoolerFact(FastPoolOnly = FastPoolOnly)]
    public async Task It_serves_clients_with_TLS_as_its_own_user()
    {
        var (_, root) = await Unpacked.Value;
        var certificates = await Certificates.SharedAsync();
        var (server, port) = (await Postgres.SharedAsync(), Machine.FreePort());
        var etc = Path.Combine(root, "etc", "pgbouncer");
        File.Copy(certificates.Certificate("server"), Path.Combine(etc, "tls.crt"), overwrite: true);
        File.Copy(certificates.Key("server"), Path.Combine(etc, "tls.key"), overwrite: true);
        await File.WriteAllTextAsync(Path.Combine(etc, "userlist.txt"), $"\"user_trust\" \"{Postgres.Password}\"\n");
        await File.WriteAllTextAsync(Path.Combine(etc, "pgbouncer.ini"), $"""
            [databases]
            app = host=127.0.0.1 port={server.Port}

            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {port}
            unix_socket_dir = /run/pgbouncer
            auth_type = scram-sha-256
            auth_file = /etc/pgbouncer/userlist.txt
            client_tls_sslmode = require
            client_tls_cert_file = /etc/pgbouncer/tls.crt
            client_tls_key_file = /etc/pgbouncer/tls.key

            """);
        await Checkout.MustRunAsync("/bin/chown", "-R", "10001:10001", etc);
        await using var pooler = Child.StartAsIs("chroot",
            ["--userspec=10001:10001", root, "/usr/sbin/pgbouncer", "/etc/pgbouncer/pgbouncer.ini"], root);
        await pooler.LineAsync("process up");
        var (exit, text) = await Child.RunAsync(Machine.Program("psql"),
            ["-X", "-At", "-d", $"host=127.0.0.1 port={port} dbname=app user=user_trust sslmode=require", "-c",
            "select 'served'"],
            ("PGPASSWORD", Postgres.Password));
        Assert.Equal((0, "served"), (exit, text.Trim()));
        Assert.True(File.Exists(Path.Combine(root, "run", "pgbouncer", $".s.PGSQL.{port}")));
        pooler.Signal(Child.SigInt);
        Assert.Equal(0, await pooler.ExitAsync());
    }
}
