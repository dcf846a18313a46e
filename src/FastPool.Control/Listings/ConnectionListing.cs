using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using static FastPool.Control.Listings.Columns<FastPool.Control.Listings.ConnectionLine>;

namespace FastPool.Control.Listings;

/// <summary>A connection with what depends on the listing it is in.</summary>
internal sealed record ConnectionLine(ConnectionRow Connection, string State, int ListenPort, BufferView Buffer);

/// <summary>SHOW CLIENTS, SERVERS, SOCKETS and ACTIVE_SOCKETS.</summary>
internal static class ConnectionListing
{
    private const long UsPerSecond = 1_000_000;

    private static readonly Column<ConnectionLine>[] Common =
    [
        Text("type", static line => line.Connection.IsServer ? "S" : "C"),
        Text("user", static line => line.Connection.User ?? "(nouser)"),
        Text("database", static line => line.Connection.Database ?? "(nodb)"),
        Text("replication", static line => ReplicationWord(line.Connection.Replication)),
        Text("state", static line => line.State),
        Text("addr", static line => line.Connection.Remote.ToString()),
        Int4("port", static line => line.Connection.Remote.IsUnix ? line.Connection.UnixPort : line.Connection.Remote.Port),
        Text("local_addr", static line => line.Connection.Local.ToString()),
        Int4("local_port", static line => line.Connection.Local.IsUnix ? line.ListenPort : line.Connection.Local.Port),
        Time("connect_time", static line => line.Connection.ConnectWallUs),
        Time("request_time", static line => line.Connection.RequestWallUs),
        Int4("wait", static line => line.Connection.WaitUs / UsPerSecond),
        Int4("wait_us", static line => line.Connection.WaitUs % UsPerSecond),
        Flag("close_needed", static line => line.Connection.IsCloseNeeded),
        Text("ptr", static line => ConnectionName.Pointer(line.Connection.Id)),
        Text("link", static line => line.Connection.LinkId == 0 ? "" : ConnectionName.Pointer(line.Connection.LinkId)),
        Int4("remote_pid", static line => line.Connection.RemotePid),
        Text("tls", static line => line.Connection.Tls),
        Text("application_name", static line => line.Connection.ApplicationName),
        Int4("prepared_statements", static line => line.Connection.PreparedStatements),
        Int4("id", static line => line.Connection.Id),
    ];

    public static Listing<ConnectionLine> Listing { get; } = new(Common);

    public static Listing<ConnectionLine> WithBuffers { get; } = new(
    [
        .. Common,
        Int4("recv_pos", static line => line.Buffer.Received),
        Int4("pkt_pos", static line => line.Buffer.Parsed),
        Int4("pkt_remain", static line => line.Buffer.PacketRemain),
        Int4("send_pos", static line => line.Buffer.Sent),
        Int4("send_remain", static _ => 0),
        Int4("pkt_avail", static line => line.Buffer.Received - line.Buffer.Parsed),
        Int4("send_avail", static line => line.Buffer.Parsed - line.Buffer.Sent + line.Buffer.Unsent),
    ]);

    /// <summary>Clients that are in, or wait for the first server of their pool; and cancel requests.</summary>
    public static IEnumerable<ConnectionLine> Clients(Connections connections, Settings settings) =>
        connections.ClientsInOrder().Select(row => new ConnectionLine(row, StateOf(row), settings.ListenPort, row.Buffer));

    public static IEnumerable<ConnectionLine> Servers(Connections connections, Settings settings)
    {
        var rows = connections.Servers();
        rows.AddRange(connections.CancelCarriers());
        return connections.InOrder(rows).Select(row => new ConnectionLine(row, StateOf(row), settings.ListenPort, row.Buffer));
    }

    /// <summary>Both, under the names of the lists they are in; without what has to do with cancel requests.</summary>
    /// <param name="asking">The console session that asks: its query is in its buffer.</param>
    /// <param name="askingBuffer">That buffer.</param>
    public static IEnumerable<ConnectionLine> Sockets(Connections connections, Settings settings, long asking,
        BufferView askingBuffer)
    {
        var requests = connections.CancelRequests().ConvertAll(static row => row.Id);
        var rows = connections.Clients();
        rows.RemoveAll(row => requests.Contains(row.Id));
        rows.AddRange(connections.Servers());
        return connections.InOrder(rows)
            .Where(static row => row.Place != ConnectionPlace.ServerBeingCanceled)
            .Select(row =>
                new ConnectionLine(row, ListOf(row.Place), settings.ListenPort, row.Id == asking ? askingBuffer : row.Buffer));
    }

    public static bool IsActiveSocket(ConnectionLine line) => line.Buffer != default;

    /// <summary>A connection without a link in the active list is shown as idle.</summary>
    private static string StateOf(ConnectionRow row) => row.Place switch
    {
        ConnectionPlace.ClientActive or ConnectionPlace.ServerActive =>
            row is { LinkId: 0, IsInTransaction: false } ? "idle" : "active",
        ConnectionPlace.ClientWaiting => "waiting",
        ConnectionPlace.ClientActiveCancel => "active_cancel_req",
        ConnectionPlace.ClientWaitingCancel => "waiting_cancel_req",
        ConnectionPlace.ServerIdle => "idle",
        ConnectionPlace.ServerUsed => "used",
        ConnectionPlace.ServerTested => "tested",
        ConnectionPlace.ServerLogin => "new",
        ConnectionPlace.ServerActiveCancel => "active_cancel",
        _ => "being_canceled",
    };

    private static string ListOf(ConnectionPlace place) => place switch
    {
        ConnectionPlace.ClientActive => "cl_active",
        ConnectionPlace.ClientWaiting => "cl_waiting",
        ConnectionPlace.ServerActive => "sv_active",
        ConnectionPlace.ServerIdle => "sv_idle",
        ConnectionPlace.ServerUsed => "sv_used",
        ConnectionPlace.ServerTested => "sv_tested",
        ConnectionPlace.ServerLogin => "sv_login",
        _ => "cl_login",
    };

    private static string ReplicationWord(ReplicationKind replication) => replication switch
    {
        ReplicationKind.Logical => "logical",
        ReplicationKind.Physical => "physical",
        _ => "none",
    };
}
