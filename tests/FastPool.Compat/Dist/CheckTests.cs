using System.Text.Json;

namespace FastPool.Compat.Dist;

/// <summary><c>fastpool check</c>, as a user at a shell or a build server runs it.</summary>
public sealed class CheckTests
{
    [PoolerFact(FastPoolOnly = "is a command of its own")]
    public async Task A_sound_file_has_status_0_and_a_faulty_one_status_1_with_places()
    {
        var folder = Machine.NewFolder("check");
        var ini = await WriteAsync(folder, "");
        var (exit, text) = await CheckAsync(ini);
        Assert.True(exit == 0, text);
        Assert.Equal($"{ini}: nothing found\n", text);

        ini = await WriteAsync(folder,
            "user = nobody-of-this-machine\nlogfile = /nonexistent/log\nclient_tls_sslmode = require\n");
        (exit, text) = await CheckAsync("--json", ini);
        Assert.Equal(1, exit);
        using var json = JsonDocument.Parse(text);
        var found = json.RootElement.EnumerateArray().Select(static finding =>
            $"{finding.GetProperty("severity")} {finding.GetProperty("line")} {finding.GetProperty("text")}").ToArray();
        Assert.Equal("error 10 could not find user 'nobody-of-this-machine' to switch to", found[0]);
        Assert.Equal("error 11 the folder of logfile is not there: /nonexistent", found[1]);
        Assert.StartsWith("error 12 ", found[2], StringComparison.Ordinal);
        Assert.Equal(3, found.Length);
    }

    [PoolerFact(FastPoolOnly = "is a command of its own")]
    public async Task A_warning_has_status_1_only_when_asked_for()
    {
        var folder = Machine.NewFolder("check");
        var ini = await WriteAsync(folder, "job_name = x\n");
        File.SetUnixFileMode($"{folder}/userlist.txt", (UnixFileMode)0b110_100_100);
        var (exit, text) = await CheckAsync(ini);
        Assert.Equal(0, exit);
        Assert.Contains($"{ini}:10: warning: job_name has no effect here", text, StringComparison.Ordinal);
        Assert.Contains($"    chmod o-r {folder}/userlist.txt\n", text, StringComparison.Ordinal);
        Assert.Equal(1, (await CheckAsync("--strict", ini)).Exit);
        Assert.Equal(2, (await CheckAsync("--nonsense", ini)).Exit);
    }

    [PoolerFact(FastPoolOnly = "is a command of its own")]
    public async Task A_server_is_asked_how_many_connections_it_allows()
    {
        var folder = Machine.NewFolder("check");
        var ini = await WriteAsync(folder, "default_pool_size = 100000\n");
        var (_, text) = await CheckAsync("--connect", ini);
        Assert.Matches(
            "warning: one pool of each database makes 100000 connections to 127.0.0.1:[0-9]+, which allows [0-9]+", text);
        ini = await WriteAsync(folder, "default_pool_size = 1\n");
        (var exit, text) = await CheckAsync("--connect", ini);
        Assert.Equal((0, $"{ini}: nothing found\n"), (exit, text));
    }

    [PoolerFact(FastPoolOnly = "is a command of its own")]
    public async Task An_address_that_is_not_of_this_machine_is_told()
    {
        var folder = Machine.NewFolder("check");
        var ini = await WriteAsync(folder, "listen_addr = 192.0.2.1\n[fastpool]\nmetrics_listen = 192.0.2.1:9127\n");
        var (exit, text) = await CheckAsync(ini);
        Assert.Equal(1, exit);
        Assert.Contains(": error: no address of this machine: 192.0.2.1\n", text, StringComparison.Ordinal);
        Assert.Contains("warning: nothing can listen there: 192.0.2.1:9127 is no address of this machine\n", text,
            StringComparison.Ordinal);
        ini = await WriteAsync(folder, "listen_addr = 192.0.2.1,127.0.0.1\n");
        (exit, text) = await CheckAsync(ini);
        Assert.Equal(0, exit);
        Assert.Contains(": warning: no address of this machine: 192.0.2.1\n", text, StringComparison.Ordinal);
    }

    /// <summary>A start ends with it; after conffile the next reload does.</summary>
    [PoolerTheory(FastPoolOnly = "is a command of its own")]
    [InlineData("unix_socket_dir = {0}\nunix_socket_group = nobodys_group", "could not find group 'nobodys_group'", true)]
    [InlineData("logfile = {0}", "logfile is a folder: {0}", true)]
    [InlineData("pidfile = {0}", "pidfile is a folder: {0}", true)]
    [InlineData("listen_port = -1", "listen_port is below 0", true)]
    [InlineData("conffile = {0}/nowhere", "the next reload fails: conffile is not there: {0}/nowhere", true)]
    [InlineData("resolv_conf = {0}/nowhere", "resolv_conf is not there: {0}/nowhere", false)]
    [InlineData("syslog_facility = mail", "syslog_facility mail is not known: daemon is used", false)]
    public async Task A_fault_that_shows_on_this_machine_is_told(string lines, string text, bool isError)
    {
        var folder = Machine.NewFolder("check");
        var ini = await WriteAsync(folder, lines.Replace("{0}", folder, StringComparison.Ordinal));
        var (exit, told) = await CheckAsync(ini);
        Assert.Equal(isError ? 1 : 0, exit);
        Assert.Contains(
            $": {(isError ? "error" : "warning")}: {text.Replace("{0}", folder, StringComparison.Ordinal)}", told,
            StringComparison.Ordinal);
    }

    [PoolerFact(FastPoolOnly = "has no such commands")]
    public async Task A_command_without_its_file_says_what_it_wants_and_the_help_names_both()
    {
        var folder = Machine.NewFolder("check");
        foreach (var (command, status) in new[] { ("check", 2), ("mkauth", 1) })
        {
            await using var process = Child.Start(Binary.Path, [command], folder);
            Assert.Equal(status, await process.ExitAsync());
            Assert.StartsWith($"usage: {Binary.Path} {command} ", process.Text, StringComparison.Ordinal);
        }
        // A file of that name is the pooler's.
        await File.WriteAllTextAsync($"{folder}/check", "[nowhere]\n");
        await using var pooler = Child.Start(Binary.Path, ["check"], folder);
        Assert.Equal(1, await pooler.ExitAsync());
        Assert.Contains("invalid section \"nowhere\"", pooler.Text, StringComparison.Ordinal);
        var (_, help) = await Child.RunAsync(Binary.Path, ["--help"]);
        Assert.Contains($"  {Binary.Path} check ", help, StringComparison.Ordinal);
        Assert.Contains($"  {Binary.Path} mkauth ", help, StringComparison.Ordinal);
        var alias = $"{folder}/pgbouncer";
        File.CreateSymbolicLink(alias, Binary.Path);
        var (aliasExit, aliasHelp) = await Child.RunAsync(alias, ["--help"]);
        Assert.True(aliasExit == 0, aliasHelp);
        Assert.DoesNotContain("mkauth", aliasHelp, StringComparison.Ordinal);
        Assert.Contains("PgBouncer home page: <https://www.pgbouncer.org/>", aliasHelp, StringComparison.Ordinal);
    }

    private static async Task<string> WriteAsync(string folder, string more)
    {
        var server = await Postgres.SharedAsync();
        await File.WriteAllTextAsync($"{folder}/userlist.txt", "");
        File.SetUnixFileMode($"{folder}/userlist.txt", (UnixFileMode)0b110_100_000);
        await File.WriteAllTextAsync($"{folder}/p.ini", $"""
            [databases]
            app = host=127.0.0.1 port={server.Port} user=user_trust
            [pgbouncer]
            listen_addr = 127.0.0.1
            unix_socket_dir =
            auth_type = scram-sha-256
            auth_file = {folder}/userlist.txt
            pool_mode = transaction
            admin_users = admin
            {more}
            """);
        return $"{folder}/p.ini";
    }

    /// <summary>As the user that runs the tests, so that files may be closed to others.</summary>
    private static async Task<(int Exit, string Text)> CheckAsync(params string[] arguments) =>
        await Checkout.RunAsync(Binary.Path, ["check", .. arguments]);
}
