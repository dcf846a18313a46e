using FastPool.Core.Pools;

namespace FastPool.Core.Sessions.Handover;

/// <summary>All that one process gives to the one that takes its place.</summary>
public sealed class HandedState
{
    /// <summary>The version of the form that a process writes, and the only one it reads.</summary>
    public const int Version = 7;

    /// <summary>By SHOW FDS: what servers have prepared is not known, nor is anything that PgBouncer does not tell.</summary>
    public bool IsFromPgBouncer { get; set; }

    /// <summary>
    /// The moment that ages are told for, monotonic microseconds of the process that tells: the same for all loops, so that the
    /// order of waiters holds.
    /// </summary>
    public long NowUs { get; init; }

    private readonly Dictionary<(ParameterValues, ParameterValues?, LoginSettings?), IReadOnlyList<(string Name, string Value)>>
        _named = [];

    public List<HandedListener> Listeners { get; } = [];

    public List<HandedClient> Clients { get; } = [];

    public List<HandedServer> Servers { get; } = [];

    public List<HandedPool> Pools { get; } = [];

    /// <summary>Number and content of each prepared statement in use.</summary>
    public List<(long Number, byte[] Key)> Statements { get; } = [];

    /// <summary>Databases under DISABLE.</summary>
    public List<string> Disabled { get; } = [];

    /// <summary>The secrets that auth_query or a handed row told: database, user, secret.</summary>
    public List<(string Database, string User, string Secret)> Secrets { get; } = [];

    /// <summary>SCRAM keys that clients proved.</summary>
    public List<(byte[] ClientKey, byte[] ServerKey)> Proofs { get; } = [];

    /// <summary>Proxies of clients, by the key of the client.</summary>
    public List<(ulong CancelKey, ProxyOrigin Origin)> Origins { get; } = [];

    /// <summary>Clients that read past a canceled request, by their keys.</summary>
    public List<(ulong CancelKey, CanceledRequest Canceled)> Canceled { get; } = [];

    /// <summary>Clients in a transaction of which no server knows, by their keys, with the BEGIN; empty: it has failed.</summary>
    public List<(ulong CancelKey, byte[] Begin)> Deferred { get; } = [];

    /// <summary>Values by name; equal values share one list, because most clients are alike.</summary>
    /// <param name="login">The values of the login, which a process that does not know of them passes over; null: none.</param>
    internal IReadOnlyList<(string Name, string Value)> Named(TrackedParameters tracked, ParameterValues values,
        ParameterValues? login = null, LoginSettings? settings = null)
    {
        if (_named.TryGetValue((values, login, settings), out var named)) return named;
        named = tracked.Named(values);
        if (login is not null)
        {
            named = [.. named,
                .. tracked.Named(login).Concat(settings?.All ?? [])
                    .Select(static pair => (TrackedParameters.LoginMark + pair.Name, pair.Value))];
        }
        return _named[(values, login, settings)] = named;
    }

    /// <summary>Forgets the secrets of connections, which are not needed any more.</summary>
    public void ForgetKeys()
    {
        foreach (var client in Clients) client.Stream.Forget();
        foreach (var server in Servers) server.Stream.Forget();
    }

    /// <summary>Everything but connections and listeners.</summary>
    public void WriteCommon(BinaryWriter to)
    {
        to.WriteList(Statements, static (writer, statement) =>
        {
            writer.Write(statement.Number);
            writer.WriteBytes(statement.Key);
        });
        to.WriteList(Pools, static (writer, pool) => pool.Write(writer));
        to.WriteList(Disabled, static (writer, name) => writer.Write(name));
        to.WriteList(Secrets, static (writer, secret) =>
        {
            writer.Write(secret.Database);
            writer.Write(secret.User);
            writer.Write(secret.Secret);
        });
        to.WriteList(Proofs, static (writer, proof) =>
        {
            writer.WriteBytes(proof.ClientKey);
            writer.WriteBytes(proof.ServerKey);
        });
        to.WriteList(Origins, static (writer, proxied) =>
        {
            writer.Write(proxied.CancelKey);
            writer.WriteAddress(proxied.Origin.Proxy);
            writer.Write(proxied.Origin.Authority);
            writer.Write(proxied.Origin.Tls);
            writer.Write(proxied.Origin.CommonName);
        });
        to.WriteList(Canceled, static (writer, client) =>
        {
            writer.Write(client.CancelKey);
            writer.Write((byte)client.Canceled);
        });
        to.WriteList(Pools, static (writer, pool) =>
        {
            writer.Write(pool.Totals.Errors);
            writer.Write(pool.Totals.Logins);
        });
        to.WriteList(Deferred, static (writer, client) =>
        {
            writer.Write(client.CancelKey);
            writer.WriteBytes(client.Begin);
        });
    }

    public void ReadCommon(BinaryReader from)
    {
        Statements.AddRange(from.ReadList(static reader => (reader.ReadInt64(), reader.ReadCountedBytes())));
        Pools.AddRange(from.ReadList(HandedPool.Read));
        Disabled.AddRange(from.ReadList(static reader => reader.ReadString()));
        Secrets.AddRange(from.ReadList(static reader => (reader.ReadString(), reader.ReadString(), reader.ReadString())));
        Proofs.AddRange(from.ReadList(static reader => (reader.ReadCountedBytes(), reader.ReadCountedBytes())));
        if (from.BaseStream.Position == from.BaseStream.Length) return; // An earlier build knew no proxies.
        Origins.AddRange(from.ReadList(static reader => (reader.ReadUInt64(),
            new ProxyOrigin(reader.ReadAddress(), reader.ReadString(), reader.ReadString(), reader.ReadString()))));
        if (from.BaseStream.Position == from.BaseStream.Length) return; // An earlier build canceled nobody who waits.
        Canceled.AddRange(from.ReadList(static reader => (reader.ReadUInt64(), (CanceledRequest)reader.ReadByte())));
        if (from.BaseStream.Position == from.BaseStream.Length) return; // An earlier build counted neither errors nor logins.
        var counts = from.ReadList(static reader => (Errors: reader.ReadInt64(), Logins: reader.ReadInt64())).ToArray();
        for (var i = 0; i < counts.Length && i < Pools.Count; i++)
            Pools[i] = Pools[i] with { Totals = Pools[i].Totals with { Errors = counts[i].Errors, Logins = counts[i].Logins } };
        if (from.BaseStream.Position == from.BaseStream.Length) return; // An earlier build put off no BEGIN.
        Deferred.AddRange(from.ReadList(static reader => (reader.ReadUInt64(), reader.ReadCountedBytes())));
    }
}

/// <summary>A listening socket.</summary>
/// <param name="Address">Local IP, or <c>unix</c>.</param>
public sealed record HandedListener(int Descriptor, string Address, int Port);

/// <summary>The knowledge and the counts of a pool.</summary>
/// <param name="Untracked">The parameters that clients are welcomed with, as messages; null: not known yet.</param>
/// <param name="Tracked">Defaults of tracked variables.</param>
public sealed record HandedPool(string Database, string User, StatsTotals Totals, byte[]? Untracked,
    IReadOnlyList<(string Name, string Value)> Tracked)
{
    internal void Write(BinaryWriter to)
    {
        to.Write(Database);
        to.Write(User);
        foreach (
            var total in (ReadOnlySpan<long>)[Totals.ServerAssignments, Totals.Xacts, Totals.Queries, Totals.ReceivedBytes,
            Totals.SentBytes, Totals.XactUs, Totals.QueryUs, Totals.WaitUs, Totals.ClientParses, Totals.ServerParses,
            Totals.Binds])
        {
            to.Write(total);
        }
        to.Write(Untracked is not null);
        to.WriteBytes(Untracked ?? []);
        to.WriteNamed(Tracked);
    }

    internal static HandedPool Read(BinaryReader from)
    {
        var (database, user) = (from.ReadString(), from.ReadString());
        var totals = new StatsTotals
        {
            ServerAssignments = from.ReadInt64(),
            Xacts = from.ReadInt64(),
            Queries = from.ReadInt64(),
            ReceivedBytes = from.ReadInt64(),
            SentBytes = from.ReadInt64(),
            XactUs = from.ReadInt64(),
            QueryUs = from.ReadInt64(),
            WaitUs = from.ReadInt64(),
            ClientParses = from.ReadInt64(),
            ServerParses = from.ReadInt64(),
            Binds = from.ReadInt64(),
        };
        var isKnown = from.ReadBoolean();
        var untracked = from.ReadCountedBytes();
        return new HandedPool(database, user, totals, isKnown ? untracked : null, from.ReadNamed());
    }
}
