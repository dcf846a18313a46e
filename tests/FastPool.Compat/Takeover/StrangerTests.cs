namespace FastPool.Compat.Takeover;

/// <summary>-R where another user of the machine has put himself in the old process's place.</summary>
public class StrangerTests
{
    /// <summary>Lets everyone in, as an old process does.</summary>
    private const string Stranger = """
        use IO::Socket::UNIX;
        umask 0;
        my $listener = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 5) or die "$!";
        $| = 1;
        print "listening\n";
        while (my $client = $listener->accept) {
            if (sysread($client, my $startup, 1000)) { syswrite($client, "R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"); }
            while (sysread($client, my $rest, 1000)) { }
        }
        """;

    [PoolerFact(FastPoolOnly = "trusts whom it finds")]
    public async Task A_process_of_another_user_is_not_taken_over_from()
    {
        if (Machine.AsUser.Count == 0) return; // A machine with one user has no stranger.
        var folder = Machine.NewFolder("s");
        File.SetUnixFileMode(folder, (UnixFileMode)0b1_111_111_111); // As /tmp is.
        var (port, ini) = (Machine.FreePort(), Path.Combine(folder, "p.ini"));
        await File.WriteAllTextAsync(ini,
            $"[databases]\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir = {folder}\n");
        await using var stranger =
            Child.StartAsIs("setpriv",
            ["--reuid=65533", "--regid=65533", "--clear-groups", "--", "perl", "-e", Stranger, $"{folder}/.s.PGSQL.{port}"],
            folder);
        await stranger.LineAsync("listening");
        await using var pooler = Child.Start(Binary.Path, ["-R", ini], folder);
        Assert.Equal(1, await pooler.ExitAsync());
        Assert.Contains("WARNING takeover_init: the process at the unix socket is another user's (uid 65533)", pooler.Text,
            StringComparison.Ordinal);
        Assert.EndsWith("FATAL login failed", pooler.Text, StringComparison.Ordinal);
    }

    [PoolerFact(FastPoolOnly = "trusts any folder")]
    public async Task A_folder_in_which_others_may_put_a_socket_is_not_trusted()
    {
        await using var pooler = await Pooler.StartAsync(1);
        File.SetUnixFileMode(pooler.Folder, (UnixFileMode)0b111_111_111);
        await using var next = pooler.StartNext();
        Assert.Equal(1, await next.ExitAsync());
        Assert.Contains($"WARNING takeover_init: others may write in the unix socket's folder {pooler.Folder}", next.Text,
            StringComparison.Ordinal);
        Assert.EndsWith("FATAL login failed", next.Text, StringComparison.Ordinal);
        File.SetUnixFileMode(pooler.Folder, (UnixFileMode)0b111_000_000);
        await pooler.TakeOverAsync();
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
    }
}
