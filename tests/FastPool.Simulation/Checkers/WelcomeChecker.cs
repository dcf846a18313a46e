using FastPool.Simulation.Postgres;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Checkers;

/// <summary>
/// The welcome has the server's untracked parameters, then the tracked ones in their order: the client's own value, else the
/// server's. Among them are those that tell of the pooler.
/// </summary>
internal sealed class WelcomeChecker(World world) : Checker(world)
{
    internal override void AtEnd()
    {
        var ofPooler = new HashSet<(string, string)>
        {
            ("pgbouncer.version", "1.26.1"), ("pgbouncer.pool_mode", World.Plan.Mode.ToString().ToLowerInvariant()),
            ("pgbouncer.max_prepared_statements", $"{World.Plan.MaxPreparedStatements}"),
        };
        foreach (var client in World.Clients.Where(client => client.IsLoggedIn))
        {
            var expected = new List<(string, string)> { ("server_version", "15.3"), ("is_superuser", "off") };
            foreach (var name in Variables.ReportedBy(World.Plan.Version))
            {
                var at = Array.IndexOf(client.StartupValues, name);
                if (name is Variables.SessionAuthorization or "default_transaction_read_only") continue;
                expected.Add((name, at >= 0 ? client.StartupValues[at + 1] : Variables.DefaultOf(name)!));
            }
            var told = client.WelcomeParameters.Where(pair => !ofPooler.Contains(pair)
                && pair.Name is not ("in_hot_standby" or "default_transaction_read_only" // Of whichever host was first.
                    or Variables.SessionAuthorization));
            Holds(told.SequenceEqual(expected) && ofPooler.IsSubsetOf(client.WelcomeParameters),
                $"client {client.Id} was welcomed with {string.Join(", ", client.WelcomeParameters)}");
        }
    }
}
