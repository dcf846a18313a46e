using System.Globalization;
using System.Text;
using Npgsql;

namespace FastPool.Compat.Auth;

/// <summary>Passwords beyond ASCII mean to the pooler what they mean to PostgreSQL, on either side. Source: RFC 4013.</summary>
public class SaslPrepTests
{
    /// <summary>The password that a role is made with, and another way to type it that PostgreSQL takes too.</summary>
    public static TheoryData<int, string, string> Pairs
    {
        get
        {
            var data = new TheoryData<int, string, string>();
            foreach (var loops in new[] { 1, 2 })
            {
                data.Add(loops, "I\u00ADX", "IX");
                data.Add(loops, "\u2168", "IX");
                data.Add(loops, "\uFF50\uFF41\uFF53\uFF53", "pass");
                data.Add(loops, "caf\u00E9", "cafe\u0301");
                data.Add(loops, "a\u00A0b", "a b");
                data.Add(loops, "I\u2153x", "I1\u20443x");
                data.Add(loops, "\uD55C\uAE00", "\u1112\u1161\u11AB\u1100\u1173\u11AF");
                data.Add(loops, "I\u2152x", "I\u2152x"); // Later than Unicode 3.2: the bytes count.
                data.Add(loops, "\u0627a", "\u0627a"); // From both directions at once: the bytes count.
            }
            return data;
        }
    }

    [PoolerTheory, MemberData(nameof(Pairs))]
    public async Task A_password_typed_in_another_way_is_the_same_to_client_pooler_and_server(int loops, string password,
        string typed)
    {
        var server = await Postgres.SharedAsync();
        var role = "prep_" + Guid.NewGuid().ToString("N");
        await server.ScalarAsync<int>($"select 1; create role {role} superuser login password '{password}'");
        var verifier = await server.ScalarAsync<string>($"select rolpassword from pg_authid where rolname = '{role}'");
        foreach (
            var (secret, method) in new[] { (password, "scram-sha-256"), (typed, "scram-sha-256"), (verifier, "scram-sha-256"),
            (verifier, "md5"), (verifier, "plain") })
        {
            await using var pooler = await Pooler.StartAsync(loops, f =>
            {
                f["auth_type"] = method;
                f.Users[role] = secret;
                // Without SCRAM there are no keys for the server.
                if (method == "plain") f.Databases["app"] += " user=user_trust";
            });
            foreach (var given in new[] { password, typed })
            {
                Assert.Equal((0, "in"), await Child.RunAsync(
                    Machine.Program("psql"),
                        ["-X", "-At", "-h", "127.0.0.1", "-p", $"{pooler.Port}", "-U", role, "-d", "app", "-c", "select 'in'"],
                        ("PGPASSWORD", given)));
            }
            var wrong = await Child.RunAsync(
                Machine.Program("psql"),
                    ["-X", "-At", "-h", "127.0.0.1", "-p", $"{pooler.Port}", "-U", role, "-d", "app", "-c", "select 'in'"],
                    ("PGPASSWORD", typed + "x"));
            Assert.Contains("authentication failed", wrong.Text, StringComparison.Ordinal);
        }
    }

    [PoolerFact]
    public async Task PostgreSQLs_verifiers_of_hundreds_of_characters_know_their_passwords()
    {
        const int count = 700;
        var server = await Postgres.SharedAsync();
        var random = new Random(4013);
        var passwords = new List<string>();
        var points = Enumerable.Range(1, 0x10FFFF)
            .Where(point => point is < 0xD800 or > 0xDFFF
            && Rune.GetUnicodeCategory(new Rune(point)) is not (UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse
            or UnicodeCategory.Control)).ToArray();
        // Where most that does something is.
        var small = points.Where(point => point < 0x3400 || point is > 0xF900 and < 0x10000).ToArray();
        for (var i = 0; i < count; i++)
            passwords.Add("e"
                + string.Concat(Enumerable.Range(0, 1 + i % 4)
                .Select(_ =>
                new Rune((i % 3 == 0 ? points : small) is var from ? from[random.Next(from.Length)] : 0).ToString())));

        var sql = new StringBuilder("select 1;");
        for (var i = 0; i < count; i++)
            sql.Append($"create role many_{i} password '{passwords[i].Replace("'", "''", StringComparison.Ordinal)}';");
        await server.ScalarAsync<int>(sql.ToString());
        var verifiers = new Dictionary<string, string>();
        await using (var connection = await server.ConnectAsync())
        await using (var command =
            new NpgsqlCommand("select rolname, rolpassword from pg_authid where rolname like 'many\\_%'", connection))
        await using (var reader = await command.ExecuteReaderAsync())
            while (await reader.ReadAsync()) verifiers[reader.GetString(0)] = reader.GetString(1);

        await using var pooler = await Pooler.StartAsync(2, f =>
        {
            f["auth_type"] = "plain";
            f.Databases["app"] += " user=user_trust";
            foreach (var (role, verifier) in verifiers) f.Users[role] = verifier;
        });
        var wrong = new System.Collections.Concurrent.ConcurrentBag<string>();
        await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 8 },
            async (i, _) =>
        {
            var outcome = await LoginClient.LoginAsync(pooler.Port, false, $"many_{i}", "app", passwords[i]);
            if (outcome.Answer != "in")
                wrong.Add(
                $"{string.Join(' ', passwords[i].EnumerateRunes().Select(rune => $"{rune.Value:X}"))}: {outcome.Answer}");
        });
        Assert.True(wrong.IsEmpty, string.Join('\n', wrong));
    }
}
