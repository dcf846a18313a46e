using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;

namespace FastPool.Control.Listings;

/// <summary>Where a connection stands; the order is that of the listings within a pool.</summary>
internal enum ConnectionPlace
{
    ClientActive,
    ClientWaiting,
    ClientActiveCancel,
    ClientWaitingCancel,
    ServerActive,
    ServerIdle,
    ServerUsed,
    ServerTested,
    ServerLogin,
    ServerActiveCancel,
    ServerBeingCanceled,
    ClientLogin,
    /// <summary>About to be gone: in no listing.</summary>
    Closing,
}

/// <summary>A client or server connection as it was when its loop was visited: everything a listing may want of it.</summary>
internal sealed class ConnectionRow
{
    public required ConnectionPlace Place { get; init; }
    public required long Id { get; init; }
    /// <summary>Null: none, or a peer's.</summary>
    public Pool? Pool { get; init; }
    public string? User { get; init; }
    public string? Database { get; init; }
    public ReplicationKind Replication { get; init; }
    public EndAddress Remote { get; init; }
    /// <summary>The proxy between; null: none.</summary>
    public ProxyOrigin? Origin { get; init; }
    public EndAddress Local { get; init; }
    /// <summary>The number shown as the remote port of a Unix socket.</summary>
    public int UnixPort { get; init; }
    public long ConnectWallUs { get; init; }
    public long RequestWallUs { get; init; }
    public long WaitUs { get; init; }
    public bool IsCloseNeeded { get; init; }
    /// <summary>The partner; 0: none.</summary>
    public long LinkId { get; init; }

    /// <summary>A client in a transaction of which no server knows yet.</summary>
    public bool IsInTransaction { get; init; }
    public long RemotePid { get; init; }
    public string Tls { get; init; } = "";
    public string ApplicationName { get; init; } = "";
    public int PreparedStatements { get; init; }
    public BufferView Buffer { get; init; }

    // For SHOW FDS.
    public int Descriptor { get; init; }
    /// <summary>The descriptor that is passed on in its place; negative: none.</summary>
    public int DescriptorCopy { get; set; } = -1;
    public int LinkDescriptor { get; init; }
    public bool IsLinkedToTls { get; init; }
    /// <summary>The listening connection of a pool, or a client that it tells.</summary>
    public bool IsOfListening { get; init; }
    public ulong CancelKey { get; init; }
    public ParameterValues? Parameters { get; init; }

    public bool IsServer => Place is >= ConnectionPlace.ServerActive and <= ConnectionPlace.ServerBeingCanceled;

    /// <summary>On the client's loop.</summary>
    public static ConnectionRow Of(ClientSession client, long nowUs)
    {
        var end = client.Transport;
        var partner = client.Server?.Transport;
        var hasEntered = client.Pool is not null;
        return new ConnectionRow
        {
            Place = PlaceOf(client),
            Id = client.Id,
            Pool = client.Pool,
            User = client.UserName,
            Database = hasEntered ? client.Pool!.Database.Name : client.DatabaseName,
            Replication = client.Replication,
            Remote = client.Remote,
            Origin = client.Origin,
            Local = client.Local,
            UnixPort = client.UnixPort,
            ConnectWallUs = client.ConnectWallUs,
            RequestWallUs = client.ConnectWallUs + (client.RequestUs - client.ConnectUs),
            // The console runs no query.
            WaitUs = client.QueryStartUs == 0 || (hasEntered && client.IsConsole) ? 0 : Math.Max(0, nowUs - client.QueryStartUs),
            LinkId = client.Server?.Id ?? 0,
            IsInTransaction = client.Deferred != DeferredBegin.None,
            RemotePid = client.Remote.IsUnix ? client.PeerPid : 0,
            Tls = end.Tls,
            ApplicationName = client.Parameters[TrackedParameters.ApplicationName] ?? "",
            PreparedStatements = client.StatementCount,
            Buffer = end.Buffer,
            Descriptor = end.Descriptor,
            LinkDescriptor = partner?.Descriptor ?? 0,
            IsOfListening = client.Subscription is not null,
            IsLinkedToTls = partner is { Tls.Length: > 0 },
            CancelKey = client.CancelKey,
            Parameters = client.Parameters,
        };
    }

    /// <summary>On the server's loop.</summary>
    public static ConnectionRow Of(ServerSession server)
    {
        var end = server.Transport;
        var partner = server.Client?.Transport;
        return new ConnectionRow
        {
            Place = PlaceOf(server.State),
            Id = server.Id,
            Pool = server.Pool,
            User = server.Pool.User.Name,
            Database = server.Pool.Database.Name,
            Replication = server.Replication,
            Remote = server.Remote,
            Local = server.Local,
            UnixPort = server.UnixPort,
            ConnectWallUs = server.ConnectWallUs,
            RequestWallUs = server.ConnectWallUs + Math.Max(0, server.LastActivityUs - server.DialStartUs),
            IsCloseNeeded = server.IsCloseNeeded,
            LinkId = server.Client?.Id ?? 0,
            RemotePid = (uint)(server.CancelKey >> 32),
            Tls = end.Tls,
            ApplicationName = server.Parameters[TrackedParameters.ApplicationName] ?? "",
            PreparedStatements = server.StatementCount,
            Buffer = end.Buffer,
            Descriptor = end.Descriptor,
            LinkDescriptor = partner?.Descriptor ?? 0,
            IsOfListening = server.Hub is not null,
            IsLinkedToTls = partner is { Tls.Length: > 0 },
            CancelKey = server.CancelKey,
            Parameters = server.Parameters,
        };
    }

    /// <summary>The connection that brought a cancel request. On its loop.</summary>
    public static ConnectionRow OfRequest(CancelView cancel, ClientSession client) => new()
    {
        Place = cancel.Carrier is { IsConnecting: false } ? ConnectionPlace.ClientActiveCancel
            : ConnectionPlace.ClientWaitingCancel,
        Id = client.Id,
        Pool = cancel.Pool,
        Database = cancel.Pool?.Database.Name,
        Remote = client.Remote,
        Local = client.Local,
        UnixPort = client.UnixPort,
        ConnectWallUs = client.ConnectWallUs,
        RequestWallUs = client.ConnectWallUs + (client.RequestUs - client.ConnectUs),
        LinkId = cancel.Carrier?.Id ?? 0,
        RemotePid = client.Remote.IsUnix ? client.PeerPid : 0,
        Tls = client.Transport.Tls,
    };

    /// <summary>The connection that carries a cancel request.</summary>
    public static ConnectionRow OfCarrier(CancelView cancel, CancelCarrier carrier) => new()
    {
        Place = carrier.IsConnecting ? ConnectionPlace.ServerLogin : ConnectionPlace.ServerActiveCancel,
        Id = carrier.Id,
        Pool = cancel.Pool,
        User = cancel.Pool?.User.Name,
        Database = cancel.Pool?.Database.Name,
        Remote = carrier.Remote,
        Local = carrier.Local,
        UnixPort = carrier.UnixPort,
        ConnectWallUs = carrier.ConnectWallUs,
        RequestWallUs = carrier.ConnectWallUs,
        LinkId = cancel.Client?.Id ?? 0,
    };

    /// <summary>On the client's loop.</summary>
    public static ConnectionPlace PlaceOf(ClientSession client) => client.State switch
    {
        ClientState.Login => ConnectionPlace.ClientLogin,
        ClientState.Waiting => ConnectionPlace.ClientWaiting,
        ClientState.Active => ConnectionPlace.ClientActive,
        _ => ConnectionPlace.Closing,
    };

    private static ConnectionPlace PlaceOf(ServerState state) => state switch
    {
        ServerState.Login => ConnectionPlace.ServerLogin,
        ServerState.Idle => ConnectionPlace.ServerIdle,
        ServerState.Used => ConnectionPlace.ServerUsed,
        ServerState.Tested => ConnectionPlace.ServerTested,
        ServerState.Active => ConnectionPlace.ServerActive,
        ServerState.BeingCanceled => ConnectionPlace.ServerBeingCanceled,
        _ => ConnectionPlace.Closing,
    };
}
