namespace FastPool.Compat.Auth;

/// <summary>peer in HBA rules: over the Unix socket the system says who it is.</summary>
public class PeerTests
{
    [PoolerTheory(Since = "1.21"), Loops]
    public async Task The_system_user_gets_in_under_its_own_name_and_those_that_a_map_gives(int loops)
    {
        var (_, name) = await Child.RunAsync("id", ["-un"]);
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            var folder = Machine.NewFolder("hba");
            File.WriteAllText(Path.Combine(folder, "hba"),
                "local app all peer\nlocal mapped all peer map=people\nhost all admin all trust\n");
            File.WriteAllText(Path.Combine(folder, "ident"), $"people {name} user_md5\npeople somebody user_plain\n");
            f["auth_type"] = "hba";
            f["auth_hba_file"] = Path.Combine(folder, "hba");
            f["auth_ident_file"] = Path.Combine(folder, "ident");
            f.Users[name] = "";
            f.Databases["app"] = "{server} dbname=app user=user_trust";
            f.Databases["mapped"] = "{server} dbname=app user=user_trust";
        });
        async Task<(int, string)> LoginAsync(string user, string database) => await Child.RunAsync(
            Machine.Program("psql"),
                ["-X", "-At", "-h", pooler.Folder, "-p", $"{pooler.Port}", "-U", user, "-d", database, "-c", "select 'in'"]);
        Assert.Equal((0, "in"), await LoginAsync(name, "app"));
        Assert.Equal((0, "in"), await LoginAsync("user_md5", "mapped"));
        foreach (
            var (user, database) in new[] { ("user_plain", "app"), ("nobody_knows", "app"), ("user_plain", "mapped"),
            (name, "mapped") })
        {
            var (exit, text) = await LoginAsync(user, database);
            Assert.Equal(2, exit);
            Assert.EndsWith("FATAL:  unix socket login rejected", text, StringComparison.Ordinal);
        }
        await pooler.LineAsync("ident map people cannot be matched");
    }
}
