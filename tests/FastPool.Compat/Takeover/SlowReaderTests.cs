using System.Diagnostics;

namespace FastPool.Compat.Takeover;

/// <summary>SHOW FDS for a session that does not read the answer.</summary>
public class SlowReaderTests
{
    /// <summary>As the pooler's own user: logs in over the Unix socket, asks, and reads no more.</summary>
    private const string Asker = """
        use IO::Socket::UNIX;
        my $socket = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "$!";
        my $startup = "\0\3\0\0user\0pgbouncer\0database\0pgbouncer\0\0";
        syswrite($socket, pack("N", length($startup) + 4) . $startup);
        my $seen = "";
        while ($seen !~ /Z\0\0\0\x05I$/) { sysread($socket, $seen, 1000, length $seen) or die "closed"; }
        my $query = "SHOW FDS;\0";
        syswrite($socket, "Q" . pack("N", length($query) + 4) . $query);
        $| = 1;
        print "asked\n";
        sleep 60;
        """;

    [PoolerFact(FastPoolOnly = "stands still")]
    public async Task He_holds_up_nobody()
    {
        await using var pooler = await Pooler.StartAsync(1);
        var clients = new List<RawClient>();
        // More rows, each with its descriptor, than a Unix socket holds.
        for (var i = 0; i < 400; i++) clients.Add(await pooler.RawAsync());
        await using var asker = Child.Start("perl", ["-e", Asker, $"{pooler.Folder}/.s.PGSQL.{pooler.Port}"], pooler.Folder);
        await asker.LineAsync("asked");
        var watch = Stopwatch.StartNew();
        var longest = TimeSpan.Zero;
        var ended = false;
        while (!ended && watch.Elapsed.TotalSeconds < 20)
        {
            var before = watch.Elapsed;
            Assert.Equal("1", (await clients[0].QueryAsync("select 1")).Rows[0][0]);
            if (watch.Elapsed - before > longest) longest = watch.Elapsed - before;
            ended = pooler.Process.Text.Contains("closing because: send_one_fd failed", StringComparison.Ordinal);
        }
        Assert.True(ended, "he was waited for, somewhere");
        Assert.InRange(longest.TotalSeconds, 0, 2);
        foreach (var client in clients) await client.DisposeAsync();
    }
}
