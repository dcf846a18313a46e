using FastPool.Core.Settings;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// The notes of a server connection for the console: latencies of statements, and use of what transaction pooling breaks.
/// </summary>
public sealed partial class ServerSession
{
    private bool _isInTransaction;
    private SafetyUse _textUse;
    private short _setsUnreported; // One less for each report of a tracked variable.
    private bool _isSetConfig; // The last of them was no SET.
    private bool _hasParsed; // The client, since it has this server.
    private Statement? _bound;
    private long _workSinceUs;

    /// <summary>
    /// A query, or the Parse of an unnamed statement, goes to this server: what its text says that its tag will not.
    /// </summary>
    /// <param name="length">Of the whole message; so many of its bytes may not have come yet.</param>
    public void LookAt(byte type, ReadOnlySpan<byte> message, int length)
    {
        if (type is not (FrontendMessage.Query or FrontendMessage.Parse))
        {
            if (type == FrontendMessage.Bind && !_hasParsed) NoteEarlierStatement();
            else if (type == FrontendMessage.FunctionCall && _keeps) _mayHaveState = true;
            return;
        }
        if (type == FrontendMessage.Parse) _hasParsed = true;
        var text = SessionUse.TextOf(type, message);
        _textUse = SessionUse.OfText(text);
        var isWhole = message.Length >= length;
        TextMarks = SessionUse.DropsStatements(text) ? TextMarks.Drops : TextMarks.None;
        if (TextMarks != TextMarks.None) DoubtStatements();
        LookForReset(type, text, isWhole);
        if (_restore is not null) TextMarks |= TextMarks.Resets;
        if (!_keeps) TextMarks |= TextMarks.Untraced;
        else if (LookForState(type, text, isWhole)) TextMarks |= TextMarks.LeavesState;
    }

    /// <summary>Of the text that was looked at last.</summary>
    internal TextMarks TextMarks { get; private set; }

    /// <summary>
    /// Messages behind DEALLOCATE ALL or DISCARD ALL in a pipeline must not count on statements from before it.
    /// </summary>
    internal void DoubtStatements()
    {
        _statements?.MarkAllStale();
        Client!.NoteDropUnderWay();
    }

    /// <summary>A command is through: how long a prepared one took, and what it leaves behind.</summary>
    private void NoteDone(ReadOnlySpan<byte> tag)
    {
        var use = _textUse;
        _textUse = SafetyUse.None;
        if (_bound is { } statement)
        {
            var us = Context.NowUs - Math.Max(_workSinceUs, Client!.QueryStartUs);
            statement.LatencyOn(Context.Loop)?.Record(us);
            Client.NoteRun(statement, us);
            _workSinceUs = Context.NowUs;
            _bound = null;
            use = statement.Use;
        }
        if (_hasLabels) NoteSetting(tag);
        if (_keeps) NoteStateOf(tag);
        if (tag is not [var first, ..] || Pool.Limits.PoolMode == PoolMode.Session || Client!.Replication != ReplicationKind.None)
            return;
        switch (first)
        {
            case (byte)'B' when tag.SequenceEqual("BEGIN\0"u8): _isInTransaction = true; return;
            case (byte)'C' when tag.SequenceEqual("COMMIT\0"u8): _isInTransaction = false; return;
            case (byte)'S' when tag.SequenceEqual("SET\0"u8):
                if (!_isInTransaction) NoteSet(isSetConfig: false);
                return;
            case (byte)'S' when tag.SequenceEqual("START TRANSACTION\0"u8): _isInTransaction = true; return;
            case (byte)'R' when tag.SequenceEqual("ROLLBACK\0"u8): _isInTransaction = false; return;
            case (byte)'L' when tag.SequenceEqual("LISTEN\0"u8): use = SafetyUse.Listen; break;
            case (byte)'P' when tag.SequenceEqual("PREPARE\0"u8): use = SafetyUse.Prepare; break;
            // Without HOLD it is an error there.
            case (byte)'D' when !Client!.HasNames && tag.StartsWith("DEALLOCATE"u8): use = SafetyUse.Deallocate; break;
            case (byte)'D' when !_isInTransaction && tag.SequenceEqual("DECLARE CURSOR\0"u8): use = SafetyUse.HoldCursor; break;
        }
        if (use == SafetyUse.SetConfig) NoteSet(isSetConfig: true);
        else if (use != SafetyUse.None) AddUse(use);
    }

    /// <summary>A variable is set, as far as the command tells.</summary>
    private void NoteSet(bool isSetConfig)
    {
        _setsUnreported++;
        _isSetConfig = isSetConfig;
    }

    /// <summary>ReadyForQuery.</summary>
    private void EndNotes()
    {
        _isInTransaction = !IsReady;
        _bound = null;
        if (_keeps) EndStateNotes();
        _setsUnreported = 0;
    }

    /// <summary>
    /// ReadyForQuery is here and has not been judged. A SET that brought a report of a tracked variable is carried over by the
    /// pooler: no harm.
    /// </summary>
    /// <returns>True: the client is told something before it.</returns>
    private bool EndSets()
    {
        _setsUnreported = 0;
        AddUse(_isSetConfig ? SafetyUse.SetConfig : SafetyUse.Set);
        return HasOwnReplies;
    }

    /// <summary>The client binds what it has not prepared since it has this server.</summary>
    private void NoteEarlierStatement()
    {
        _hasParsed = true; // Once a link is enough.
        if (Pool.Limits is { MaxPreparedStatements: 0, PoolMode: not PoolMode.Session } && !IsKeptByClient)
            AddUse(SafetyUse.EarlierStatement);
    }

    private void AddUse(SafetyUse use, string reason = "")
    {
        var travels = use is not (SafetyUse.Pinned or SafetyUse.EarlierStatement or SafetyUse.UnnamedHealed);
        if (_keeps && travels) return;
        var client = Client!;
        Context.Safety.Add(use, reason, client.Pool!.Database.Name, client.UserName ?? "",
            client.Parameters[TrackedParameters.ApplicationName] ?? "", Context.WallUs);
        var mode = Context.Registry.Settings.Own.SessionWarning;
        if (mode == SessionWarningMode.Off || client.HasBeenWarned || SafetyUses.CureOf(use) is not { } cure) return;
        client.HasBeenWarned = true;
        var text = $"{SafetyUses.WordOf(use)} does not work in {PoolModes.Words.WordOf(Pool.Limits.PoolMode)} pooling";
        Context.Log.SessionWarning(client.LogPrefix, text, cure);
        if (mode == SessionWarningMode.Notice) SayNext(PoolerNotice.Of(text, cure));
    }
}
