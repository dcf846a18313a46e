using FastPool.Base;
using FastPool.Core.Settings;

namespace FastPool.Core.Sessions.Handover;

/// <summary>
/// A client that one process gives up, as it tells another of it. The client notices nothing. Of a PgBouncer only the
/// properties of the first block are known; the rest stays as it is here.
/// </summary>
public sealed class HandedClient
{
    /// <summary>Its descriptor: in the new process the one that came along.</summary>
    public int Descriptor { get; set; }

    public required string Database { get; init; }

    public required string User { get; init; }

    public EndAddress Remote { get; init; }

    public int UnixPort { get; init; }

    public int PeerPid { get; init; }

    public ulong CancelKey { get; init; }

    /// <summary>The linked server's descriptor in the old process; 0: none.</summary>
    public int LinkedDescriptor { get; init; }

    /// <summary>Tracked variables by name.</summary>
    public IReadOnlyList<(string Name, string Value)> Parameters { get; init; } = [];

    public EndAddress Local { get; init; }

    public ReplicationKind Replication { get; init; }

    /// <summary>The wish of a replication client in <c>options</c>; empty: none.</summary>
    public string ReplicationOptions { get; init; } = "";

    public ClientClocks Clocks { get; init; } = ClientClocks.Unknown;

    public bool IsInCopyIn { get; init; }

    /// <summary>It waits for the pool's parameters, not for a server.</summary>
    public bool AwaitsWelcome { get; init; }

    /// <summary>Its names for prepared statements, with their numbers.</summary>
    public IReadOnlyList<(byte[] Name, long Statement)> Statements { get; init; } = [];

    /// <summary>Its unnamed statement: what follows the name in the Parse; empty: it has none.</summary>
    public byte[] Unnamed { get; init; } = [];

    /// <summary>The state of its session that goes with it; null: none.</summary>
    public KeptState? Kept { get; init; }

    public HandedStream Stream { get; set; } = HandedStream.AtRest;

    /// <param name="before">The one written before it, which may share much with it; null: it is the first.</param>
    public void Write(BinaryWriter to, HandedClient? before)
    {
        to.Write(Descriptor);
        to.WriteShared(Database, before?.Database, static (writer, name) => writer.Write(name));
        to.WriteShared(User, before?.User, static (writer, name) => writer.Write(name));
        to.WriteAddress(Remote);
        to.Write(UnixPort);
        to.Write(PeerPid);
        to.Write(CancelKey);
        to.Write(LinkedDescriptor);
        to.WriteShared(Parameters, before?.Parameters, HandoverFormat.WriteNamed);
        to.WriteAddress(Local);
        to.Write((byte)Replication);
        to.Write(ReplicationOptions);
        Clocks.Write(to);
        to.Write(IsInCopyIn);
        to.Write(AwaitsWelcome);
        to.WriteList(Statements, static (writer, statement) =>
        {
            writer.WriteBytes(statement.Name);
            writer.Write(statement.Statement);
        });
        to.WriteBytes(Unnamed);
        KeptState.Write(to, Kept);
        Stream.Write(to);
    }

    /// <param name="before">The one read before it.</param>
    public static HandedClient Read(BinaryReader from, HandedClient? before) => new()
    {
        Descriptor = from.ReadInt32(),
        Database = from.ReadShared(before?.Database, static reader => reader.ReadString()),
        User = from.ReadShared(before?.User, static reader => reader.ReadString()),
        Remote = from.ReadAddress(),
        UnixPort = from.ReadInt32(),
        PeerPid = from.ReadInt32(),
        CancelKey = from.ReadUInt64(),
        LinkedDescriptor = from.ReadInt32(),
        Parameters = from.ReadShared(before?.Parameters, HandoverFormat.ReadNamed),
        Local = from.ReadAddress(),
        Replication = (ReplicationKind)from.ReadByte(),
        ReplicationOptions = from.ReadString(),
        Clocks = ClientClocks.Read(from),
        IsInCopyIn = from.ReadBoolean(),
        AwaitsWelcome = from.ReadBoolean(),
        Statements = from.ReadList(static reader => (reader.ReadCountedBytes(), reader.ReadInt64())),
        Unnamed = from.ReadCountedBytes(),
        Kept = KeptState.Read(from),
        Stream = HandedStream.Read(from),
    };
}

/// <summary>
/// How long ago things happened, in microseconds, because monotonic clocks of two processes need not agree. Negative: never.
/// </summary>
public sealed record ClientClocks(long ConnectUs, long RequestUs, long QueryUs, long XactUs, long ReadyInXactUs, long ClientUs,
    long WaitUs)
{
    public static ClientClocks Unknown { get; } = new(0, 0, -1, -1, -1, 0, -1);

    internal void Write(BinaryWriter to)
    {
        foreach (var age in (ReadOnlySpan<long>)[ConnectUs, RequestUs, QueryUs, XactUs, ReadyInXactUs, ClientUs, WaitUs])
            to.Write(age);
    }

    internal static ClientClocks Read(BinaryReader from) =>
        new(from.ReadInt64(), from.ReadInt64(), from.ReadInt64(), from.ReadInt64(), from.ReadInt64(), from.ReadInt64(),
            from.ReadInt64());
}

/// <summary>How far the bytes of a connection have come.</summary>
/// <param name="BodyRemaining">Bytes of the present message still to come.</param>
/// <param name="IsBodySkipped">They are dropped.</param>
/// <param name="Held">Received and not judged.</param>
/// <param name="Unread">Received, behind what is held, and not delivered; with TLS, records.</param>
/// <param name="Unsent">For this connection's peer, which has not taken them yet; with TLS, records.</param>
/// <param name="Tls">The keys and counters of its TLS; empty: it is plain. Cleared by the code that takes them.</param>
public sealed record HandedStream(int BodyRemaining, bool IsBodySkipped, byte[] Held, byte[] Unread, byte[] Unsent, byte[] Tls)
{
    public static HandedStream AtRest { get; } = new(0, false, [], [], [], []);

    /// <summary>Forgets the secrets, which are not needed any more.</summary>
    public void Forget() => Array.Clear(Tls);

    internal void Write(BinaryWriter to)
    {
        to.Write(BodyRemaining);
        to.Write(IsBodySkipped);
        to.WriteBytes(Held);
        to.WriteBytes(Unread);
        to.WriteBytes(Unsent);
        to.WriteBytes(Tls);
    }

    internal static HandedStream Read(BinaryReader from)
    {
        var (remaining, isSkipped, held) = (from.ReadInt32(), from.ReadBoolean(), from.ReadCountedBytes());
        var (unread, unsent, tls) = (from.ReadCountedBytes(), from.ReadCountedBytes(), from.ReadCountedBytes());
        return remaining == 0 && held.Length == 0 && unread.Length == 0 && unsent.Length == 0 && tls.Length == 0 ? AtRest
            : new HandedStream(remaining, isSkipped, held, unread, unsent, tls);
    }
}
