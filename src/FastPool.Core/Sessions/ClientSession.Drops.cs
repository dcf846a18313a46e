using FastPool.Base;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// DEALLOCATE of a client's statements by SQL. PostgreSQL itself runs the command, as it stands: before it the server is given
/// a statement under the client's name, for its own one has the pooler's. So the reply, whatever it is, is PostgreSQL's.
/// </summary>
public sealed partial class ClientSession
{
    private DropsUnderWay? _drops;
    private List<(byte[] Portal, byte[] Name)>? _dropPortals;

    /// <summary>It has, or has had, names for statements.</summary>
    public bool HasNames => _statements is not null;

    private bool HasBackslashes => Parameters[TrackedParameters.StandardConformingStrings] == "off";

    private DropCommands DropsIn(ReadOnlySpan<byte> query)
    {
        var text = query.Length > MessageHeader.Size ? query[MessageHeader.Size..] : default;
        return new DropCommands(DropCommands.MayBeIn(text) ? text : default, HasBackslashes);
    }

    /// <summary>A name that a command is about may have another meaning once replies are here.</summary>
    private bool IsDropInDoubt(ServerSession server, byte type, ReadOnlySpan<byte> message)
    {
        if (type != FrontendMessage.Query) return false;
        var drops = DropsIn(message);
        while (drops.MoveNext())
        {
            if (drops.Name is { } name && IsNameInDoubt(server, name)) return true;
        }
        return false;
    }

    /// <summary>The name that the statement of a Bind drops when it is run; null: none.</summary>
    private byte[]? DroppedBy(in StatementNames bound)
    {
        if (bound.Case == StatementCase.Named) return _statements?.Peek(bound.Name)?.DroppedName;
        return HasNames && Unnamed is not null ? DropCommands.OnlyName(Unnamed.Expected) : null;
    }

    /// <summary>A Query or an Execute goes to the linked server.</summary>
    /// <param name="toServer">Gets what the server must hear before it.</param>
    /// <returns>The reply is expected as that of a request that drops statements.</returns>
    public bool ApplyCommand(byte type, ReadOnlySpan<byte> message, int length, MessageBuffer toServer)
    {
        if (message.Length < length) return false; // Too long to be looked at.
        return type == FrontendMessage.Query ? ApplyDrops(message, toServer) : ApplyDropPortal(message);
    }

    private bool ApplyDrops(ReadOnlySpan<byte> message, MessageBuffer toServer)
    {
        List<byte[]?>? names = null;
        var server = Server!;
        var isInSegment = server.Outstanding.IsSegmentOpen;
        var hasWritten = server.CloseNamesLeft(_statements!, toServer);
        var isAny = false;
        var drops = DropsIn(message);
        while (drops.MoveNext())
        {
            if (drops.Name is not { } name) // Behind DEALLOCATE ALL the rest are nobody's, or new.
            {
                server.DoubtStatements();
                continue;
            }
            var isOurs = _statements!.IsTaken(name);
            (names ??= []).Add(isOurs ? name : null);
            if (!isOurs) continue;
            isAny = true;
            _statements.SendClose(name, isInSegment ? server.Segment : server.Segment - 1);
            server.GiveName(name, toServer);
        }
        if ((isAny || hasWritten) && !isInSegment) server.EndOwnSegment(toServer);
        if (isAny) ExpectDrops(FrontendMessage.Query, names!);
        return isAny;
    }

    private void ExpectDrops(byte type, IEnumerable<byte[]?> names)
    {
        (_drops ??= new DropsUnderWay()).Add(names);
        Unnamed ??= new UnnamedStatement(_context.Buffers); // A query drops it too.
        Server!.ExpectDrops(type);
    }

    /// <summary>A Bind goes to the linked server, perhaps of a statement that drops one by name.</summary>
    private void ApplyBindOfDrop(in StatementNames bound, byte[]? name, MessageBuffer toServer)
    {
        if (_dropPortals is not null) ForgetDropPortal(bound.Portal);
        if (name is null || !_statements!.IsTaken(name)) return;
        Server!.GiveName(name, toServer);
        (_dropPortals ??= []).Add(([.. bound.Portal], name));
    }

    /// <returns>The name that the portal would have dropped; null: none.</returns>
    private byte[]? ForgetDropPortal(ReadOnlySpan<byte> portal)
    {
        for (var i = 0; i < _dropPortals!.Count; i++)
        {
            if (!portal.SequenceEqual(_dropPortals[i].Portal)) continue;
            var name = _dropPortals[i].Name;
            _dropPortals.RemoveAt(i);
            if (_dropPortals.Count == 0) _dropPortals = null;
            return name;
        }
        return null;
    }

    private bool ApplyDropPortal(ReadOnlySpan<byte> message)
    {
        var portal = message[MessageHeader.Size..];
        if (portal.IndexOf((byte)0) is not (>= 0 and var end) || ForgetDropPortal(portal[..end]) is not { } name) return false;
        _statements!.SendClose(name, Server!.Segment);
        ExpectDrops(FrontendMessage.Execute, [name]);
        return true;
    }

    /// <summary>PostgreSQL has run the next command of the oldest request that drops by name.</summary>
    /// <returns>The name that it has dropped; null: none of ours.</returns>
    internal byte[]? PassDrop()
    {
        if (_drops?.Pass() is not { } name) return null;
        EndChange(RequestEnd.Done);
        return name;
    }

    /// <summary>The oldest request that drops by name is through.</summary>
    internal void EndDrops(RequestEnd end)
    {
        if (_drops is null) return; // Sent by another process.
        for (var left = _drops.End(); left > 0; left--) EndChange(end);
    }
}
