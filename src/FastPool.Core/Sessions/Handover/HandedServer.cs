using FastPool.Base;

namespace FastPool.Core.Sessions.Handover;

/// <summary>As <see cref="HandedClient"/>, of a server connection.</summary>
public sealed class HandedServer
{
    /// <summary>Its descriptor: in the new process the one that came along.</summary>
    public int Descriptor { get; set; }

    /// <summary>Its descriptor in the old process, which clients name as their link.</summary>
    public int OldDescriptor { get; init; }

    public required string Database { get; init; }

    /// <summary>The pool's user.</summary>
    public required string User { get; init; }

    public EndAddress Remote { get; init; }

    public int UnixPort { get; init; }

    public ulong CancelKey { get; init; }

    /// <inheritdoc cref="ServerSession.LongCancelKey"/>
    public byte[] LongCancelKey { get; init; } = [];

    /// <summary>A client is linked: the server is not ready, unless told otherwise.</summary>
    public bool IsLinked { get; init; }

    /// <inheritdoc cref="HandedClient.Parameters"/>
    public IReadOnlyList<(string Name, string Value)> Parameters { get; init; } = [];

    public EndAddress Local { get; init; }

    /// <summary>The path of a Unix socket; empty: none, or not known.</summary>
    public string Path { get; init; } = "";

    /// <summary>Since the connect and since the last byte.</summary>
    public (long DialUs, long ActivityUs) Ages { get; init; }

    public ServerFlags Flags { get; init; }

    /// <summary>Requests whose replies are outstanding, oldest first; 0 for no statement.</summary>
    public IReadOnlyList<(byte Type, ReplyAction Action, long Statement, RequestKind Kind)> Outstanding { get; init; } = [];

    /// <summary>Statements that it has prepared, the least recently used first.</summary>
    public IReadOnlyList<(long Statement, bool IsStale)> Statements { get; init; } = [];

    /// <summary>The state of a client's session that is on it; null: none.</summary>
    public KeptState? Kept { get; init; }

    /// <inheritdoc cref="ServerSession.Pin"/>
    public string Pin { get; init; } = "";

    /// <summary>Custom variables that clients of the pool have set; none where no client has it, or no state is kept.</summary>
    public IReadOnlyList<string> CustomNames { get; init; } = [];

    /// <summary>It is its pool's listening connection: the channel of its marks. Empty: it is not.</summary>
    public string Mark { get; init; } = "";

    /// <inheritdoc cref="HandedClient.Stream"/>
    public HandedStream Stream { get; set; } = HandedStream.AtRest;

    /// <param name="before">The one written before it, which may share much with it; null: it is the first.</param>
    public void Write(BinaryWriter to, HandedServer? before)
    {
        to.Write(OldDescriptor);
        to.WriteShared(Database, before?.Database, static (writer, name) => writer.Write(name));
        to.WriteShared(User, before?.User, static (writer, name) => writer.Write(name));
        to.WriteAddress(Remote);
        to.Write(UnixPort);
        to.Write(CancelKey);
        to.WriteBytes(LongCancelKey);
        to.Write(IsLinked);
        to.WriteShared(Parameters, before?.Parameters, HandoverFormat.WriteNamed);
        to.WriteAddress(Local);
        to.Write(Path);
        to.Write(Ages.DialUs);
        to.Write(Ages.ActivityUs);
        to.Write((int)Flags);
        to.WriteList(Outstanding, static (writer, request) =>
        {
            writer.Write(request.Type);
            writer.Write((byte)request.Action);
            writer.Write(request.Statement);
            writer.Write((byte)request.Kind);
        });
        to.WriteList(Statements, static (writer, statement) =>
        {
            writer.Write(statement.Statement);
            writer.Write(statement.IsStale);
        });
        KeptState.Write(to, Kept);
        to.Write(Pin);
        to.WriteList(CustomNames, static (writer, name) => writer.Write(name));
        to.Write(Mark);
        Stream.Write(to);
    }

    /// <param name="before">The one read before it.</param>
    public static HandedServer Read(BinaryReader from, HandedServer? before) => new()
    {
        OldDescriptor = from.ReadInt32(),
        Database = from.ReadShared(before?.Database, static reader => reader.ReadString()),
        User = from.ReadShared(before?.User, static reader => reader.ReadString()),
        Remote = from.ReadAddress(),
        UnixPort = from.ReadInt32(),
        CancelKey = from.ReadUInt64(),
        LongCancelKey = from.ReadCountedBytes(),
        IsLinked = from.ReadBoolean(),
        Parameters = from.ReadShared(before?.Parameters, HandoverFormat.ReadNamed),
        Local = from.ReadAddress(),
        Path = from.ReadString(),
        Ages = (from.ReadInt64(), from.ReadInt64()),
        Flags = (ServerFlags)from.ReadInt32(),
        Outstanding = from.ReadList(static reader =>
            (reader.ReadByte(), (ReplyAction)reader.ReadByte(), reader.ReadInt64(), (RequestKind)reader.ReadByte())),
        Statements = from.ReadList(static reader => (reader.ReadInt64(), reader.ReadBoolean())),
        Kept = KeptState.Read(from),
        Pin = from.ReadString(),
        CustomNames = from.ReadList(static reader => reader.ReadString()),
        Mark = from.ReadString(),
        Stream = HandedStream.Read(from),
    };
}

/// <summary>The work in the middle of which a server connection is.</summary>
[Flags]
public enum ServerFlags
{
    None = 0,
    Ready = 1,
    IdleInTransaction = 2,
    InCopy = 4,
    QueryFailed = 8,
    /// <summary>Messages of COPY's have come behind a Sync that is not answered.</summary>
    CopyInDoubt = 16,
    /// <summary>As far as command tags tell.</summary>
    InTransaction = 32,
    CloseNeeded = 64,
    /// <summary>Its client has set a variable whose name nobody knows.</summary>
    UnknownNames = 128,
}
