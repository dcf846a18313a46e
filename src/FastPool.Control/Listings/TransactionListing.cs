using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using static FastPool.Control.Listings.Columns<FastPool.Control.Listings.TransactionRow>;

namespace FastPool.Control.Listings;

/// <summary>The work of the client that holds a server.</summary>
internal enum HolderState
{
    /// <summary>The server works on its query, or the reply is on its way.</summary>
    Running,
    /// <summary>The transaction waits for the client's next query.</summary>
    IdleInTransaction,
    /// <summary>No transaction: the server is the client's until it leaves.</summary>
    Idle,
}

/// <summary>A client that holds a server.</summary>
/// <param name="XactUs">Age of its transaction; 0: it has none.</param>
/// <param name="StateUs">How long it has been in that state.</param>
internal sealed record TransactionRow(Pool Pool, string User, long Id, string ApplicationName, string Address, int Port,
    HolderState State, long XactUs, long StateUs, string ServerAddress, int ServerPort, long ServerId, long RemotePid);

/// <summary>SHOW TRANSACTIONS: who holds the servers, and since when; the oldest transaction first.</summary>
internal static class TransactionListing
{
    private const long UsPerSecond = 1_000_000;

    public static Listing<TransactionRow> Listing { get; } = new(
        Text("database", static row => row.Pool.Database.Name),
        Text("user", static row => row.User),
        Text("application_name", static row => row.ApplicationName),
        Text("addr", static row => row.Address),
        Int4("port", static row => row.Port),
        Text("state", static row => StateWord(row.State)),
        Int4("xact", static row => row.XactUs / UsPerSecond),
        Int4("xact_us", static row => row.XactUs % UsPerSecond),
        Int4("since", static row => row.StateUs / UsPerSecond),
        Int4("since_us", static row => row.StateUs % UsPerSecond),
        Text("server_addr", static row => row.ServerAddress),
        Int4("server_port", static row => row.ServerPort),
        Int4("remote_pid", static row => row.RemotePid),
        Int4("id", static row => row.Id),
        Text("ptr", static row => ConnectionName.Pointer(row.Id)),
        Text("link", static row => ConnectionName.Pointer(row.ServerId)));

    public static string StateWord(HolderState state) => state switch
    {
        HolderState.Running => "running",
        HolderState.IdleInTransaction => "idle in transaction",
        _ => "idle",
    };

    public static List<TransactionRow> Rows(Sources sources)
    {
        var rows = new List<TransactionRow>();
        sources.Walk.Clients((view, client) =>
        {
            if (client is { Server: { } server, IsConsole: false }) rows.Add(Of(client, server, view.NowUs));
        });
        rows.Sort(static (a, b) => (b.XactUs, b.StateUs, a.Id).CompareTo((a.XactUs, a.StateUs, b.Id)));
        return rows;
    }

    /// <summary>On the client's loop.</summary>
    private static TransactionRow Of(ClientSession client, ServerSession server, long nowUs)
    {
        var state = client.QueryStartUs != 0 ? HolderState.Running
            : client.XactStartUs != 0 ? HolderState.IdleInTransaction : HolderState.Idle;
        var sinceUs = state == HolderState.Running ? client.QueryStartUs : server.LastReadyUs;
        return new TransactionRow(
            client.Pool!,
            client.UserName ?? "",
            client.Id,
            client.Parameters[TrackedParameters.ApplicationName] ?? "",
            client.Remote.ToString(),
            client.Remote.IsUnix ? client.UnixPort : client.Remote.Port,
            state,
            client.XactStartUs == 0 ? 0 : Math.Max(1, nowUs - client.XactStartUs),
            Math.Max(0, nowUs - sinceUs),
            server.Remote.ToString(),
            server.Remote.IsUnix ? server.UnixPort : server.Remote.Port,
            server.Id,
            server.BackendPid);
    }
}

/// <summary>How many clients hold servers, and the longest of them, in one pool.</summary>
internal sealed record HolderSum(Pool Pool, int Running, int IdleInTransaction, long OldestUs)
{
    public static List<HolderSum> Of(List<TransactionRow> rows) =>
    [
        .. rows.GroupBy(static row => row.Pool).Select(static group => new HolderSum(
            group.Key,
            group.Count(static row => row.State == HolderState.Running),
            group.Count(static row => row.State == HolderState.IdleInTransaction),
            group.Max(static row => row.XactUs))),
    ];
}
