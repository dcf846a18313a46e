namespace FastPool.Compat.Life;

/// <summary>
/// A log file that is opened while the process is still root, in a folder of the user that it is about to become.
/// </summary>
public class LogLinkTests
{
    [PoolerFact(FastPoolOnly = "follows the link")]
    public async Task Root_is_not_led_to_another_file_by_a_link()
    {
        if (!ProcessUser.IsRoot) return; // Nobody but root becomes another user.
        var (folder, secrets) = (Machine.NewFolder("log"), Directory.CreateTempSubdirectory("fpr").FullName);
        var (ini, target, log) = (Path.Combine(folder, "p.ini"), Path.Combine(secrets, "shadow"), Path.Combine(folder, "log"));
        await File.WriteAllTextAsync(target, "root's own\n");
        await File.WriteAllTextAsync(ini,
            $"[databases]\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {Machine.FreePort()}\nunix_socket_dir =\nuser = nobody\nlogfile = {log}\n");
        foreach (var link in new[] { "-s", "-P" }) // By name, and as a second name of the file itself.
        {
            File.Delete(log);
            Assert.Equal(0, (await Until.DoneAsync(LinkAsync(link, target, log), "the link is there")).ExitCode);
            await using var pooler = Child.StartAsIs(Binary.Path, [ini], folder);
            Assert.Equal(1, await pooler.ExitAsync());
            Assert.Contains($"FATAL Cannot open logfile: '{log}': ", pooler.Text, StringComparison.Ordinal);
            Assert.Equal("root's own\n", await File.ReadAllTextAsync(target));
        }
        Directory.Delete(secrets, recursive: true);
    }

    private static async Task<(int ExitCode, string Text)> LinkAsync(string kind, string target, string name)
    {
        await using var link = Child.StartAsIs("ln", [kind, target, name], "/");
        return (await link.ExitAsync(), link.Text);
    }
}
