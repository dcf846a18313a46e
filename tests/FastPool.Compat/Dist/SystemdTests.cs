using System.Text.RegularExpressions;

namespace FastPool.Compat.Dist;

/// <summary>
/// The operator's day on a machine with systemd and Debian's PgBouncer: the package takes its place, is reloaded, upgraded, and
/// lives on as the unit's own process.
/// </summary>
public sealed partial class SystemdTests
{
    private const string FastPoolOnly = "has a package of its own";
    private const string Psql = "psql -X -At -h 127.0.0.1 -p 6432 -U postgres shop";

    private const string Ini = """
        [databases]
        shop = host=127.0.0.1 dbname=postgres

        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = 6432
        unix_socket_dir = /run/postgresql
        pidfile = /run/postgresql/pgbouncer.pid
        logfile = /var/log/postgresql/pgbouncer.log
        auth_type = trust
        auth_file = /etc/pgbouncer/userlist.txt
        pool_mode = transaction

        """;

    /// <summary>Asks without end, each time by a connection of its own; what is refused is counted.</summary>
    private const string Knocking = """
        (while [ ! -e stop ]; do PSQL -c 'select 1' >/dev/null 2>>refused || :; echo >>knocks; done; touch done) \
            </dev/null >/dev/null 2>&1 &
        """;

    private static async Task<SystemdMachine> WithPostgresAsync()
    {
        var machine = await SystemdMachine.StartAsync();
        var programs = Machine.FindPostgresPrograms()!;
        await machine.WriteAsync("/etc/pgbouncer/pgbouncer.ini", Ini);
        await machine.WriteAsync("/etc/pgbouncer/userlist.txt", "\"postgres\" \"\"\n");
        await machine.MustRunAsync($$"""
            mkdir -p /run/pg && chown postgres /run/pg
            su postgres -c "{{programs}}/initdb -D /run/pg/data -A trust -N >/dev/null"
            su postgres -c "{{programs}}/pg_ctl -D /run/pg/data -l /run/pg/log -w \
                -o '-c unix_socket_directories=/run/pg -c fsync=off' start" >/dev/null
            """);
        return machine;
    }

    private static async Task InstallAsync(SystemdMachine machine)
    {
        var folder = Machine.NewFolder("deb");
        await Checkout.MustRunAsync(
            Checkout.Tool("bash"), Checkout.PathOf("dist", "debian", "build.sh"), "-b", Binary.Path, "-o", folder);
        machine.Put(Assert.Single(Directory.GetFiles(folder, "*.deb")), "fastpool.deb");
        await machine.MustRunAsync($"apt-get install -y {SystemdMachine.Folder}/fastpool.deb");
    }

    private static Task<string> StateAsync(SystemdMachine machine) =>
        machine.MustRunAsync("systemctl is-active pgbouncer; systemctl is-enabled pgbouncer");

    private static Task<string> PidAsync(SystemdMachine machine) => machine.MustRunAsync("systemctl show -P MainPID pgbouncer");

    [PoolerFact(FastPoolOnly = FastPoolOnly)]
    public async Task The_package_takes_the_place_of_PgBouncer_and_is_upgraded_without_a_refused_connection()
    {
        await using var machine = await WithPostgresAsync();
        await machine.MustRunAsync("systemctl enable --now pgbouncer 2>&1; systemctl is-active pgbouncer");
        var theirs = await PidAsync(machine);
        Assert.Equal("1", await machine.MustRunAsync($"{Psql} -c 'select 1'"));
        await InstallAsync(machine);
        Assert.Equal("active\nenabled", await StateAsync(machine));
        var first = await PidAsync(machine);
        Assert.NotEqual(theirs, first);
        Assert.Equal("1", await machine.MustRunAsync($"{Psql} -c 'select 1'"));
        Assert.Contains("FastPool", await machine.MustRunAsync("/usr/sbin/pgbouncer -V"), StringComparison.Ordinal);

        // A reload of the same program is a reload.
        await machine.MustRunAsync("systemctl reload pgbouncer");
        Assert.Equal(first, await PidAsync(machine));

        // An upgrade replaces the process under everybody: in the middle of a transaction, and with newcomers at the door.
        await machine.MustRunAsync(Knocking.Replace("PSQL", Psql, StringComparison.Ordinal));
        await machine.WriteAsync($"{SystemdMachine.Folder}/upgrade.sql",
            "begin;\nselect pg_backend_pid();\n\\! dpkg -i fastpool.deb >upgrade.log 2>&1\n"
            + "select pg_backend_pid();\ncommit;\n");
        var backends = (await machine.MustRunAsync($"{Psql} -f upgrade.sql")).Split('\n');
        await machine.MustRunAsync("touch stop; while [ ! -e done ]; do sleep 0.1; done");
        Assert.Equal(["BEGIN", backends[1], backends[1], "COMMIT"], backends);
        Assert.DoesNotContain("failed", await machine.MustRunAsync("cat upgrade.log"), StringComparison.OrdinalIgnoreCase);
        Assert.Equal("", await machine.MustRunAsync("cat refused"));
        Assert.Equal("many", await machine.MustRunAsync("[ $(wc -l <knocks) -lt 4 ] || echo many"));
        var second = await PidAsync(machine);
        Assert.NotEqual(first, second);
        Assert.Equal("active", await machine.MustRunAsync("systemctl is-active pgbouncer"));

        // The new process is the unit's: one that dies is started again, and a stop ends it.
        await machine.MustRunAsync($"kill -KILL {second}");
        await Until.TrueAsync(async () => await PidAsync(machine) is var third && third != second && third != "0"
            && (await machine.RunAsync("systemctl is-active pgbouncer")).Text.Trim() == "active", "it is started again", 30);
        await machine.MustRunAsync("systemctl stop pgbouncer");
        Assert.Equal(3, (await machine.RunAsync("systemctl is-active pgbouncer")).ExitCode);
        Assert.NotEqual(0, (await machine.RunAsync("pgrep -x pgbouncer")).ExitCode);
    }

    /// <summary>As dist/recipes/README.md says; only the time is shorter, and nobody has a password here.</summary>
    [PoolerFact(FastPoolOnly = FastPoolOnly)]
    public async Task Units_on_one_port_are_restarted_one_after_the_other_and_their_clients_are_told_to_go()
    {
        await using var machine = await WithPostgresAsync();
        await InstallAsync(machine);
        await machine.MustRunAsync("systemctl disable --now pgbouncer 2>&1");
        var commands = RecipeCommands().Match(Checkout.Read("dist", "recipes", "README.md")).Groups;
        await machine.MustRunAsync($"""
            cd /usr/share/doc/fastpool/examples/recipes
            sed -i 's/^drain_timeout = .*/drain_timeout = 2/;s/^auth_type = .*/auth_type = trust/
                s/^\* = .*/shop = host=127.0.0.1 dbname=postgres/' common.ini
            {commands[1].Value}
            """);
        await machine.MustRunAsync($$"""
            for i in 1 2 3 4 5 6 7 8; do
                (sleep 60 | {{Psql}} >idle$i 2>&1; echo >>ended) </dev/null >/dev/null 2>&1 &
            done
            timeout 30 sh -c 'until [ "$(ss -Htn state established sport = :6432 | wc -l)" -ge 8 ]; do sleep 0.1; done'
            """);
        await machine.MustRunAsync(Knocking.Replace("PSQL", Psql, StringComparison.Ordinal));
        var before = await machine.MustRunAsync("systemctl show -P MainPID pgbouncer@1 pgbouncer@2");
        await machine.MustRunAsync(commands[2].Value);
        await machine.MustRunAsync("touch stop; while [ ! -e done ]; do sleep 0.1; done");
        Assert.Equal("active\nactive", await machine.MustRunAsync("systemctl is-active pgbouncer@1 pgbouncer@2"));
        var after = await machine.MustRunAsync("systemctl show -P MainPID pgbouncer@1 pgbouncer@2");
        Assert.Empty(before.Split('\n').Intersect(after.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Equal("2",
            await machine.MustRunAsync("cat /var/log/pgbouncer/*.log | grep -c 'all clients have been told to go'"));
        Assert.Equal("", await machine.MustRunAsync("cat refused"));
    }

    [GeneratedRegex(@"(?s)\n( +cp common\.ini.*?pgbouncer@2)\n.*?\n( +systemctl restart pgbouncer@1 [^\n]*)\n")]
    private static partial Regex RecipeCommands();

    [PoolerFact(FastPoolOnly = FastPoolOnly)]
    public async Task Purging_the_distribution_s_package_changes_nothing_and_a_removed_one_may_come_back()
    {
        await using var machine = await WithPostgresAsync();
        await machine.MustRunAsync("systemctl enable --now pgbouncer 2>&1");
        await InstallAsync(machine);
        var pid = await PidAsync(machine);
        Assert.Contains("/etc/pgbouncer is as it was", await machine.MustRunAsync("apt-get purge -y pgbouncer 2>&1"),
            StringComparison.Ordinal);
        Assert.Equal("active\nenabled", await StateAsync(machine));
        Assert.Equal(pid, await PidAsync(machine));
        Assert.Equal(Ini.TrimEnd(), await machine.MustRunAsync("cat /etc/pgbouncer/pgbouncer.ini"));
        await machine.MustRunAsync("systemctl restart pgbouncer; systemctl is-active pgbouncer");
        await machine.MustRunAsync("apt-get remove -y fastpool 2>&1");
        Assert.NotEqual(0, (await machine.RunAsync("pgrep -x pgbouncer")).ExitCode);
        await InstallAsync(machine);
        Assert.Equal("active\nenabled", await StateAsync(machine));
        Assert.Equal("1", await machine.MustRunAsync($"{Psql} -c 'select 1'"));
    }

    [PoolerFact(FastPoolOnly = FastPoolOnly)]
    public async Task A_unit_of_the_admin_s_own_is_told_what_to_write_and_goes_on()
    {
        await using var machine = await WithPostgresAsync();
        machine.Put(Binary.Path, "pgbouncer");
        await machine.MustRunAsync($"install -m 755 pgbouncer /usr/local/bin/pgbouncer");
        async Task StartAsync(string more)
        {
            await machine.WriteAsync("/etc/systemd/system/pgbouncer.service",
                $"[Service]\nUser=postgres\n{more}\nExecReload=/usr/local/bin/pgbouncer -R -q /etc/pgbouncer/pgbouncer.ini\n");
            await machine.MustRunAsync("systemctl daemon-reload; systemctl restart pgbouncer");
            await Until.TrueAsync(
                async () => (await machine.RunAsync($"{Psql} -c 'select 1'")).Text.Trim() == "1", "it serves", 20);
        }

        await StartAsync("Type=simple\nExecStart=/usr/local/bin/pgbouncer /etc/pgbouncer/pgbouncer.ini");
        var pid = await PidAsync(machine);
        Assert.NotEqual(0, (await machine.RunAsync("systemctl reload pgbouncer")).ExitCode);
        Assert.Contains("write Type=notify and NotifyAccess=all into the unit", await machine.JournalAsync(),
            StringComparison.Ordinal);
        Assert.Equal(pid, await PidAsync(machine));
        Assert.Equal("1", await machine.MustRunAsync($"{Psql} -c 'select 1'"));

        foreach (var unit in (string[])[
            "Type=notify\nNotifyAccess=all\nExecStart=/usr/local/bin/pgbouncer /etc/pgbouncer/pgbouncer.ini",
            "Type=forking\nPIDFile=/run/postgresql/pgbouncer.pid\n"
                + "ExecStart=/usr/local/bin/pgbouncer -d /etc/pgbouncer/pgbouncer.ini"])
        {
            await StartAsync(unit);
            pid = await PidAsync(machine);
            if (unit.StartsWith("Type=forking", StringComparison.Ordinal))
            {
                await machine.MustRunAsync(
                    "sed -i 's/ -R -q / -R -d -q /' /etc/systemd/system/pgbouncer.service; systemctl daemon-reload");
            }
            await machine.MustRunAsync("systemctl reload pgbouncer");
            await Until.TrueAsync(async () => await PidAsync(machine) != pid, "another process is the unit's", 20);
            Assert.Equal("active", await machine.MustRunAsync("systemctl is-active pgbouncer"));
            Assert.Equal("1", await machine.MustRunAsync($"{Psql} -c 'select 1'"));
            await machine.MustRunAsync("systemctl stop pgbouncer");
            Assert.NotEqual(0, (await machine.RunAsync("pgrep -x pgbouncer")).ExitCode);
        }
    }

    [PoolerFact(FastPoolOnly = FastPoolOnly)]
    public async Task Sockets_of_the_service_manager_start_it_and_outlive_its_upgrade()
    {
        await using var machine = await WithPostgresAsync();
        await InstallAsync(machine);
        await machine.MustRunAsync("systemctl stop pgbouncer; systemctl start pgbouncer.socket");
        Assert.NotEqual(0, (await machine.RunAsync("systemctl is-active pgbouncer.service")).ExitCode);
        Assert.Equal("1", await machine.MustRunAsync($"{Psql} -c 'select 1'"));
        Assert.Equal("active", await machine.MustRunAsync("systemctl is-active pgbouncer.service"));
        var pid = await PidAsync(machine);
        await machine.MustRunAsync(Knocking.Replace("PSQL", Psql, StringComparison.Ordinal));
        await machine.MustRunAsync("dpkg -i fastpool.deb 2>&1");
        await machine.MustRunAsync("touch stop; while [ ! -e done ]; do sleep 0.1; done");
        Assert.Equal("", await machine.MustRunAsync("cat refused"));
        Assert.NotEqual(pid, await PidAsync(machine));
        Assert.Equal("2", await machine.MustRunAsync("psql -X -At -h /run/postgresql -p 6432 -U postgres shop -c 'select 2'"));
    }

    [PoolerFact(FastPoolOnly = FastPoolOnly)]
    public async Task The_RPM_package_runs_and_is_upgraded_in_the_same_way()
    {
        await using var machine = await WithPostgresAsync();
        await machine.MustRunAsync("apt-get purge -y pgbouncer 2>&1");
        var folder = Machine.NewFolder("rpm");
        await Checkout.MustRunAsync(
            Checkout.Tool("bash"), Checkout.PathOf("dist", "rpm", "build.sh"), "-b", Binary.Path, "-o", folder);
        machine.Put(Assert.Single(Directory.GetFiles(folder, "*.rpm")), "fastpool.rpm");
        await machine.MustRunAsync("rpm -i --nodeps fastpool.rpm 2>&1");
        await machine.MustRunAsync(
            "sed -i '/^.databases.$/a shop = host=127.0.0.1 dbname=postgres' /etc/pgbouncer/pgbouncer.ini; "
            + "sed -i 's/^auth_type.*/auth_type = trust/' /etc/pgbouncer/pgbouncer.ini; "
            + "echo '\"postgres\" \"\"' >/etc/pgbouncer/userlist.txt");
        await machine.MustRunAsync("systemctl enable --now pgbouncer 2>&1; systemctl is-active pgbouncer");
        Assert.Equal("1", await machine.MustRunAsync($"{Psql} -c 'select 1'"));
        var pid = await PidAsync(machine);
        await machine.MustRunAsync(Knocking.Replace("PSQL", Psql, StringComparison.Ordinal));
        await machine.MustRunAsync("rpm -U --force --nodeps fastpool.rpm 2>&1");
        await machine.MustRunAsync("touch stop; while [ ! -e done ]; do sleep 0.1; done");
        Assert.Equal("", await machine.MustRunAsync("cat refused"));
        Assert.NotEqual(pid, await PidAsync(machine));
        Assert.Equal("active", await machine.MustRunAsync("systemctl is-active pgbouncer"));
        await machine.MustRunAsync("rpm -e --nodeps fastpool 2>&1");
        Assert.NotEqual(0, (await machine.RunAsync("pgrep -x pgbouncer")).ExitCode);
    }
}
