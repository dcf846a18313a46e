namespace FastPool.Compat.Life;

/// <summary>
/// Sends of a turn leave together where the kernel lets them; where it does not, or the setting is off, nothing else changes.
/// </summary>
public sealed class IoUringTests
{
    /// <summary>Whether a process of the ordinary user is given a ring.</summary>
    private const string Probe = """
        import ctypes
        print(ctypes.CDLL(None).syscall(425, 8, ctypes.create_string_buffer(120)) >= 0)
        """;

    /// <summary>As a container's seccomp profile does: io_uring_setup says EPERM.</summary>
    private const string Forbid = """
        import ctypes, os, struct, sys
        rules = [(0x20, 0, 0, 0), (0x15, 0, 1, 425), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000)]
        code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *rule) for rule in rules))
        class Program(ctypes.Structure):
            _fields_ = [('length', ctypes.c_ushort), ('code', ctypes.c_void_p)]
        libc = ctypes.CDLL(None)
        libc.prctl(38, 1, 0, 0, 0)
        if libc.prctl(22, 2, ctypes.byref(Program(len(rules), ctypes.addressof(code)))) != 0:
            sys.exit('no seccomp here')
        os.execvp(sys.argv[1], sys.argv[1:])
        """;

    [PoolerTheory(FastPoolOnly = "PgBouncer has no io_uring")]
    [InlineData("on", 1)]
    [InlineData("on", 2)]
    [InlineData("off", 1)]
    [InlineData("forbidden", 1)]
    public async Task Transactions_go_through_and_SHOW_LOOPS_tells_how(string kind, int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            if (kind == "off") f.Own["io_uring"] = "0";
            if (kind == "forbidden") f.Wrapper = [.. Machine.AsUser, "/usr/bin/python3", "-c", Forbid];
        });
        var script = Path.Combine(pooler.Folder, "script");
        await File.WriteAllTextAsync(script, "select 1;\n");
        foreach (var mode in new[] { "simple", "prepared" })
        {
            var bench = await Child.RunAsync(
                Machine.Program("pgbench"),
                    ["-n", "-M", mode, "-c", "24", "-j", "2", "-t", "200", "-f", script, "-h", "127.0.0.1", "-p",
                    $"{pooler.Port}", "-U", "user_trust", Postgres.Database]);
            Assert.Contains("number of transactions actually processed: 4800/4800", bench.Text, StringComparison.Ordinal);
        }
        var loopRows = await pooler.ConsoleAsync("SHOW LOOPS");
        var together = loopRows.Rows.Sum(row => long.Parse(row[loopRows.Columns.IndexOf("sends_together")]!));
        var isGiven = kind == "on" && (await Child.RunAsync("/usr/bin/python3", ["-c", Probe])).Text.Trim() == "True";
        Assert.Equal(isGiven, together > 0);
    }
}
